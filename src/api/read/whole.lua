-- In front of what reads the Redis models of a partition: its term. nil where they are not whole: a server that was emptied knows nothing yet, or
-- only a part.
local function wholeTerm(meta, rebuilding)
  local term = redis.call('HGET', meta, 'lastTerm')
  return term and redis.call('EXISTS', rebuilding) == 0 and term or nil
end
