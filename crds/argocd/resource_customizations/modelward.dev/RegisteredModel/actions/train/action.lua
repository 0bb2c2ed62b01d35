local os = require("os")

-- A value that it did not have asks for another run.
local annotations = obj.metadata.annotations or {}
annotations["modelward.dev/requested-at"] = os.date("!%Y-%m-%dT%XZ")
obj.metadata.annotations = annotations
return obj
