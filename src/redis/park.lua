-- In front of every effect script: a failing effect parks its entry, acknowledged a line above, in the same script.
local function park(stream, dead, entry, err)
  local reason = type(err) == 'table' and err.err or tostring(err)
  local found = redis.call('XRANGE', stream, entry, entry)[1]
  redis.call('XADD', dead, '*', 'stream', stream, 'entry', entry, 'error', reason, 'fields', cjson.encode(found and found[2] or {}))
end
