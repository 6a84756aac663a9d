-- Reads the counts of topics of one partition from the Redis models.
-- KEYS 1 meta  2 rebuilding  3... count of a topic
-- Replies {total, roots, total, roots, ...}
if not wholeTerm(KEYS[1], KEYS[2]) then return redis.error_reply('REBUILDING') end
local numbers = {}
for i = 3, #KEYS do
  local found = redis.call('HMGET', KEYS[i], 'total', 'roots')
  numbers[#numbers + 1] = found[1] or '0'
  numbers[#numbers + 1] = found[2] or '0'
end
return numbers
