local status = obj.status or {}
local verified = false
for _, condition in ipairs(status.conditions or {}) do
  if condition.type == "Verified" and condition.status == "True" then verified = true end
end
local approvals = status.approvals or {}
local last = approvals[#approvals]
local approved = last ~= nil and not last.removed

local function action(name, icon, enabled)
  return {displayName = name, iconClass = "fa fa-fw fa-" .. icon, disabled = not enabled}
end
local actions = {}
actions["approve"] = action("Approve", "check-circle", verified and not approved)
actions["withdraw"] = action("Withdraw the approval", "times-circle", approved)
actions["alias"] = action("Give it an alias", "tag", true)
actions["alias"].params = {{name = "alias"}}
actions["unalias"] = action("Take an alias away", "eraser", status.alias ~= nil)
actions["unalias"].params = {{name = "alias"}}
return actions
