local over = false
for _, condition in ipairs((obj.status or {}).conditions or {}) do
  local ends = condition.type == "Complete" or condition.type == "Failed"
  if ends and condition.status == "True" then over = true end
end

local function action(name, icon, enabled)
  return {displayName = name, iconClass = "fa fa-fw fa-" .. icon, disabled = not enabled}
end
local suspended = obj.spec.suspend or false
local actions = {}
actions["suspend"] = action("Suspend", "pause-circle", not suspended and not over)
actions["resume"] = action("Resume", "play-circle", suspended and not over)
return actions
