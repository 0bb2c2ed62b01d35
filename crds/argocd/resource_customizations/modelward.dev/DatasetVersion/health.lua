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

-- It is stored, and used by nobody who does not name it.
if is("Valid", "False") then return {status = "Degraded", message = conditions.Valid.message} end
return says(is("Ready", "True") and "Healthy" or "Progressing")
