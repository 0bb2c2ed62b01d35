local os = require("os")
-- Who asks, as the API server sees it: with actions.verified it refuses another name (docs/gitops.md).
local by = "system:serviceaccount:argocd:argocd-server"
-- A number, a ModelVersion or a revision that served here; without one, what served before.
local version = actionParams["version"]
if version == nil or version == "" then
  local served = obj.status.served or {}
  local before = obj.status.previous or served[#served]
  if before == nil then error("nothing served before: give a version", 0) end
  version = before.revision
end

local annotations = obj.metadata.annotations or {}
-- The same words act once: the time makes them others.
annotations["modelward.dev/action"] = "rollback " .. version .. " in Argo CD, " .. os.date("!%Y-%m-%dT%XZ")
annotations["modelward.dev/requested-by"] = by
obj.metadata.annotations = annotations
return obj
