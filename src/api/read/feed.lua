-- Reads comments of one topic from the Redis models, in one go.
-- KEYS 1 feed  2 feed-roots  3 feed-replies  4 pins  5 count  6 likes  7 meta  8 rebuilding  9 ranked
-- ARGV 1 root whose replies are listed, '' for roots  2 'newest', 'oldest' or 'hot'  3 where to start after, '': a position, or <score>/<position>
--      4 limit, 0: none are listed  5 how many first replies of a root  6 a version: where it is still the version, nothing else is read
--      7... positions of further comments to return
-- Replies {version, floor, listed, pins, pinned positions, further}; a comment is
-- {position, creation, body, deleted, visibility, likes, replies, first replies, score}
local feed, rootIndex, replyIndex, pins, count, likes, meta, rebuilding, ranked = unpack(KEYS)
local parent, order, start, limit, previews, known = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4]), tonumber(ARGV[5]), ARGV[6]
local version = versionOf(feed, count, likes, meta, rebuilding)
if not version then return redis.error_reply('REBUILDING') end
if version == known then return { version } end

local function read(position)
  local f = redis.call('HMGET', feed, position, position .. ':body', position .. ':deleted', position .. ':visibility')
  local numbers = { redis.call('HGET', likes, position) or '0', redis.call('HGET', count, 'r:' .. position) or '0' }
  return { position, f[1] or '', f[2] or '', f[3] or '', f[4] or '', numbers[1], numbers[2], {}, '' }
end
local function isOut(comment) return comment[4] ~= '' or (comment[5] ~= '' and string.sub(comment[5], 21) ~= 'visible') end
local function shows(comment) return comment[2] ~= '' and not isOut(comment) end

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

-- The hot order, highest score first and later position first among equals. A place that moved since is found by where it was.
local function scanRanked(visit)
  local score, position = string.match(start, '^(.+)/(.+)$')
  local at = score and redis.call('ZCOUNT', ranked, '(' .. score, '+inf') or 0
  while true do
    local flat = redis.call('ZREVRANGE', ranked, at, at + 31, 'WITHSCORES')
    for i = 1, #flat, 2 do
      local isBefore = score and tonumber(flat[i + 1]) == tonumber(score) and flat[i] >= position
      if not isBefore and not visit(flat[i], flat[i + 1]) then return end
    end
    if #flat < 64 then return end
    at = at + 32
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
if limit > 0 and order == 'hot' then
  scanRanked(function(position, score)
    local comment = read(position)
    comment[8], comment[9] = firstReplies(position), score
    -- What fell below the floor has neither creation nor registers here.
    if not isOut(comment) or #comment[8] > 0 then listed[#listed + 1] = comment end
    return #listed < limit
  end)
elseif limit > 0 then
  local isReplies = parent ~= ''
  scan(isReplies and replyIndex or rootIndex, isReplies and parent .. '/' or '', start, order == 'newest', function(position)
    local comment = read(position)
    if not isReplies then comment[8] = firstReplies(position) end
    if shows(comment) or #comment[8] > 0 or (not isReplies and tonumber(comment[7]) > 0) then listed[#listed + 1] = comment end
    return #listed < limit
  end)
end

-- Every pinned position, and in a list of roots the newest pins that show, as far as can be told here: a few more where one is below the floor.
local registers, pinnedPositions, pinned = {}, {}, {}
local all = redis.call('HGETALL', pins)
for i = 1, #all, 2 do
  if string.sub(all[i + 1], 21, 21) == '+' then
    registers[#registers + 1] = { all[i + 1], all[i] }
    pinnedPositions[#pinnedPositions + 1] = all[i]
  end
end
if parent == '' and limit > 0 then
  table.sort(registers, function(a, b) return string.sub(a[1], 1, 20) > string.sub(b[1], 1, 20) end)
  local shown = 0
  for _, pin in ipairs(registers) do
    if shown == 3 or #pinned == 12 then break end
    local comment = read(pin[2])
    if not isOut(comment) then
      comment[8] = firstReplies(pin[2])
      pinned[#pinned + 1] = { pin[1], comment }
      if comment[2] ~= '' then shown = shown + 1 end
    end
  end
end

local further = {}
for i = 7, #ARGV do
  local comment = read(ARGV[i])
  comment[8] = firstReplies(ARGV[i])
  further[#further + 1] = comment
end
return { version, redis.call('HGET', feed, 'floor') or '', listed, pinned, pinnedPositions, further }
