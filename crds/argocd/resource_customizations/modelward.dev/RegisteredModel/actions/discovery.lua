local function action(name, icon, enabled)
  return {displayName = name, iconClass = "fa fa-fw fa-" .. icon, disabled = not enabled}
end
local suspended = obj.spec.suspend or false
local actions = {}
actions["train"] = action("Train now", "cogs", not suspended and (obj.status or {}).run == nil)
actions["suspend"] = action("Suspend", "pause-circle", not suspended)
actions["resume"] = action("Resume", "play-circle", suspended)
return actions
