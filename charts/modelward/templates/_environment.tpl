{{- /* What the operator is told, without the prefix MODELWARD_; each is a field of its Settings. */ -}}
{{- define "modelward.environment" -}}
TRAINING_IMAGE: {{ include "modelward.image" (dict "root" . "name" "training") | quote }}
SCORING_IMAGE: {{ include "modelward.image" (dict "root" . "name" "scoring") | quote }}
{{- with .Values.images.script }}
SCRIPT_IMAGE: {{ . | quote }}
{{- end }}
IMAGE_PULL_POLICY: {{ .Values.images.pullPolicy }}
{{- with .Values.watchNamespaces }}
WATCH_NAMESPACES: {{ join "," . | quote }}
{{- end }}
STORE_URL: {{ .Values.store.url | quote }}
{{- with .Values.store.endpoint }}
STORE_ENDPOINT: {{ . | quote }}
{{- end }}
{{- with .Values.store.region }}
STORE_REGION: {{ . | quote }}
{{- end }}
STORE_SIZE: {{ .Values.store.size | quote }}
STORE_ACCESS_MODE: {{ .Values.store.accessMode }}
{{- with .Values.store.class }}
STORE_CLASS: {{ . | quote }}
{{- end }}
{{- with .Values.store.secretName }}
STORE_SECRET: {{ . | quote }}
{{- end }}
{{- with .Values.store.collection }}
STORE_COLLECTION: {{ toJson (dict "schedule" .schedule "grace" .grace "records" .records "dry_run" .dryRun) | quote }}
{{- end }}
SOURCE_SECRETS: {{ .Values.sources.secrets | quote }}
LOCAL_SOURCES: {{ .Values.sources.allowLocalAddresses | quote }}
SIGNING_KEY_FILE: /etc/modelward/signing/key.pem
{{- if not .Values.signing.existingSecret }}
SIGNING_SECRET: {{ include "modelward.signingSecret" . }}
{{- end }}
ROLLOUT_SCRAPE_SECONDS: {{ .Values.scrape.rolloutSeconds | quote }}
REST_SCRAPE_SECONDS: {{ .Values.scrape.restSeconds | quote }}
JOB_RESOURCES: {{ toJson .Values.jobs.resources | quote }}
{{- with .Values.jobs.pod }}
JOB_POD: {{ toJson . | quote }}
{{- end }}
{{- with .Values.scoring.pod }}
SCORING_POD: {{ toJson . | quote }}
{{- end }}
{{- with .Values.allowedServiceAccounts }}
SERVICE_ACCOUNTS: {{ join "," . | quote }}
{{- end }}
{{- with .Values.allowedScoringRepositories }}
SCORING_REPOSITORIES: {{ join "," . | quote }}
{{- end }}
{{- if .Values.actions.verified }}
ACTIONS_VERIFIED: "true"
{{- end }}
{{- with .Values.network.ipFamilyPolicy }}
IP_FAMILY_POLICY: {{ . }}
{{- end }}
{{- with .Values.network.ipFamilies }}
IP_FAMILIES: {{ join "," . | quote }}
{{- end }}
{{- with .Values.prometheus.servers }}
{{- $servers := list }}
{{- $names := list }}
{{- range . }}
{{- if has .name $names }}
{{- fail (printf "prometheus.servers: two are named %s" .name) }}
{{- end }}
{{- $names = append $names .name }}
{{- $folder := ternary (printf "/etc/modelward/prometheus/%s" .name) "" (not (empty .secretName)) }}
{{- $servers = append $servers (dict "name" .name "url" .url "folder" $folder "tenant" (.tenant | default "")) }}
{{- end }}
PROMETHEUS: {{ toJson $servers | quote }}
{{- end }}
METRICS_PORT: {{ .Values.metrics.port | quote }}
CLUSTER_DOMAIN: {{ .Values.clusterDomain | quote }}
{{- end }}
