{{/* Binds the controller to a ClusterRole of ours, by root, role and namespace; an empty one is everywhere. */}}
{{- define "postgregent.binding" }}
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
