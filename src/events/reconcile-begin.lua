-- Closes a partition under a lease: no append is taken until a new term opens it. Remembers from where the log may lack what the archive has.
-- KEYS 1 meta  2 lease  3 hotspots  4 groups  5 global  6 priority  7 rebuilding
-- ARGV 1 lease token  2 key of hot streams, up to the topic  3... groups
-- Replies {last term, clock, top of all streams, lost from}
if redis.call('GET', KEYS[2]) ~= ARGV[1] then return redis.error_reply('LEASE lost') end
local wasOpen = redis.call('HEXISTS', KEYS[1], 'lastTerm')
redis.call('HDEL', KEYS[1], 'term')

local streams = { KEYS[5], KEYS[6] }
for _, topic in ipairs(redis.call('HKEYS', KEYS[3])) do streams[#streams + 1] = ARGV[2] .. topic end
-- An emptied server lost the models with their groups, and both start again from nothing. A group lost alone is not made again here:
-- its model would take what it has counted a second time. The models are not whole until the archive was asked what they must read again.
if wasOpen == 0 then
  redis.call('SET', KEYS[7], 'later')
  for i = 3, #ARGV do
    redis.call('SADD', KEYS[4], ARGV[i])
    for _, stream in ipairs(streams) do redis.pcall('XGROUP', 'CREATE', stream, ARGV[i], '0', 'MKSTREAM') end
  end
end

local function isAfter(a, b)
  local ams, an = string.match(a, '(%d+)-(%d+)')
  local bms, bn = string.match(b, '(%d+)-(%d+)')
  ams, an, bms, bn = tonumber(ams), tonumber(an), tonumber(bms), tonumber(bn)
  return ams > bms or (ams == bms and an > bn)
end
-- What was trimmed on purpose is not lost: the history goes on above it.
local top = redis.call('HGET', KEYS[1], 'trimmedTo') or '0-0'
for _, stream in ipairs(streams) do
  if redis.call('EXISTS', stream) == 1 then
    local info = redis.call('XINFO', 'STREAM', stream)
    for i = 1, #info, 2 do
      if info[i] == 'last-generated-id' and isAfter(info[i + 1], top) then top = info[i + 1] end
    end
  end
end
local known = redis.call('HMGET', KEYS[1], 'lastTerm', 'clock', 'lostFrom')
local from = known[3]
if not from or isAfter(from, top) then
  from = top
  redis.call('HSET', KEYS[1], 'lostFrom', from)
end
return { known[1] or '0', known[2] or '0-0', top, from }
