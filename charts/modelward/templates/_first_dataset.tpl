{{- /* A Dataset that needs nothing but the operator: shown in the notes, and made by `helm test`. */ -}}
{{- define "modelward.firstDataset" -}}
apiVersion: modelward.dev/v1alpha1
kind: Dataset
metadata: {name: first}
spec:
  source: {inline: {data: "number,even\n1,0\n2,1\n3,0\n4,1\n5,0\n6,1\n7,0\n8,1\n9,0\n10,1\n11,0\n12,1\n13,0\n14,1\n15,0\n16,1\n"}}
  columns: {label: even}
{{- end }}

{{- /* A namespace that the operator looks after. */ -}}
{{- define "modelward.someNamespace" -}}
{{- if .Values.watchNamespaces }}{{ first .Values.watchNamespaces }}{{ else }}{{ .Release.Namespace }}{{ end }}
{{- end }}

{{- /* Not those of the operator: nothing that selects it must select the test's pod. */ -}}
{{- define "modelward.testLabels" -}}
{{- with .Values.commonLabels }}
  labels:
    {{- toYaml . | nindent 4 }}
{{- end }}
{{- end }}
