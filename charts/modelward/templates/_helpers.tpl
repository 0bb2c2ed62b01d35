{{- define "modelward.name" -}}
{{- .Values.nameOverride | default .Chart.Name | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- define "modelward.fullname" -}}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 50 | trimSuffix "-" }}
{{- else if contains (include "modelward.name" .) .Release.Name }}
{{- .Release.Name | trunc 50 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name (include "modelward.name" .) | trunc 50 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{- define "modelward.selector" -}}
app.kubernetes.io/name: {{ include "modelward.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: operator
{{- end }}

{{- define "modelward.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{ include "modelward.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "modelward.serviceAccount" -}}
{{- if .Values.serviceAccount.create }}
{{- .Values.serviceAccount.name | default (include "modelward.fullname" .) }}
{{- else }}
{{- required "serviceAccount.name: name the service account to use, or set serviceAccount.create" .Values.serviceAccount.name }}
{{- end }}
{{- end }}

{{- define "modelward.signingSecret" -}}
{{- .Values.signing.existingSecret | default (printf "%s-signing-key" (include "modelward.fullname" .)) }}
{{- end }}

{{- /* The reference of one image: include "modelward.image" (dict "root" . "name" "operator") */ -}}
{{- define "modelward.image" -}}
{{- $images := .root.Values.images }}
{{- with index $images .name }}
{{- . }}
{{- else }}
{{- with $images.registry }}{{ trimSuffix "/" . }}/{{ end }}modelward-{{ .name }}:{{ $images.tag | default .root.Chart.AppVersion }}
{{- end }}
{{- end }}

{{- /* Passes the `restricted` Pod Security Standard. */ -}}
{{- define "modelward.podSecurity" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
fsGroup: 65532
seccompProfile: {type: RuntimeDefault}
{{- end }}

{{- define "modelward.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: {drop: [ALL]}
{{- end }}
