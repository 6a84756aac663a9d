-- The feed: a topic's newest comments, roots and replies alike, as their creation wrote them, with a register for each field that changes.
-- `feed:<topic>` <position> creation, <position>:body|deleted|visibility register, floor, changes; feed-index, feed-roots and feed-replies
-- (`<root>/<position>`) order them. The newest CAP creations are kept; what is removed keeps its place; nothing at or below the floor comes back.
-- `pins:<topic>` <position> to register and snapshot, whatever the floor. A register starts with the 20 characters of its position.
--
-- KEYS 1 stream  2 dead letters  3 meta  4 topics  5... for each topic: feed, index, roots, replies, stubs, pins
-- ARGV 1 group  2 cap, then for each entry: entry id, first key index, ops (JSON list of {op, ...})
local stream, dead, meta, topics, group, cap = KEYS[1], KEYS[2], KEYS[3], KEYS[4], ARGV[1], tonumber(ARGV[2])

local function forget(feed, position)
  redis.call('HDEL', feed, position, position .. ':body', position .. ':deleted', position .. ':visibility')
end

local function raiseFloor(feed, index, roots, replies, stubs)
  while redis.call('ZCARD', index) > cap do
    local member = redis.call('ZPOPMIN', index)[1]
    local position, root = string.sub(member, 1, 20), string.sub(member, 22)
    forget(feed, position)
    if root == '' then redis.call('ZREM', roots, position) else redis.call('ZREM', replies, root .. '/' .. position) end
    redis.call('HSET', feed, 'floor', position)
    for _, stub in ipairs(redis.call('ZRANGEBYLEX', stubs, '-', '[' .. position)) do
      forget(feed, stub)
      redis.call('ZREM', stubs, stub)
    end
  end
end

local effects = {}
function effects.create(k, position, root, creation)
  local feed, index, roots, replies, stubs = KEYS[k], KEYS[k + 1], KEYS[k + 2], KEYS[k + 3], KEYS[k + 4]
  local floor = redis.call('HGET', feed, 'floor')
  if (floor and position <= floor) or redis.call('HSETNX', feed, position, creation) == 0 then return end
  redis.call('ZREM', stubs, position)
  redis.call('ZADD', index, 0, position .. '/' .. root)
  if root == '' then redis.call('ZADD', roots, 0, position) else redis.call('ZADD', replies, 0, root .. '/' .. position) end
  raiseFloor(feed, index, roots, replies, stubs)
end

local function isNewer(key, field, register)
  local old = redis.call('HGET', key, field)
  return not old or string.sub(old, 1, 20) < string.sub(register, 1, 20)
end

function effects.set(k, position, name, register)
  local feed, stubs = KEYS[k], KEYS[k + 4]
  local floor = redis.call('HGET', feed, 'floor')
  if floor and position <= floor then return end
  local field = position .. ':' .. name
  if not isNewer(feed, field, register) then return end
  redis.call('HSET', feed, field, register)
  if redis.call('HEXISTS', feed, position) == 0 then redis.call('ZADD', stubs, 0, position) end
end

function effects.pin(k, position, register)
  if isNewer(KEYS[k + 5], position, register) then redis.call('HSET', KEYS[k + 5], position, register) end
end

function effects.active(_, topic, ms) redis.call('ZADD', topics, 'GT', ms, topic) end

local function apply(k, ops)
  for _, op in ipairs(cjson.decode(ops)) do effects[op[1]](k, op[2], op[3], op[4]) end
  redis.call('HINCRBY', KEYS[k], 'changes', 1)
end

for i = 3, #ARGV, 3 do
  local entry, key, ops = unpack(ARGV, i, i + 2)
  if redis.call('XACK', stream, group, entry) == 1 and ops ~= '' then
    local ok, err = pcall(apply, tonumber(key), ops)
    if not ok then park(stream, dead, entry, err) end
  end
end
