-- Counts of comments: what shows, in all (`total`), as roots (`roots`) and under each root (`r:<root position>`).
-- A creation adds one once, because its entry is acknowledged once. What stops or starts to show moves the same numbers whether the creation
-- was counted before or comes later; only such comments keep registers: `d:<position>` deleted, `s:<position>` visibility.
--
-- KEYS 1 stream  2 dead letters  3 meta  4 dirty  5... the topics' hashes and, for entries written again, their first stream
-- ARGV 1 group, then for each entry: entry id, key index, topic, op, comment position, root position, value, first stream's key index
local stream, dead, meta, dirty, group = KEYS[1], KEYS[2], KEYS[3], KEYS[4], ARGV[1]
local replied = {}

local function move(entry, counts, topic, root, by)
  add(counts, 'total', by, entry)
  if root == '' then return add(counts, 'roots', by, entry) end
  add(counts, 'r:' .. root, by, entry)
  replied[topic .. '/' .. root] = counts
end

-- Registers hold `<position><state>`; positions have 20 characters.
local function shows(deleted, visibility) return not deleted and (not visibility or string.sub(visibility, 21) == 'visible') end

local effects = {}
function effects.create(entry, counts, topic, _, root) move(entry, counts, topic, root, 1) end

function effects.recreate(entry, counts, topic, comment, root, origin, first)
  if redis.call('HSETNX', counts, 'o:' .. comment, 1) == 0 then return end
  if #redis.call('XRANGE', KEYS[tonumber(first)], origin, origin) > 0 then return end -- counted by its own entry
  move(entry, counts, topic, root, 1)
end

local function change(entry, counts, topic, comment, root, register, value)
  local before = redis.call('HMGET', counts, 'd:' .. comment, 's:' .. comment)
  local old = before[register == 'd' and 1 or 2]
  if old and string.sub(old, 1, 20) >= string.sub(value, 1, 20) then return end
  redis.call('HSET', counts, register .. ':' .. comment, value)
  local was = shows(before[1], before[2])
  local is
  if register == 'd' then is = false else is = shows(before[1], value) end
  if was ~= is then move(entry, counts, topic, root, is and 1 or -1) end
end
function effects.delete(entry, counts, topic, comment, root, value) change(entry, counts, topic, comment, root, 'd', value) end
function effects.show(entry, counts, topic, comment, root, value) change(entry, counts, topic, comment, root, 's', value) end

for i = 2, #ARGV, 8 do
  local entry, key, topic, op, comment, root, value, first = unpack(ARGV, i, i + 7)
  if redis.call('XACK', stream, group, entry) == 1 and op ~= '' then
    local ok, err = pcall(function()
      local counts = KEYS[tonumber(key)]
      mayAddTo(counts)
      effects[op](entry, counts, topic, comment, root, value, first)
    end)
    if not ok then park(stream, dead, entry, err) end
  end
end
settle(stream, dead, function(counts, version)
  for member, key in pairs(replied) do
    if key == counts then redis.call('HSET', dirty, member, version) end
  end
end)
