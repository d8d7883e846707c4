{{- define "silex.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 63 | trimSuffix "-" -}}
{{- else -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- if contains $name .Release.Name -}}
{{- .Release.Name | trunc 63 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 63 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "silex.namespace" -}}
{{- default .Release.Namespace .Values.namespaceOverride -}}
{{- end -}}

{{- define "silex.serviceAccount" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "silex.fullname" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- default "default" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{- define "silex.electionID" -}}
{{- $name := default (printf "%s-leader" (include "silex.fullname" .)) .Values.controller.electionID -}}
{{- default $name (index .Values.controller.extraArgs "election-id") -}}
{{- end -}}

{{- define "silex.selector" -}}
app.kubernetes.io/name: {{ default .Chart.Name .Values.nameOverride }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "silex.labels" -}}
{{ include "silex.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "silex.metadata" -}}
{{- /* Name, namespace and labels of what has them and nothing else: dict "root" $ "suffix" "-tcp" */ -}}
name: {{ include "silex.fullname" .root }}{{ .suffix }}
namespace: {{ include "silex.namespace" .root }}
labels:
  {{- include "silex.labels" .root | nindent 2 }}
{{- end -}}

{{- define "silex.port" -}}
{{- /* Where the pod listens: dict "root" $ "name" "http" "own" 8080 "low" 80. A port below 1024 is bound by root
       alone, and only in the node's network; elsewhere Silex' own stands behind the Service and the host port. */ -}}
{{- $c := .root.Values.controller -}}
{{- $given := index $c.containerPort .name -}}
{{- $flag := index $c.extraArgs (printf "%s-port" .name) -}}
{{- if $flag -}}{{ $flag }}
{{- else if $c.hostNetwork -}}{{ default .low $given }}
{{- else if gt (int $given) 1023 -}}{{ $given }}
{{- else -}}{{ .own }}
{{- end -}}
{{- end -}}

{{- define "silex.httpPort" -}}
{{- include "silex.port" (dict "root" . "name" "http" "own" .Values.silex.httpPort "low" 80) -}}
{{- end -}}

{{- define "silex.httpsPort" -}}
{{- include "silex.port" (dict "root" . "name" "https" "own" .Values.silex.httpsPort "low" 443) -}}
{{- end -}}

{{- define "silex.portName" -}}
{{- /* Of a TCP or UDP service: dict "root" $ "port" "5432" "kind" "tcp" */ -}}
{{- with .root.Values.portNamePrefix }}{{ . }}-{{ end }}{{ .port }}-{{ .kind -}}
{{- end -}}

{{- define "silex.lowStreamPort" -}}
{{- /* "true" where a TCP or UDP service has a port that only root could bind. */ -}}
{{- $low := false -}}
{{- range list .Values.tcp .Values.udp }}{{ range $port, $_ := . }}
{{- if lt (int $port) 1024 }}{{ $low = true }}{{ end }}
{{- end }}{{ end -}}
{{- if $low }}true{{ end -}}
{{- end -}}

{{- define "silex.publishService" -}}
{{- $c := .Values.controller -}}
{{- if and $c.publishService.enabled $c.service.enabled -}}
{{- $path := default (printf "$(POD_NAMESPACE)/%s" (include "silex.fullname" .)) $c.publishService.pathOverride -}}
{{- if $c.service.external.enabled -}}{{ $path }}
{{- else if $c.service.internal.enabled -}}{{ $path }}-internal
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "silex.selectsNamespaces" -}}
{{- $s := .Values.controller.scope -}}
{{- if and $s.namespaceSelector (not $s.enabled) }}true{{ end -}}
{{- end -}}

{{- define "silex.defaultBackend" -}}
{{- /* The image of the default backend, if one is wanted and named: ingress-nginx' own is not Silex' to fetch. */ -}}
{{- $d := .Values.defaultBackend -}}
{{- if and $d.enabled $d.image -}}
{{- $repository := default $d.image.image $d.image.repository -}}
{{- with $d.image.registry }}{{ $repository = printf "%s/%s" . $repository }}{{ end -}}
{{- if and $d.image.digest $repository -}}{{ $repository }}@{{ $d.image.digest }}
{{- else if $repository -}}{{ $repository }}{{ with $d.image.tag }}:{{ . }}{{ end }}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "silex.probe" -}}
{{- /* When a probe asks; what it asks is not the values' to say. */ -}}
{{- toYaml (pick . "failureThreshold" "initialDelaySeconds" "periodSeconds" "successThreshold" "timeoutSeconds") -}}
{{- end -}}
