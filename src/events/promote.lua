-- Gives a topic a stream of its own, with the group of every read model, from its first entry.
-- KEYS 1 hotspots  2 groups  3 hot:<topic>  4 meta      ARGV 1 topic
redis.call('HSETNX', KEYS[4], 'seq:hot:' .. ARGV[1], 0)
for _, group in ipairs(redis.call('SMEMBERS', KEYS[2])) do redis.pcall('XGROUP', 'CREATE', KEYS[3], group, '0', 'MKSTREAM') end
return redis.call('HSET', KEYS[1], ARGV[1], 'hot')
