{{- define "postgregent.fullname" -}}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 52 | trimSuffix "-" }}
{{- else }}
{{- $name := default .Chart.Name .Values.nameOverride }}
{{- if contains $name .Release.Name }}
{{- .Release.Name | trunc 52 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name $name | trunc 52 | trimSuffix "-" }}
{{- end }}
{{- end }}
{{- end }}

{{- /* Cluster-wide objects of two releases of one name, in two namespaces, must not meet. */}}
{{- define "postgregent.clusterName" -}}
{{- if eq .Release.Namespace (include "postgregent.fullname" .) }}
{{- include "postgregent.fullname" . }}
{{- else }}
{{- printf "%s-%s" .Release.Namespace (include "postgregent.fullname" .) }}
{{- end }}
{{- end }}

{{- /* The Regents' NetworkPolicies let the controller in by its name and component: both are fixed. */}}
{{- define "postgregent.selectorLabels" -}}
app.kubernetes.io/name: postgregent
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: controller
{{- end }}

{{- define "postgregent.labels" -}}
{{ include "postgregent.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end }}

{{- define "postgregent.serviceAccount" -}}
{{- default (ternary (include "postgregent.fullname" .) "default" .Values.serviceAccount.create) .Values.serviceAccount.name }}
{{- end }}

{{- /* image: repository, tag, digest; the registry and the default tag come from the chart. */}}
{{- define "postgregent.image" -}}
{{- $repository := ternary .image.repository (printf "%s/%s" .root.Values.image.registry .image.repository) (empty .root.Values.image.registry) }}
{{- if .image.digest }}
{{- printf "%s@%s" $repository .image.digest }}
{{- else }}
{{- printf "%s:%s" $repository (default .root.Chart.AppVersion .image.tag) }}
{{- end }}
{{- end }}

{{- define "postgregent.user" -}}
{{- printf "system:serviceaccount:%s:%s" .Release.Namespace (include "postgregent.serviceAccount" .) }}
{{- end }}

{{- /* Namespaces whose Secrets are readable by a binding of their own. */}}
{{- define "postgregent.secretNamespaces" -}}
{{- without .Values.secrets.namespaces .Release.Namespace | uniq | toJson }}
{{- end }}
