-- Counts of comments: what shows, in all (`total`), as roots (`roots`) and under each root (`r:<root position>`).
-- A creation adds one once, because its entry is acknowledged once. What stops or starts to show moves the same numbers whether the creation
-- was counted before or comes later; only such comments keep registers: `d:<position>` deleted, `s:<position>` visibility.
--
-- KEYS 1 stream  2 dead letters  3 meta  4 dirty  5... for each topic: counts, likes, ranked; for entries written again: their first stream
-- ARGV 1 group  2 cap of ranked, then for each entry:
--      entry id, first key index, topic, op, comment position, root position, value, first stream's key index
local stream, dead, meta, dirty, group, cap = KEYS[1], KEYS[2], KEYS[3], KEYS[4], ARGV[1], tonumber(ARGV[2])
local replied = {}

local function move(entry, counts, topic, comment, root, by)
  add(counts, 'total', by, entry)
  if root == '' then
    ranking[counts].roots[comment] = true
    return add(counts, 'roots', by, entry)
  end
  add(counts, 'r:' .. root, by, entry)
  replied[counts] = replied[counts] or {}
  replied[counts][root] = topic .. '/' .. root
end

local effects = {}
function effects.create(entry, counts, topic, comment, root) move(entry, counts, topic, comment, root, 1) end

function effects.recreate(entry, counts, topic, comment, root, origin, first)
  if redis.call('HSETNX', counts, 'o:' .. comment, 1) == 0 then return end
  if #redis.call('XRANGE', KEYS[tonumber(first)], origin, origin) > 0 then return end -- counted by its own entry
  move(entry, counts, topic, comment, root, 1)
end

local function change(entry, counts, topic, comment, root, register, value)
  local before = redis.call('HMGET', counts, 'd:' .. comment, 's:' .. comment)
  local old = before[register == 'd' and 1 or 2]
  if old and string.sub(old, 1, 20) >= string.sub(value, 1, 20) then return end
  redis.call('HSET', counts, register .. ':' .. comment, value)
  local was = shows(before[1], before[2])
  local is
  if register == 'd' then is = false else is = shows(before[1], value) end
  if was ~= is then move(entry, counts, topic, comment, root, is and 1 or -1) end
end
function effects.delete(entry, counts, topic, comment, root, value) change(entry, counts, topic, comment, root, 'd', value) end
function effects.show(entry, counts, topic, comment, root, value) change(entry, counts, topic, comment, root, 's', value) end

for i = 3, #ARGV, 8 do
  local entry, key, topic, op, comment, root, value, first = unpack(ARGV, i, i + 7)
  if redis.call('XACK', stream, group, entry) == 1 and op ~= '' then
    local ok, err = pcall(function()
      local k = tonumber(key)
      local counts = KEYS[k]
      mayAddTo(counts)
      mayRank(counts, counts, KEYS[k + 1], KEYS[k + 2])
      effects[op](entry, counts, topic, comment, root, value, first)
    end)
    if not ok then park(stream, dead, entry, err) end
  end
end
settle(stream, dead, function(counts, version, added, now)
  local topic = ranking[counts]
  for root, member in pairs(replied[counts] or {}) do
    redis.call('HSET', dirty, member, version)
    local likes, replies, by = redis.call('HGET', topic.likes, root), now['r:' .. root], added['r:' .. root]
    if stepOf(likes, replies) ~= stepOf(likes, replies - by) then topic.roots[root] = true end
  end
  rank(topic, cap)
end)
