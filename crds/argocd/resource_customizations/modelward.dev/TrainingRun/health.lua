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

-- Failed, missed its gates, came out otherwise than what it reproduces, or cannot begin until somebody acts.
if is("Stalled", "True") then return says("Degraded") end
if is("Ready", "True") then return says("Healthy") end
-- By a person. What a queue holds waits for its turn.
if is("Suspended", "True") and conditions.Suspended.reason ~= "Queued" then return says("Suspended") end
return says("Progressing")
