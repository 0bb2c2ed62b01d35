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

-- Beside how it is: what was clicked and refused, and what is seen and rolls nothing back.
local notes = ""
for _, seen in ipairs({"ActionDone=False", "BatchesMixed=True", "ChecksPassed=False", "Drifted=True"}) do
  for name, condition in pairs(conditions) do
    if name .. "=" .. condition.status == seen then notes = notes .. "; " .. seen .. ": " .. condition.message end
  end
end

-- What the spec asks for is refused, and waiting will not help. What serves goes on.
if is("RolledBack", "True") then
  local next = is("Stalled", "True") and "; " .. conditions.Stalled.message or ""
  return {status = "Degraded", message = conditions.RolledBack.message .. next .. notes}
end
if is("Stalled", "True") then return {status = "Degraded", message = conditions.Stalled.message .. notes} end
-- What served does not any more.
if is("Available", "False") and status.stable ~= nil then
  return {status = "Degraded", message = conditions.Available.message .. "; " .. ready.message .. notes}
end
if ready.reason == "VersionDeleted" then return says("Degraded", notes) end
-- A person has to go on.
local phase, tried = status.phase, status.candidate
if phase == "Baking" then tried = status.stable end
local moves = phase == "Paused" or phase == "Promoting" or phase == "Baking"
local paused = obj.spec.paused or (tried ~= nil and status.paused == tried.revision)
if ready.reason == "AwaitingApproval" or ready.reason == "AwaitingPromotion" or (moves and paused) then
  return says("Suspended", (phase == "Baking" and "; its watch after the promotion is paused" or "") .. notes)
end
if is("Ready", "True") then
  return says("Healthy", (phase == "Baking" and "; watched, with the version before kept warm" or "") .. notes)
end
-- Its pods end by themselves.
local dying = {CrashLoop = true, OOMKilled = true, RejectedRevision = true}
if is("Ready", "False") and dying[ready.reason] then return says("Degraded", notes) end
return says("Progressing", notes)
