-- Reads comments of one topic from the Redis models, in one go. Redis waits for as long, so what can be read together is.
-- KEYS 1 feed  2 feed-roots  3 feed-replies  4 pins  5 count  6 likes  7 meta  8 rebuilding  9 ranked
-- ARGV 1 root whose replies are listed, '' for roots  2 'newest', 'oldest' or 'hot'  3 where to start after, '': a position, or <score>/<position>
--      4 limit, 0: none are listed  5 how many first replies of a root  6 a version: where it is still the version, nothing else is read
--      7... positions of further comments to return
-- Replies {version, floor, listed, pins, pinned positions, further}; a comment is
-- {position, creation, likes, replies, first replies, score, body, deleted, visibility}, shorter where what is last would be empty
local feed, rootIndex, replyIndex, pins, count, likes, meta, rebuilding, ranked = unpack(KEYS)
local parent, order, start, limit, previews, known = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4]), tonumber(ARGV[5]), ARGV[6]
local version = versionOf(feed, count, likes, meta, rebuilding)
if not version then return redis.error_reply('REBUILDING') end
if version == known then return { version } end

-- What Lua may give to one call is bounded: four fields of each.
local mostAtOnce = 500

-- The feed forgets what is below its floor, and takes no more of it: the counts know for good what was deleted and what a moderator did.
local function readRemoved(comments)
  local cold, fields = {}, {}
  for _, comment in ipairs(comments) do
    if comment.creation == '' then
      cold[#cold + 1] = comment
      fields[2 * #cold - 1], fields[2 * #cold] = 'd:' .. comment.position, 's:' .. comment.position
    end
  end
  for from = 1, #cold, mostAtOnce do
    local last = math.min(from + mostAtOnce - 1, #cold)
    local found = redis.call('HMGET', count, unpack(fields, 2 * from - 1, 2 * last))
    for i = from, last do
      local n = 2 * (i - from)
      if cold[i].deleted == '' then cold[i].deleted = found[n + 1] or '' end
      if cold[i].visibility == '' then cold[i].visibility = found[n + 2] or '' end
    end
  end
end

local function readAll(positions)
  local comments = {}
  for from = 1, #positions, mostAtOnce do
    local last = math.min(from + mostAtOnce - 1, #positions)
    local fields, counted = {}, {}
    for i = from, last do
      local position, n = positions[i], #fields
      fields[n + 1], fields[n + 2], fields[n + 3], fields[n + 4] =
        position, position .. ':body', position .. ':deleted', position .. ':visibility'
      counted[#counted + 1] = 'r:' .. position
    end
    local found, replies = redis.call('HMGET', feed, unpack(fields)), redis.call('HMGET', count, unpack(counted))
    local liked = redis.call('HMGET', likes, unpack(positions, from, last))
    for i = from, last do
      local n, of = i - from + 1, 4 * (i - from)
      comments[i] = {
        position = positions[i],
        creation = found[of + 1] or '',
        body = found[of + 2] or '',
        deleted = found[of + 3] or '',
        visibility = found[of + 4] or '',
        likes = liked[n] or '0',
        replies = replies[n] or '0',
        score = '',
        first = {},
      }
    end
  end
  readRemoved(comments)
  return comments
end

local function isOut(comment)
  return comment.deleted ~= '' or (comment.visibility ~= '' and string.sub(comment.visibility, 21) ~= 'visible')
end
local function shows(comment) return comment.creation ~= '' and not isOut(comment) end

-- The first replies that show, of all roots in one round where those do.
local function readFirstReplies(roots)
  local open, size, after = previews > 0 and roots or {}, previews, {}
  while #open > 0 do
    local positions, rootsOf, more = {}, {}, {}
    for _, root in ipairs(open) do
      local prefix = root.position .. '/'
      local members =
        redis.call('ZRANGEBYLEX', replyIndex, after[root] or '[' .. prefix, '(' .. root.position .. '0', 'LIMIT', 0, size)
      for _, member in ipairs(members) do
        positions[#positions + 1], rootsOf[#rootsOf + 1] = string.sub(member, #prefix + 1), root
      end
      if #members == size then after[root], more[#more + 1] = '(' .. members[size], root end
    end
    for i, reply in ipairs(readAll(positions)) do
      local first = rootsOf[i].first
      if #first < previews and shows(reply) then first[#first + 1] = reply end
    end
    open, size = {}, 16
    for _, root in ipairs(more) do
      if #root.first < previews then open[#open + 1] = root end
    end
  end
end

local listed = {}
-- Lists those of the comments at `positions` that are to be, and tells whether there is room for more.
local function list(positions, scores)
  local comments = readAll(positions)
  if parent == '' then readFirstReplies(comments) end
  for i, comment in ipairs(comments) do
    if scores then comment.score = scores[i] end
    local isListed
    -- The hot order also has what fell below the floor, without its creation.
    if scores then isListed = not isOut(comment) or #comment.first > 0
    else isListed = shows(comment) or #comment.first > 0 or (parent == '' and tonumber(comment.replies) > 0) end
    if isListed then listed[#listed + 1] = comment end
    if #listed == limit then return false end
  end
  return true
end
-- As many as there is room for; not one at a time where most are not listed.
local function nextSize() return math.max(8, math.min(32, limit - #listed)) end

-- Members of an index in order, from after a position.
local function scan(index, prefix, from, isNewest)
  local first, last = '[' .. prefix, prefix == '' and '+' or '(' .. string.sub(prefix, 1, -2) .. '0'
  if prefix == '' then first = '-' end
  if from ~= '' then
    if isNewest then last = '(' .. prefix .. from else first = '(' .. prefix .. from end
  end
  while true do
    local size = nextSize()
    local members = isNewest and redis.call('ZREVRANGEBYLEX', index, last, first, 'LIMIT', 0, size)
      or redis.call('ZRANGEBYLEX', index, first, last, 'LIMIT', 0, size)
    local positions = {}
    for i, member in ipairs(members) do positions[i] = string.sub(member, #prefix + 1) end
    if not list(positions) or #members < size then return end
    if isNewest then last = '(' .. members[size] else first = '(' .. members[size] end
  end
end

-- The hot order, highest score first and later position first among equals. A place that moved since is found by where it was.
local function scanRanked()
  local score, position = string.match(start, '^(.+)/(.+)$')
  local at = score and redis.call('ZCOUNT', ranked, '(' .. score, '+inf') or 0
  while true do
    local size = nextSize()
    local flat = redis.call('ZREVRANGE', ranked, at, at + size - 1, 'WITHSCORES')
    local positions, scores = {}, {}
    for i = 1, #flat, 2 do
      local isBefore = score and tonumber(flat[i + 1]) == tonumber(score) and flat[i] >= position
      if not isBefore then positions[#positions + 1], scores[#scores + 1] = flat[i], flat[i + 1] end
    end
    if not list(positions, scores) or #flat < 2 * size then return end
    at = at + size
  end
end

if limit > 0 and order == 'hot' then scanRanked()
elseif limit > 0 and parent ~= '' then scan(replyIndex, parent .. '/', start, order == 'newest')
elseif limit > 0 then scan(rootIndex, '', start, order == 'newest') end

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
    local comment = readAll({ pin[2] })[1]
    if not isOut(comment) then
      pinned[#pinned + 1] = { pin[1], comment }
      if comment.creation ~= '' then shown = shown + 1 end
    end
  end
  local comments = {}
  for i, pin in ipairs(pinned) do comments[i] = pin[2] end
  readFirstReplies(comments)
end

local further = readAll({ unpack(ARGV, 7) })
readFirstReplies(further)

local function rowOf(comment)
  local row = { comment.position, comment.creation, comment.likes, comment.replies }
  local hasRegisters = comment.body ~= '' or comment.deleted ~= '' or comment.visibility ~= ''
  if hasRegisters or comment.score ~= '' or #comment.first > 0 then
    local first = {}
    for i, reply in ipairs(comment.first) do first[i] = rowOf(reply) end
    row[5], row[6] = first, comment.score
  end
  if hasRegisters then row[7], row[8], row[9] = comment.body, comment.deleted, comment.visibility end
  return row
end
local function rowsOf(comments)
  local rows = {}
  for i, comment in ipairs(comments) do rows[i] = rowOf(comment) end
  return rows
end
for _, pin in ipairs(pinned) do pin[2] = rowOf(pin[2]) end
return { version, redis.call('HGET', feed, 'floor') or '', rowsOf(listed), pinned, pinnedPositions, rowsOf(further) }
