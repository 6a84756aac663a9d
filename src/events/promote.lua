-- Gives a topic a stream of its own, with the group of every read model, from its first entry.
-- KEYS 1 hotspots  2 groups  3 hot:<topic>  4 meta  5 hotspot info      ARGV 1 topic  2 who promotes it and until when, JSON  3 until when this may be done, ms or `inf`
-- Replies 0 when nothing was done: it came too late, or a rate would take over what a person has promoted, before its time is over.
local info, time = cjson.decode(ARGV[2]), redis.call('TIME')
local nowMs = time[1] * 1000 + math.floor(time[2] / 1000)
if ARGV[3] ~= 'inf' and nowMs > tonumber(ARGV[3]) then return 0 end
local before = redis.call('HGET', KEYS[1], ARGV[1]) == 'hot' and redis.call('HGET', KEYS[5], ARGV[1])
before = before and cjson.decode(before)
if before and before.by == 'operator' and info.by ~= 'operator' and (tonumber(before.untilMs) or math.huge) > nowMs then return 0 end

redis.call('HSETNX', KEYS[4], 'seq:hot:' .. ARGV[1], 0)
for _, group in ipairs(redis.call('SMEMBERS', KEYS[2])) do redis.pcall('XGROUP', 'CREATE', KEYS[3], group, '0', 'MKSTREAM') end
info.sinceMs = before and before.sinceMs or nowMs
redis.call('HSET', KEYS[5], ARGV[1], cjson.encode(info))
redis.call('HSET', KEYS[1], ARGV[1], 'hot')
return 1
