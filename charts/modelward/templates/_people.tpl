{{- /* Labels of a part of roles: include "modelward.partOf" (dict "root" . "builtin" (list "view") "roles" (list "viewer")) */ -}}
{{- define "modelward.partOf" -}}
{{- $rbac := .root.Values.rbac }}
{{- if $rbac.aggregate }}
{{- range .builtin }}
rbac.authorization.k8s.io/aggregate-to-{{ . }}: "true"
{{- end }}
{{- end }}
{{- if $rbac.roles }}
{{- range .roles }}
modelward.dev/aggregate-to-{{ . }}: "true"
{{- end }}
{{- end }}
{{- end }}

{{- define "modelward.trainRules" -}}
- apiGroups: [modelward.dev]
  resources: [datasets, trainingruns, registeredmodels]
  verbs: [create, update, patch, delete, deletecollection]
- apiGroups: [modelward.dev]
  resources: [datasetversions]
  verbs: [delete, deletecollection]
{{- end }}
