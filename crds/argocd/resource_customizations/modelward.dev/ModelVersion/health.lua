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
if not is("Ready", "True") then return says("Progressing") end
local rejected = ""
for _, place in ipairs(status.deployments or {}) do
  if place.role == "Rejected" and place["until"] == nil then
    rejected = rejected .. "; rejected in ModelDeployment " .. place.deployment
  end
end
return says("Healthy", rejected)
