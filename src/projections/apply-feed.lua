-- The feed: a topic's newest comments, roots and replies alike, as their creation wrote them, with a register for each field that changes.
-- `feed:<topic>` <position> creation, <position>:body|deleted|visibility register, floor, changes; feed-index, feed-roots and feed-replies
-- (`<root>/<position>`) order them. The newest CAP creations are kept; what is removed keeps its place; nothing at or below the floor comes back.
-- `pins:<topic>` <position> to register and snapshot, whatever the floor. A register starts with the 20 characters of its position.
--
-- KEYS 1 stream  2 dead letters  3 meta  4 topics  5... for each topic: feed, index, roots, replies, stubs, pins
-- ARGV 1 group  2 cap, then rows: entry id ('' for one more of the same entry), first key index, op and up to three arguments
local stream, dead, meta, topics, group, cap = KEYS[1], KEYS[2], KEYS[3], KEYS[4], ARGV[1], tonumber(ARGV[2])
-- By first key index: what this script does once a topic, however many entries it has.
local floors, changes, activity = {}, {}, {}

local function floorOf(k)
  if floors[k] == nil then floors[k] = redis.call('HGET', KEYS[k], 'floor') end
  return floors[k]
end

local function isNewer(key, field, register)
  local old = redis.call('HGET', key, field)
  return not old or string.sub(old, 1, 20) < string.sub(register, 1, 20)
end

local effects = {}
function effects.create(k, position, root, creation)
  local feed, index, roots, replies, stubs = KEYS[k], KEYS[k + 1], KEYS[k + 2], KEYS[k + 3], KEYS[k + 4]
  local floor = floorOf(k)
  if (floor and position <= floor) or redis.call('HEXISTS', feed, position) == 1 then return end
  redis.call('ZREM', stubs, position)
  redis.call('ZADD', index, 0, position .. '/' .. root)
  if root == '' then redis.call('ZADD', roots, 0, position) else redis.call('ZADD', replies, 0, root .. '/' .. position) end
  redis.call('HSET', feed, position, creation) -- last: what fails above is done again when the entry is redriven
end

function effects.set(k, position, name, register)
  local feed, stubs, floor = KEYS[k], KEYS[k + 4], floorOf(k)
  if floor and position <= floor then return end
  local field = position .. ':' .. name
  if not isNewer(feed, field, register) then return end
  redis.call('HSET', feed, field, register)
  if redis.call('HEXISTS', feed, position) == 0 then redis.call('ZADD', stubs, 0, position) end
end

function effects.pin(k, position, register)
  if isNewer(KEYS[k + 5], position, register) then redis.call('HSET', KEYS[k + 5], position, register) end
end

function effects.active(k, topic, ms)
  changes[k] = (changes[k] or 0) + 1
  if not activity[k] or tonumber(ms) > activity[k].ms then activity[k] = { topic = topic, ms = tonumber(ms) } end
end

local function fieldsOf(positions)
  local fields = {}
  for _, position in ipairs(positions) do
    for _, name in ipairs({ '', ':body', ':deleted', ':visibility' }) do fields[#fields + 1] = position .. name end
  end
  return fields
end
local function remove(command, key, members)
  for i = 1, #members, 1000 do redis.call(command, key, unpack(members, i, math.min(i + 999, #members))) end
end

local function raiseFloor(k)
  local feed, index, stubs = KEYS[k], KEYS[k + 1], KEYS[k + 4]
  local excess = redis.call('ZCARD', index) - cap
  if excess <= 0 then return end
  local positions, roots, replies = {}, {}, {}
  local popped = redis.call('ZPOPMIN', index, excess)
  for i = 1, #popped, 2 do
    local position, root = string.sub(popped[i], 1, 20), string.sub(popped[i], 22)
    positions[#positions + 1] = position
    if root == '' then roots[#roots + 1] = position else replies[#replies + 1] = root .. '/' .. position end
  end
  local floor = positions[#positions]
  redis.call('HSET', feed, 'floor', floor)
  remove('HDEL', feed, fieldsOf(positions))
  remove('ZREM', KEYS[k + 2], roots)
  remove('ZREM', KEYS[k + 3], replies)
  local late = redis.call('ZRANGEBYLEX', stubs, '-', '[' .. floor)
  remove('HDEL', feed, fieldsOf(late))
  remove('ZREM', stubs, late)
end

local entry, isFirst
for i = 3, #ARGV, 6 do
  local id, key, op, a, b, c = unpack(ARGV, i, i + 5)
  if id ~= '' then entry, isFirst = id, redis.call('XACK', stream, group, id) == 1 end
  if isFirst and op ~= '' then
    local ok, err = pcall(effects[op], tonumber(key), a, b, c)
    if not ok then
      park(stream, dead, entry, err)
      isFirst = false
    end
  end
end
for k, count in pairs(changes) do
  raiseFloor(k)
  redis.call('HINCRBY', KEYS[k], 'changes', count)
  redis.call('ZADD', topics, 'GT', activity[k].ms, activity[k].topic)
end
