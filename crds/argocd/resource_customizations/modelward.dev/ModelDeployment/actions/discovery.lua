local status = obj.status or {}
local phase, candidate, stable = status.phase, status.candidate, status.stable
local rollout = obj.spec.rollout or {}

local rejected = false
for _, condition in ipairs(status.conditions or {}) do
  if condition.type == "RolledBack" and condition.status == "True" then rejected = true end
end
local stepping = candidate ~= nil and (phase == "Canary" or phase == "Paused")
local trial = stepping or (candidate ~= nil and phase == "Promoting")
local baking = stable ~= nil and phase == "Baking"
local unapproved = stepping and rollout.approval == "Required" and status.approved ~= candidate.revision
local tried = (trial and candidate) or (baking and stable) or nil
local paused = tried ~= nil and status.paused == tried.revision
local served = status.previous ~= nil or #(status.served or {}) > 0

local function action(name, icon, enabled)
  return {displayName = name, iconClass = "fa fa-fw fa-" .. icon, disabled = not enabled}
end
local actions = {}
actions["promote"] = action("Promote by one step", "step-forward", stepping and not unapproved)
actions["promote-full"] = action("Promote fully", "fast-forward", trial and not unapproved and (stepping or paused))
actions["approve"] = action("Approve", "check-circle", unapproved)
actions["pause"] = action("Pause", "pause-circle", tried ~= nil and not paused)
actions["resume"] = action("Resume", "play-circle", paused)
actions["abort"] = action("Abort", "times-circle", tried ~= nil)
actions["retry"] = action("Try the rejected version again", "redo", rejected and status.target ~= nil)
actions["rollback"] = action("Roll back", "undo", stable ~= nil and served)
actions["rollback"].params = {{name = "version"}}
return actions
