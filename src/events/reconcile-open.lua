-- Opens a partition in a new term, with its clock above everything that was ever issued.
-- KEYS 1 meta  2 lease  3 rebuilding  4 priority      ARGV 1 lease token  2 term  3 clock  4 whether the archive was compared
-- 5 until when the Redis models are not whole: `later` when the archive has been asked, `now` for the last entry of `priority`, '' when they are
if redis.call('GET', KEYS[2]) ~= ARGV[1] then return redis.error_reply('LEASE lost') end
redis.call('HSET', KEYS[1], 'term', ARGV[2], 'lastTerm', ARGV[2])
local ms, n = string.match(redis.call('HGET', KEYS[1], 'clock') or '0-0', '(%d+)-(%d+)')
local raisedMs, raisedN = string.match(ARGV[3], '(%d+)-(%d+)')
if tonumber(raisedMs) > tonumber(ms) or (raisedMs == ms and tonumber(raisedN) > tonumber(n)) then redis.call('HSET', KEYS[1], 'clock', ARGV[3]) end
if ARGV[4] == 'yes' then redis.call('HDEL', KEYS[1], 'lostFrom', 'lostTo') else redis.call('HSET', KEYS[1], 'lostTo', ARGV[3]) end
if ARGV[5] == 'later' then redis.call('SET', KEYS[3], 'later') end
if ARGV[5] == 'now' then
  local info = redis.call('XINFO', 'STREAM', KEYS[4])
  for i = 1, #info, 2 do
    if info[i] == 'last-generated-id' and info[i + 1] ~= '0-0' then redis.call('SET', KEYS[3], info[i + 1]) end
  end
end
return 'OK'
