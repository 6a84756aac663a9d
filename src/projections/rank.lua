-- Behind sums.lua, in front of what changes votes: the hot order. `ranked:<topic>` holds the roots that show, by the ms of their creation plus a
-- bonus for their votes (likes and twice the replies): a score changes with votes, never as time passes. See docs/decisions/0024-hot-order.md.
local stepMs = 3386587 -- the bonus of one step: 45,000 s * log10(2) / 4
local ranking = {} -- key that is added to -> { counts, likes, ranked: keys, size, roots: those to rank }

-- Before an effect writes anything: fails here, and parks its entry, where the order could not be kept.
local function mayRank(key, counts, likes, ranked)
  if ranking[key] then return end
  redis.call('HLEN', key == counts and likes or counts)
  ranking[key] = { counts = counts, likes = likes, ranked = ranked, size = redis.call('ZCARD', ranked), roots = {} }
end

-- Registers hold `<position><state>`; positions have 20 characters.
local function shows(deleted, visibility) return not deleted and (not visibility or string.sub(visibility, 21) == 'visible') end

-- How often 1 + votes has grown by a quarter of an octave. Found by comparing: a logarithm may be rounded to the wrong side.
local function stepOf(likes, replies)
  local m, octave = math.frexp(1 + math.max(0, tonumber(likes or 0)) + 2 * math.max(0, tonumber(replies or 0)))
  return 4 * (octave - 1) + (m >= 2 ^ -0.25 and 3 or m >= 2 ^ -0.5 and 2 or m >= 2 ^ -0.75 and 1 or 0)
end

local function rankSome(topic, roots, cap)
  local fields, scores, gone = {}, {}, {}
  for i, root in ipairs(roots) do
    fields[3 * i - 2], fields[3 * i - 1], fields[3 * i] = 'r:' .. root, 'd:' .. root, 's:' .. root
  end
  local counts, likes = redis.call('HMGET', topic.counts, unpack(fields)), redis.call('HMGET', topic.likes, unpack(roots))
  for i, root in ipairs(roots) do
    if shows(counts[3 * i - 1], counts[3 * i]) then
      scores[#scores + 1] = tonumber(string.sub(root, 1, 13)) + stepOf(likes[i], counts[3 * i - 2]) * stepMs
      scores[#scores + 1] = root
    else
      gone[#gone + 1] = root
    end
  end
  if #gone > 0 then redis.call('ZREM', topic.ranked, unpack(gone)) end
  if #scores > 0 then topic.size = topic.size + redis.call('ZADD', topic.ranked, unpack(scores)) end
  if topic.size > cap then redis.call('ZREMRANGEBYRANK', topic.ranked, 0, -cap - 1) end
end

-- Scores follow from the numbers as they now are, so that the last change of any of them, in any order, leaves the same.
local function rank(topic, cap)
  local roots = {}
  for root in pairs(topic.roots) do
    roots[#roots + 1] = root
    if #roots == 1000 then -- a call takes 8,000 arguments
      rankSome(topic, roots, cap)
      roots = {}
    end
  end
  if #roots > 0 then rankSome(topic, roots, cap) end
end
