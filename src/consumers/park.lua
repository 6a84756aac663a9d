-- Takes an entry out of a group's way: acknowledged and kept as a dead letter, both or neither; parking twice is parking once.
-- KEYS 1 stream  2 dead letters      ARGV 1 group  2 entry id  3 error
if redis.call('XACK', KEYS[1], ARGV[1], ARGV[2]) == 1 then park(KEYS[1], KEYS[2], ARGV[2], ARGV[3]) end
