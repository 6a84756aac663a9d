-- Appends one event to its topic's partition: the only way into the log.
-- append.ts puts `local TAG, TERM = '<tag>', '<term>'` in front, so that a server which lost its memory does not know this text.
--
-- KEYS 1 meta  2 hotspots  3 global  4 priority  5 hot:<topic>  6 feed:<topic>  7 heat of this second  8 limit of the user
-- 9 count:<topic>  10 idempotency bucket  11... the ones around it, where a keyed request may have been taken
-- Replies: {status, server ms, ...}; everything is validated before the first write, which is the XADD: Redis refuses it when it is full.
local wish, deadline, id, kind, version, topic, actor, correlation = unpack(ARGV, 1, 8)
local facts, personal, field, request, keepMs, intervalMs, burstMs = unpack(ARGV, 9, 15)
local target, targetId, relation, needs, windowMs, snapshot, known = unpack(ARGV, 16, 22)

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local hotLane = 'hot:' .. topic
local meta = redis.call('HMGET', KEYS[1], 'term', 'clock', 'seq:global', 'seq:priority', 'seq:' .. hotLane)
if meta[1] ~= TERM then return { 'closed', now } end
if now > tonumber(deadline) then return { 'expired', now } end

local streams = { g = KEYS[3], p = KEYS[4], h = KEYS[5] }
local names = { g = 'global', p = 'priority', h = hotLane }

if field ~= '' then
  for bucket = 10, #KEYS do
    local record = redis.call('HGET', KEYS[bucket], field)
    if record then
      local before, letter, entry = string.match(record, '^([^:]*):(%a)(.+)$')
      if before ~= request then return { 'key-reused', now } end
      local first = redis.call('XRANGE', streams[letter], entry, entry)
      return { 'repeated', now, names[letter], entry, first[1] and first[1][2] or {} }
    end
  end
end

-- GCRA: the time at which what was taken so far is paid for moves on by one interval, and may be at most a burst ahead.
local paidAt
if intervalMs ~= '' then
  local before = tonumber(redis.call('GET', KEYS[8]) or 0)
  if before > now + tonumber(burstMs) then before = now end -- of a server whose clock was ahead
  paidAt = math.max(now, before) + tonumber(intervalMs)
  local waitMs = paidAt - now - tonumber(burstMs)
  if waitMs > 0 then return { 'limited', now, math.ceil(waitMs) } end
end

local found, deleted, rootId = nil, nil, nil
if target then
  -- A comment as its creation wrote it, from the feed or else the log itself: a JSON text in the form of a Snapshot.
  local function find(position)
    local found = redis.call('HMGET', KEYS[6], position, position .. ':deleted')
    if found[1] or found[2] then return found[1], found[2] end
    local entry = string.format('%.0f-%.0f', tonumber(string.sub(position, 1, 13)), tonumber(string.sub(position, 15)))
    for lane = 3, 5 do
      local at = redis.call('XRANGE', KEYS[lane], entry, entry)[1]
      if at then
        local of = {}
        for i = 1, #at[2], 2 do of[at[2][i]] = at[2][i + 1] end
        if of.type == 'comment.posted' and of.topic == topic and not of.origin then
          if string.find(of.data, '"targets":[', 1, true) then
            local data = cjson.decode(of.data)
            if type(data.personal) == 'table' then data.personal.targets = nil end
            of.data = cjson.encode(data)
          end
          local creation = '{"position":"' .. position .. '","actor":' .. cjson.encode(of.actor) .. ',"at":' .. of.at .. ',"data":' .. of.data .. '}'
          return creation, redis.call('HGET', KEYS[9], 'd:' .. position) -- the feed has forgotten that it was deleted, the counts do not
        end
      end
    end
  end

  local function positionOf(commentId)
    local ms = tonumber(string.sub(commentId, 1, 8) .. string.sub(commentId, 10, 13), 16)
    local n = tonumber(string.sub(commentId, 16, 18), 16) * 256 + tonumber(string.sub(commentId, 21, 22), 16)
    return string.format('%013.0f-%06.0f', ms, n)
  end

  local function quoted(text) return text and '"' .. text .. '"' or 'null' end

  found, deleted = find(target)
  if not found and known ~= '' then found, deleted = known, redis.call('HGET', KEYS[9], 'd:' .. target) end
  if deleted then return { kind == 'comment.deleted' and 'unchanged' or 'gone', now } end
  if not found then return { 'cold', now } end
  if relation ~= '' or needs ~= '' then
    local comment = cjson.decode(found)
    if needs == 'author' and comment.actor ~= actor then return { 'not-the-author', now } end
    if windowMs ~= '' and now > comment.at + tonumber(windowMs) then return { 'edit-window-over', now } end
    rootId = type(comment.data.rootId) == 'string' and comment.data.rootId or nil
    if relation == 'reply' then rootId = rootId or targetId end
    if relation ~= '' then facts = facts .. ',"rootId":' .. quoted(rootId) end
  end
  if snapshot ~= '' and personal ~= 'null' then
    local root = relation == 'reply' and rootId ~= targetId and find(positionOf(rootId))
    personal = personal .. (personal == '{' and '' or ',') .. '"targets":[' .. found .. (root and ',' .. root or '') .. ']'
  end
end
local data = facts .. (personal == '' and '' or ',"personal":' .. personal .. (personal == 'null' and '' or '}')) .. '}'

-- Promotion starts the hot lane's counter: without one the topic was never hot.
local letter = wish == 'priority' and 'p' or meta[5] and redis.call('HGET', KEYS[2], topic) == 'hot' and 'h' or 'g'
local seq = (tonumber(letter == 'g' and meta[3] or letter == 'p' and meta[4] or letter == 'h' and meta[5]) or 0) + 1
local ms, n = string.match(meta[2] or '0-0', '^(%d+)-(%d+)$')
ms, n = tonumber(ms), tonumber(n) + 1
if n > 999999 then ms, n = ms + 1, 0 end
if now > ms then ms, n = now, 0 end
local entry = string.format('%.0f-%.0f', ms, n)

local added = redis.pcall('XADD', streams[letter], entry, 'id', id, 'type', kind, 'v', version, 'topic', topic, 'seq', seq, 'term', TERM,
  'actor', actor, 'at', now, 'cid', correlation, 'key', request == '' and '' or field .. ':' .. request, 'data', data)
if type(added) == 'table' and added.err then
  if string.find(added.err, 'equal or smaller') then return { 'clock-behind', now } end
  return added
end
redis.call('HSET', KEYS[1], 'clock', entry, 'seq:' .. names[letter], seq)
if field ~= '' then
  redis.call('HSET', KEYS[10], field, request .. ':' .. letter .. entry)
  redis.call('PEXPIRE', KEYS[10], keepMs, 'NX')
end
-- An import is no crowd.
if string.sub(id, 1, 7) ~= 'import:' and redis.call('ZINCRBY', KEYS[7], 1, topic) == '1' then redis.call('EXPIRE', KEYS[7], 15) end
if paidAt then redis.call('SET', KEYS[8], string.format('%.3f', paidAt), 'PX', math.max(1, math.ceil(paidAt - now))) end
return { 'appended', now, names[letter], entry, seq, data, found or '', paidAt and math.ceil(paidAt - now) or '' }
