local os = require("os")
-- Who asks, as the API server sees it: with actions.verified it refuses another name (docs/gitops.md).
local by = "system:serviceaccount:argocd:argocd-server"

local annotations = obj.metadata.annotations or {}
annotations["modelward.dev/action"] = "withdraw " .. obj.spec.digest .. " in Argo CD"
annotations["modelward.dev/requested-by"] = by
annotations["modelward.dev/requested-at"] = os.date("!%Y-%m-%dT%XZ")
obj.metadata.annotations = annotations
return obj
