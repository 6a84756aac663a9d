-- Removes the stream of a topic that was demoted, once nobody needs it: every group that must exist has acknowledged all of it.
-- `floor:<lane>` and `trimmedTo` in meta tell reconciling that what stands there was removed on purpose, not lost.
-- KEYS 1 hotspots  2 groups  3 hot:<topic>  4 meta  5 hotspot info
-- ARGV 1 topic  2 how long ago its last entry must have been written, ms      Replies 1 when it is done
local topic = ARGV[1]
if redis.call('HGET', KEYS[1], topic) ~= 'draining' then return 0 end
local wanted = redis.call('SMEMBERS', KEYS[2])
if #wanted == 0 then return 0 end

local function pairsOf(flat)
  local map = {}
  for i = 1, #flat, 2 do map[flat[i]] = flat[i + 1] end
  return map
end
local last
if redis.call('EXISTS', KEYS[3]) == 1 then
  last = pairsOf(redis.call('XINFO', 'STREAM', KEYS[3]))['last-generated-id']
  local wantedMs, newest = tonumber(ARGV[2]), redis.call('XREVRANGE', KEYS[3], '+', '-', 'COUNT', 1)[1]
  if wantedMs > 0 and newest then
    local time = redis.call('TIME')
    local quietMs = time[1] * 1000 + math.floor(time[2] / 1000) - tonumber(pairsOf(newest[2]).at) -- an id may be ahead of the time
    if quietMs < wantedMs then return 0 end
  end
  local groups = {}
  for _, flat in ipairs(redis.call('XINFO', 'GROUPS', KEYS[3])) do
    local group = pairsOf(flat)
    groups[group.name] = group
  end
  for _, name in ipairs(wanted) do
    local group = groups[name]
    if not group or group.pending ~= 0 or group['last-delivered-id'] ~= last then return 0 end
  end
end

-- First the removals, which Redis takes when it is full; what follows in the same script it takes then as well.
redis.call('HDEL', KEYS[1], topic)
redis.call('HDEL', KEYS[5], topic)
if last then
  redis.call('UNLINK', KEYS[3])
  if last == '0-0' then return 1 end -- never written to: the floor of the stream before it stands
  local function parsed(id) return tonumber(string.match(id, '^%d+')), tonumber(string.match(id, '%d+$')) end
  local ms, n = parsed(last)
  local beforeMs, beforeN = parsed(redis.call('HGET', KEYS[4], 'trimmedTo') or '0-0')
  redis.call('HSET', KEYS[4], 'floor:hot:' .. topic, last)
  if ms > beforeMs or (ms == beforeMs and n > beforeN) then redis.call('HSET', KEYS[4], 'trimmedTo', last) end
end
return 1
