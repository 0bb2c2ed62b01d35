local os = require("os")
-- Who asks, as the API server sees it: with actions.verified it refuses another name (docs/gitops.md).
local by = "system:serviceaccount:argocd:argocd-server"
local revision = obj.status.candidate.revision

local annotations = obj.metadata.annotations or {}
-- The same words act once: the time makes them others.
annotations["modelward.dev/action"] = "promote-full " .. revision .. " in Argo CD, " .. os.date("!%Y-%m-%dT%XZ")
annotations["modelward.dev/requested-by"] = by
obj.metadata.annotations = annotations
return obj
