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
{{- default (printf "%s-leader" (include "silex.fullname" .)) .Values.controller.electionID -}}
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

{{- define "silex.args" -}}
- --http-port={{ if .Values.controller.hostNetwork }}80{{ else }}{{ .Values.silex.httpPort }}{{ end }}
- --https-port={{ if .Values.controller.hostNetwork }}443{{ else }}{{ .Values.silex.httpsPort }}{{ end }}
- --healthz-port={{ .Values.controller.metrics.port }}
- --ingress-class={{ .Values.controller.ingressClass }}
- --controller-class={{ .Values.controller.ingressClassResource.controllerValue }}
- --configmap=$(POD_NAMESPACE)/{{ include "silex.fullname" . }}
- --election-id={{ include "silex.electionID" . }}
- --shutdown-grace-period={{ .Values.silex.shutdownGracePeriod }}
{{- with .Values.controller.electionTTL }}
- --election-ttl={{ . }}
{{- end }}
{{- if .Values.controller.ingressClassByName }}
- --ingress-class-by-name
{{- end }}
{{- if .Values.controller.watchIngressWithoutClass }}
- --watch-ingress-without-class
{{- end }}
{{- if .Values.controller.enableTopologyAwareRouting }}
- --enable-topology-aware-routing
{{- end }}
{{- if .Values.controller.scope.enabled }}
{{- if .Values.controller.scope.namespaceSelector }}
- --watch-namespace-selector={{ .Values.controller.scope.namespaceSelector }}
{{- else }}
- --watch-namespace={{ default (include "silex.namespace" .) .Values.controller.scope.namespace }}
{{- end }}
{{- end }}
{{- if and .Values.controller.publishService.enabled .Values.controller.service.enabled }}
- --publish-service={{ default (printf "$(POD_NAMESPACE)/%s" (include "silex.fullname" .)) .Values.controller.publishService.pathOverride }}
{{- end }}
{{- range $key, $value := .Values.controller.extraArgs }}
{{- if or (eq (toString $value) "") (kindIs "invalid" $value) }}
- --{{ $key }}
{{- else }}
- --{{ $key }}={{ $value }}
{{- end }}
{{- end }}
{{- end -}}

{{- define "silex.pod" -}}
metadata:
  labels:
    {{- include "silex.labels" . | nindent 4 }}
    {{- with .Values.controller.podLabels }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  {{- with .Values.controller.podAnnotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
spec:
  serviceAccountName: {{ include "silex.serviceAccount" . }}
  automountServiceAccountToken: {{ .Values.serviceAccount.automountServiceAccountToken }}
  terminationGracePeriodSeconds: {{ .Values.controller.terminationGracePeriodSeconds }}
  dnsPolicy: {{ .Values.controller.dnsPolicy }}
  {{- if .Values.controller.hostNetwork }}
  hostNetwork: true
  {{- end }}
  {{- with .Values.imagePullSecrets }}
  imagePullSecrets:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .Values.controller.priorityClassName }}
  priorityClassName: {{ . }}
  {{- end }}
  {{- range $name := list "nodeSelector" "affinity" "tolerations" "topologySpreadConstraints" }}
  {{- with index $.Values.controller $name }}
  {{ $name }}:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- end }}
  securityContext:
    runAsNonRoot: true
    runAsUser: 101
    runAsGroup: 101
    fsGroup: 101
    seccompProfile: {type: RuntimeDefault}
  containers:
    - name: controller
      image: "{{ .Values.silex.image }}:{{ default .Chart.AppVersion .Values.silex.tag }}"
      imagePullPolicy: {{ .Values.silex.pullPolicy }}
      args:
        {{- include "silex.args" . | nindent 8 }}
      env:
        - name: POD_NAME
          valueFrom: {fieldRef: {fieldPath: metadata.name}}
        - name: POD_NAMESPACE
          valueFrom: {fieldRef: {fieldPath: metadata.namespace}}
        - name: NODE_NAME
          valueFrom: {fieldRef: {fieldPath: spec.nodeName}}
        {{- with .Values.controller.extraEnvs }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
      ports:
        {{- $c := .Values.controller }}
        - name: http
          containerPort: {{ if $c.hostNetwork }}80{{ else }}{{ .Values.silex.httpPort }}{{ end }}
          {{- if and $c.hostPort.enabled (not $c.hostNetwork) }}
          hostPort: {{ $c.hostPort.ports.http }}
          {{- end }}
        - name: https
          containerPort: {{ if $c.hostNetwork }}443{{ else }}{{ .Values.silex.httpsPort }}{{ end }}
          {{- if and $c.hostPort.enabled (not $c.hostNetwork) }}
          hostPort: {{ $c.hostPort.ports.https }}
          {{- end }}
        - name: metrics
          containerPort: {{ $c.metrics.port }}
      startupProbe:
        httpGet: {path: /readyz, port: metrics}
        periodSeconds: 1
        failureThreshold: 120
      readinessProbe:
        httpGet: {path: /readyz, port: metrics}
        periodSeconds: 2
        failureThreshold: 2
      livenessProbe:
        tcpSocket: {port: metrics}
        periodSeconds: 10
        failureThreshold: 5
      resources:
        {{- toYaml .Values.controller.resources | nindent 8 }}
      securityContext:
        {{- if .Values.controller.hostNetwork }}
        # Ports 80 and 443 of the node itself: root with this one capability, dropped after binding.
        runAsNonRoot: false
        runAsUser: 0
        {{- end }}
        allowPrivilegeEscalation: false
        readOnlyRootFilesystem: true
        capabilities:
          drop: [ALL]
          {{- if .Values.controller.hostNetwork }}
          add: [NET_BIND_SERVICE, SETUID, SETGID]
          {{- end }}
      volumeMounts:
        - {name: shm, mountPath: /dev/shm}
  volumes:
    - name: shm
      emptyDir: {medium: Memory, sizeLimit: {{ .Values.silex.shmSize }}}
{{- end -}}
