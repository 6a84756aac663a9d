-- Acknowledges what MongoDB has. An entry that a server has lost since it was read (FLUSHALL, a promotion) was archived too late for the
-- reconciling that opened the partition: from where to where is kept in meta, for another one to write it again.
-- KEYS 1 stream  2 meta      ARGV 1 lane  2 group  3... entry ids
if redis.call('XACK', KEYS[1], unpack(ARGV, 2)) == #ARGV - 2 then return end
local function isBefore(a, b)
  local ams, an = string.match(a, '(%d+)-(%d+)')
  local bms, bn = string.match(b, '(%d+)-(%d+)')
  return tonumber(ams) < tonumber(bms) or (ams == bms and tonumber(an) < tonumber(bn))
end
-- Up to the lane's floor it was trimmed after another consumer had acknowledged it; unless an opening skipped its position: then it was lost.
local function wasSkipped(entry)
  for _, field in ipairs(redis.call('HKEYS', KEYS[2])) do
    local to = string.match(field, '^gap:(.+)$')
    if to and not isBefore(to, entry) and isBefore(redis.call('HGET', KEYS[2], field), entry) then return true end
  end
  return false
end
local late = redis.call('HMGET', KEYS[2], 'lateFrom', 'lateTo', 'floor:' .. ARGV[1])
for i = 3, #ARGV do
  local entry = ARGV[i]
  local isTrimmed = late[3] and not isBefore(late[3], entry) and not wasSkipped(entry)
  if not isTrimmed and #redis.call('XRANGE', KEYS[1], entry, entry) == 0 then
    if not late[1] or isBefore(entry, late[1]) then late[1] = entry end
    if not late[2] or isBefore(late[2], entry) then late[2] = entry end
    redis.call('HSET', KEYS[2], 'lateFrom', late[1], 'lateTo', late[2])
    redis.call('HINCRBY', KEYS[2], 'lateSeen', 1) -- a range that was compared before this one is not done with
  end
end
