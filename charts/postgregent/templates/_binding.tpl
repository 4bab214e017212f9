{{- /* Namespaces in which no RoleBinding can be made now: a missing one would fail every install and upgrade.
Where no cluster can be asked (helm template, Argo CD) none is left out. The release's own may be made after this. */}}
{{- define "postgregent.isMissing" -}}
{{- if and .namespace (ne .namespace .root.Release.Namespace) .root.Values.rbac.skipMissingNamespaces (lookup "v1" "Namespace" "" "kube-system") }}
{{- $found := lookup "v1" "Namespace" "" .namespace }}
{{- if or (not $found) $found.metadata.deletionTimestamp }}true{{ end }}
{{- end }}
{{- end }}

{{/* Binds the controller to a ClusterRole of ours, by root, role and namespace; an empty one is everywhere. */}}
{{- define "postgregent.binding" }}
{{- if not (include "postgregent.isMissing" .) }}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: {{ ternary "RoleBinding" "ClusterRoleBinding" (ne .namespace "") }}
metadata:
  name: {{ include "postgregent.clusterName" .root }}-{{ .role }}
  {{- with .namespace }}
  namespace: {{ . }}
  {{- end }}
  labels:
    {{- include "postgregent.labels" .root | nindent 4 }}
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: ClusterRole
  name: {{ include "postgregent.clusterName" .root }}-{{ .role }}
subjects:
  - kind: ServiceAccount
    name: {{ include "postgregent.serviceAccount" .root }}
    namespace: {{ .root.Release.Namespace }}
{{- end }}
{{- end }}
