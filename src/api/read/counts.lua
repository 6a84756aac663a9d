-- Reads the counts of topics of one partition from the Redis models.
-- KEYS 1 meta  2 rebuilding  3... count of a topic
-- Replies {total, roots, total, roots, ...}; nothing for a topic whose count cannot be read
if not wholeTerm(KEYS[1], KEYS[2]) then return redis.error_reply('REBUILDING') end
local numbers = {}
for i = 3, #KEYS do
  local found, n = redis.pcall('HMGET', KEYS[i], 'total', 'roots'), 2 * i - 5
  if found.err then numbers[n], numbers[n + 1] = false, false else numbers[n], numbers[n + 1] = found[1] or '0', found[2] or '0' end
end
return numbers
