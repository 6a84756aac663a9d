-- Likes: `likers:<topic>:<position>` holds a register for each user (`<position of the event><+ or ->`), `likes:<topic>` the counts.
--
-- KEYS 1 stream  2 dead letters  3 meta  4 dirty  5... the topics' counts and the comments' registers
-- ARGV 1 group, then for each entry: entry id, counts key index, registers key index, topic, comment position, user, register
local stream, dead, meta, dirty, group = KEYS[1], KEYS[2], KEYS[3], KEYS[4], ARGV[1]
local liked = {}

local function like(entry, counts, likers, topic, comment, user, register)
  mayAddTo(counts)
  local old = redis.call('HGET', likers, user)
  if old and string.sub(old, 1, 20) >= string.sub(register, 1, 20) then return end
  redis.call('HSET', likers, user, register)
  local was, is = old and string.sub(old, 21) == '+', string.sub(register, 21) == '+'
  -- Told to MongoDB also where it stays the same: there may be another number there, of before the server was emptied.
  liked[topic .. '/' .. comment] = counts
  add(counts, comment, 0, entry)
  if was == is then return end
  add(counts, comment, is and 1 or -1, entry)
end

for i = 2, #ARGV, 7 do
  local entry, counts, likers, topic, comment, user, register = unpack(ARGV, i, i + 6)
  if redis.call('XACK', stream, group, entry) == 1 and comment ~= '' then
    local ok, err = pcall(like, entry, KEYS[tonumber(counts)], KEYS[tonumber(likers)], topic, comment, user, register)
    if not ok then park(stream, dead, entry, err) end
  end
end
settle(stream, dead, function(counts, version)
  for member, key in pairs(liked) do
    if key == counts then redis.call('HSET', dirty, member, version) end
  end
end)
