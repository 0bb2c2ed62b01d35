local status = obj.status or {}
local conditions = {}
for _, condition in ipairs(status.conditions or {}) do
  conditions[condition.type] = condition
end
local function is(name, value)
  return conditions[name] ~= nil and conditions[name].status == value
end

local ready = conditions.Ready
if ready == nil or (status.observedGeneration or ready.observedGeneration) ~= obj.metadata.generation then
  return {status = "Progressing", message = "Waiting for the operator"}
end
local function says(health, note)
  local message = ready.message
  if message == nil or message == "" then message = ready.reason end
  return {status = health, message = message .. (note or "")}
end

if is("Stalled", "True") then return says("Degraded") end
if is("Ready", "True") then
  return says("Healthy", obj.spec.suspend and "; not looked at again while spec.suspend is true" or "")
end
-- No version was ever made, and none will be until a person goes on.
if is("Ready", "Unknown") and ready.reason == "Suspended" then return says("Suspended") end
return says("Progressing")
