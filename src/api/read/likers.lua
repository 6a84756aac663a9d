-- Reads what a user's registers of likes say of comments of one topic, from the Redis models.
-- KEYS 1 meta  2 rebuilding  3... likers of a comment
-- ARGV 1 the user
-- Replies the registers, '' where there is none
if not wholeTerm(KEYS[1], KEYS[2]) then return redis.error_reply('REBUILDING') end
local registers = {}
for i = 3, #KEYS do registers[#registers + 1] = redis.call('HGET', KEYS[i], ARGV[1]) or '' end
return registers
