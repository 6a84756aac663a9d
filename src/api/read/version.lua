-- In front of what reads a topic's Redis models: how far they have come, `<term>.<changes>`. Every effect on the feed, the counts or the likes of
-- the topic raises `changes` in its script, and a server that was emptied or lost its last events is in a later term.
local function versionOf(feed, count, likes, meta, rebuilding)
  local term = wholeTerm(meta, rebuilding)
  if not term then return nil end
  local changes = 0
  for _, key in ipairs({ feed, count, likes }) do changes = changes + (redis.call('HGET', key, 'changes') or 0) end
  return term .. '.' .. string.format('%.0f', changes)
end
