-- Sends a topic's new events back to `global`. A rate does not end what a person has promoted, before its time is over.
-- KEYS 1 hotspots  2 hotspot info      ARGV 1 topic  2 `operator` or `rate`  3 until when this may be done, ms or `inf`      Replies 1 when it was done
if redis.call('HGET', KEYS[1], ARGV[1]) ~= 'hot' then return 0 end
local time = redis.call('TIME')
local nowMs = time[1] * 1000 + math.floor(time[2] / 1000)
if ARGV[3] ~= 'inf' and nowMs > tonumber(ARGV[3]) then return 0 end
if ARGV[2] == 'rate' then
  local info = redis.call('HGET', KEYS[2], ARGV[1])
  info = info and cjson.decode(info)
  local untilMs = info and info.by == 'operator' and (tonumber(info.untilMs) or math.huge)
  if untilMs and untilMs > nowMs then return 0 end
end
-- The removal first: a full Redis takes it, and then the rest of the script, so that a stream can be drained and freed.
redis.call('HDEL', KEYS[1], ARGV[1])
redis.call('HSET', KEYS[1], ARGV[1], 'draining')
return 1
