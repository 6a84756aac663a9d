-- Writes an event of the archive to the log again, because no stream holds it: to `priority`, with its origin.
-- KEYS 1 meta  2 lease  3 priority  4 idempotency bucket
-- ARGV 1 lease token  2 term  3 clock to exceed  4 lane and 5 seq of the first writing  6 idempotency field, empty when past  7 request  8 ms to keep its bucket  9... fields
if redis.call('GET', KEYS[2]) ~= ARGV[1] then return redis.error_reply('LEASE lost') end
local meta = redis.call('HMGET', KEYS[1], 'clock', 'seq:priority', 'seq:' .. ARGV[4])
local function parsed(id)
  local ms, n = string.match(id or '0-0', '(%d+)-(%d+)')
  return tonumber(ms), tonumber(n)
end
local ms, n = parsed(meta[1])
local floorMs, floorN = parsed(ARGV[3])
if floorMs > ms or (floorMs == ms and floorN > n) then ms, n = floorMs, floorN end
n = n + 1
if n > 999999 then ms, n = ms + 1, 0 end
local entry = string.format('%.0f-%.0f', ms, n)
local seq = (tonumber(meta[2]) or 0) + 1
local fields = { 'seq', seq, 'term', ARGV[2] }
for i = 9, #ARGV do fields[#fields + 1] = ARGV[i] end
redis.call('XADD', KEYS[3], entry, unpack(fields))
redis.call('HSET', KEYS[1], 'clock', entry, 'seq:priority', seq)
if ARGV[4] ~= 'priority' and tonumber(ARGV[5]) > (tonumber(meta[3]) or 0) then redis.call('HSET', KEYS[1], 'seq:' .. ARGV[4], ARGV[5]) end
if ARGV[6] ~= '' then
  redis.call('HSET', KEYS[4], ARGV[6], ARGV[7] .. ':p' .. entry)
  redis.call('PEXPIRE', KEYS[4], ARGV[8], 'NX')
end
return entry
