-- Reads comments of one topic from the Redis models, in one go.
-- KEYS 1 feed  2 feed-roots  3 feed-replies  4 pins  5 count  6 likes  7 meta  8 rebuilding
-- ARGV 1 root whose replies are listed, '' for roots  2 'newest' or 'oldest'  3 position to start after, ''  4 limit, 0: none are listed
--      5 how many first replies of a root  6... positions of further comments to return
-- Replies {floor, listed, pins, further}; a comment is {position, creation, body, deleted, visibility, likes, replies, first replies}
-- An emptied server knows nothing yet, or only a part.
if redis.call('HEXISTS', KEYS[7], 'lastTerm') == 0 or redis.call('EXISTS', KEYS[8]) == 1 then return redis.error_reply('REBUILDING') end

local feed, rootIndex, replyIndex, pins, count, likes = unpack(KEYS)
local parent, order, start, limit, previews = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4]), tonumber(ARGV[5])

local function read(position)
  local f = redis.call('HMGET', feed, position, position .. ':body', position .. ':deleted', position .. ':visibility')
  local numbers = { redis.call('HGET', likes, position) or '0', redis.call('HGET', count, 'r:' .. position) or '0' }
  return { position, f[1] or '', f[2] or '', f[3] or '', f[4] or '', numbers[1], numbers[2], {} }
end
local function shows(comment) return comment[2] ~= '' and comment[4] == '' and (comment[5] == '' or string.sub(comment[5], 21) == 'visible') end

-- Members of an index in order, from after a position, a few at a time.
local function scan(index, prefix, from, isNewest, visit)
  local first, last = '[' .. prefix, prefix == '' and '+' or '(' .. string.sub(prefix, 1, -2) .. '0'
  if prefix == '' then first = '-' end
  if from ~= '' then
    if isNewest then last = '(' .. prefix .. from else first = '(' .. prefix .. from end
  end
  while true do
    local members = isNewest and redis.call('ZREVRANGEBYLEX', index, last, first, 'LIMIT', 0, 32)
      or redis.call('ZRANGEBYLEX', index, first, last, 'LIMIT', 0, 32)
    for _, member in ipairs(members) do
      if not visit(string.sub(member, #prefix + 1)) then return end
    end
    if #members < 32 then return end
    if isNewest then last = '(' .. members[#members] else first = '(' .. members[#members] end
  end
end

local function firstReplies(root)
  local found = {}
  if previews == 0 then return found end
  scan(replyIndex, root .. '/', '', false, function(position)
    local reply = read(position)
    if shows(reply) then found[#found + 1] = reply end
    return #found < previews
  end)
  return found
end

local listed = {}
if limit > 0 then
  local isReplies = parent ~= ''
  scan(isReplies and replyIndex or rootIndex, isReplies and parent .. '/' or '', start, order == 'newest', function(position)
    local comment = read(position)
    if not isReplies then comment[8] = firstReplies(position) end
    if shows(comment) or #comment[8] > 0 or (not isReplies and tonumber(comment[7]) > 0) then listed[#listed + 1] = comment end
    return #listed < limit
  end)
end

local pinned = {}
if parent == '' then
  local all = redis.call('HGETALL', pins)
  for i = 1, #all, 2 do
    if string.sub(all[i + 1], 21, 21) == '+' then
      local comment = read(all[i])
      comment[8] = firstReplies(all[i])
      pinned[#pinned + 1] = { all[i + 1], comment }
    end
  end
end

local further = {}
for i = 6, #ARGV do
  local comment = read(ARGV[i])
  comment[8] = firstReplies(ARGV[i])
  further[#further + 1] = comment
end
return { redis.call('HGET', feed, 'floor') or '', listed, pinned, further }
