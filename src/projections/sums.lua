-- In front of the effect scripts that count. Additions are gathered and made once a key and field.
local sums, adders = {}, {}

-- Before an effect writes anything: fails here, and parks its entry, where its additions could not be made or told to MongoDB (KEYS 4).
local function mayAddTo(key)
  if sums[key] then return end
  redis.call('HGET', key, 'changes')
  redis.call('HLEN', KEYS[4])
  sums[key], adders[key] = {}, {}
end

local function add(key, field, by, entry)
  sums[key][field] = (sums[key][field] or 0) + by
  adders[key][entry] = true
end

-- Makes the additions; `done(key, changes, added, now)` is told the key's new version and, by field, what was added and what it is now.
-- Where one fails all the same, every entry that added is parked.
local function settle(stream, dead, done)
  for key, added in pairs(sums) do
    local ok, err = pcall(function()
      local count = 0
      for _ in pairs(adders[key]) do count = count + 1 end
      if count == 0 then return end
      local version, now = redis.call('HINCRBY', key, 'changes', count), {}
      for field, by in pairs(added) do now[field] = redis.call('HINCRBY', key, field, by) end
      done(key, version, added, now)
    end)
    if not ok then
      for entry in pairs(adders[key]) do park(stream, dead, entry, err) end
    end
  end
end
