-- Likes: `likers:<topic>:<position>` holds a register for each user (`<position of the event><+ or ->`), `likes:<topic>` the counts.
--
-- KEYS 1 stream  2 dead letters  3 meta  4 dirty  5... for each topic: likes, counts, ranked; for each comment: its registers
-- ARGV 1 group  2 cap of ranked, then for each entry:
--      entry id, first key index, registers' key index, topic, comment position, 'root', 'reply' or '' (not recorded), user, register
local stream, dead, meta, dirty, group, cap = KEYS[1], KEYS[2], KEYS[3], KEYS[4], ARGV[1], tonumber(ARGV[2])
local liked = {}

local function like(entry, k, likers, topic, comment, kind, user, register)
  local likes = KEYS[k]
  mayAddTo(likes)
  mayRank(likes, KEYS[k + 1], likes, KEYS[k + 2])
  local old = redis.call('HGET', likers, user)
  if old and string.sub(old, 1, 20) >= string.sub(register, 1, 20) then return end
  redis.call('HSET', likers, user, register)
  local was, is = old and string.sub(old, 21) == '+', string.sub(register, 21) == '+'
  -- Told to MongoDB also where it stays the same: there may be another number there, of before the server was emptied.
  liked[likes] = liked[likes] or {}
  local of = liked[likes][comment] or { member = topic .. '/' .. comment, kind = '' }
  if kind ~= '' then of.kind = kind end
  liked[likes][comment] = of
  add(likes, comment, 0, entry)
  if was == is then return end
  add(likes, comment, is and 1 or -1, entry)
end

for i = 3, #ARGV, 8 do
  local entry, key, likers, topic, comment, kind, user, register = unpack(ARGV, i, i + 7)
  if redis.call('XACK', stream, group, entry) == 1 and comment ~= '' then
    local ok, err = pcall(like, entry, tonumber(key), KEYS[tonumber(likers)], topic, comment, kind, user, register)
    if not ok then park(stream, dead, entry, err) end
  end
end
settle(stream, dead, function(likes, version, added, now)
  local topic = ranking[likes]
  for comment, of in pairs(liked[likes]) do
    redis.call('HSET', dirty, of.member, version)
    if added[comment] ~= 0 and of.kind ~= 'reply' then
      local replies = redis.call('HGET', topic.counts, 'r:' .. comment)
      local isMoved = stepOf(now[comment], replies) ~= stepOf(now[comment] - added[comment], replies)
      -- One that may be a reply is only moved where it already is: its creation brings it in.
      if isMoved and (of.kind == 'root' or redis.call('ZSCORE', topic.ranked, comment)) then topic.roots[comment] = true end
    end
  end
  rank(topic, cap)
end)
