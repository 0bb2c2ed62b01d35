local ingest = (obj.status or {}).ingest
local busy = ingest ~= nil and ingest.finished == nil

local function action(name, icon, enabled)
  return {displayName = name, iconClass = "fa fa-fw fa-" .. icon, disabled = not enabled}
end
local suspended = obj.spec.suspend or false
local actions = {}
actions["look"] = action("Look for new data now", "sync", not suspended and not busy)
actions["suspend"] = action("Suspend", "pause-circle", not suspended)
actions["resume"] = action("Resume", "play-circle", suspended)
return actions
