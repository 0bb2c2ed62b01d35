{{- /* All that the operator may do, in every namespace it looks after. It may neither list nor change Secrets (but the one
of its signing key: signing-key.yaml), nor start a process in a pod, nor write to a spec or metadata of a user's resource. */ -}}
{{- define "modelward.rules" -}}
- apiGroups: [modelward.dev]
  resources: [datasets, datasetversions, trainingruns, modelversions, registeredmodels, modeldeployments]
  verbs: [get, list, watch]
- apiGroups: [modelward.dev]
  resources: [datasetversions, trainingruns, modelversions]
  verbs: [create, delete]
- apiGroups: [modelward.dev]
  resources:
    - datasets/status
    - datasetversions/status
    - trainingruns/status
    - modelversions/status
    - registeredmodels/status
    - modeldeployments/status
  verbs: [update]
- apiGroups: [batch]
  resources: [jobs]
  verbs: [get, list, watch, create, delete]
- apiGroups: [kueue.x-k8s.io]  # why a queue holds a Job
  resources: [workloads]
  verbs: [list]
{{- if (.Values.engines).trainJob }}
- apiGroups: [trainer.kubeflow.org]
  resources: [trainjobs]
  verbs: [list, get, create, delete]
{{- end }}
- apiGroups: [apps]
  resources: [deployments]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [""]
  resources: [services]
  verbs: [get, list, create, patch, delete]
- apiGroups: [""]
  resources: [configmaps]
  verbs: [get, create, patch, delete]
# Deleted is a run's own checkpoint, once the run is complete. (Who may create Jobs can empty any volume anyway.)
- apiGroups: [""]
  resources: [persistentvolumeclaims]
  verbs: [get, create, delete]
- apiGroups: [""]
  resources: [pods]
  verbs: [list, watch]
- apiGroups: [""]
  resources: [pods/log]
  verbs: [get]
- apiGroups: [policy]
  resources: [poddisruptionbudgets]
  verbs: [get, list, create, patch, delete]
{{- if .Values.sources.secrets }}
# Of the one that a Dataset or a script names, the metadata is asked for: whether it carries the label modelward.dev/use=source.
- apiGroups: [""]
  resources: [secrets]
  verbs: [get]
{{- end }}
# Why a Job's pod is refused is told in its Events only.
- apiGroups: [""]
  resources: [events]
  verbs: [list, create]
{{- end }}
