-- Opens a partition in a new term, with its clock above everything that was ever issued.
-- KEYS 1 meta  2 lease      ARGV 1 lease token  2 term  3 clock  4 whether the archive was compared
if redis.call('GET', KEYS[2]) ~= ARGV[1] then return redis.error_reply('LEASE lost') end
redis.call('HSET', KEYS[1], 'term', ARGV[2], 'lastTerm', ARGV[2])
local ms, n = string.match(redis.call('HGET', KEYS[1], 'clock') or '0-0', '(%d+)-(%d+)')
local raisedMs, raisedN = string.match(ARGV[3], '(%d+)-(%d+)')
if tonumber(raisedMs) > tonumber(ms) or (raisedMs == ms and tonumber(raisedN) > tonumber(n)) then redis.call('HSET', KEYS[1], 'clock', ARGV[3]) end
if ARGV[4] == 'yes' then redis.call('HDEL', KEYS[1], 'lostFrom', 'lostTo') else redis.call('HSET', KEYS[1], 'lostTo', ARGV[3]) end
return 'OK'
