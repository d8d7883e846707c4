{{- define "silex.pod" -}}
{{- $c := .Values.controller -}}
metadata:
  labels:
    {{- include "silex.labels" . | nindent 4 }}
    {{- with $c.podLabels }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  {{- with $c.podAnnotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
spec:
  serviceAccountName: {{ include "silex.serviceAccount" . }}
  automountServiceAccountToken: {{ .Values.serviceAccount.automountServiceAccountToken }}
  terminationGracePeriodSeconds: {{ $c.terminationGracePeriodSeconds }}
  dnsPolicy: {{ $c.dnsPolicy }}
  {{- if $c.hostNetwork }}
  hostNetwork: true
  {{- end }}
  {{- if $c.shareProcessNamespace }}
  shareProcessNamespace: true
  {{- end }}
  {{- with .Values.imagePullSecrets }}
  imagePullSecrets:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- range $name := list "priorityClassName" "runtimeClassName" "hostname" }}
  {{- with index $c $name }}
  {{ $name }}: {{ . }}
  {{- end }}
  {{- end }}
  {{- range $name := list "nodeSelector" "affinity" "tolerations" "topologySpreadConstraints" "dnsConfig" "hostAliases" }}
  {{- with index $c $name }}
  {{ $name }}:
    {{- tpl (toYaml .) $ | nindent 4 }}
  {{- end }}
  {{- end }}
  {{- with $c.extraInitContainers }}
  initContainers:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  securityContext:
    {{- include "silex.podSecurity" . | nindent 4 }}
  containers:
    - name: {{ $c.containerName }}
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
        {{- with $c.extraEnvs }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
      ports:
        {{- include "silex.containerPorts" . | nindent 8 }}
      startupProbe:
        httpGet: {path: /readyz, port: {{ $c.metrics.portName }}}
        periodSeconds: 1
        failureThreshold: 120
      readinessProbe:
        httpGet: {path: /readyz, port: {{ $c.metrics.portName }}}
        {{- include "silex.probe" $c.readinessProbe | nindent 8 }}
      livenessProbe:
        tcpSocket: {port: {{ $c.metrics.portName }}}
        {{- include "silex.probe" $c.livenessProbe | nindent 8 }}
      resources:
        {{- toYaml $c.resources | nindent 8 }}
      {{- with $c.resizePolicy }}
      resizePolicy:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      securityContext:
        {{- include "silex.containerSecurity" . | nindent 8 }}
      volumeMounts:
        - {name: shm, mountPath: /dev/shm}
        {{- with $c.extraVolumeMounts }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
    {{- with $c.extraContainers }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  volumes:
    - name: shm
      emptyDir: {medium: Memory, sizeLimit: {{ .Values.silex.shmSize }}}
    {{- with $c.extraVolumes }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
{{- end -}}

{{- define "silex.containerPorts" -}}
{{- $c := .Values.controller -}}
{{- $host := and $c.hostPort.enabled (not $c.hostNetwork) -}}
{{- $ports := merge (dict "http" (include "silex.httpPort" .) "https" (include "silex.httpsPort" .)) $c.containerPort -}}
{{- range $name, $port := $ports }}
- name: {{ $name }}
  containerPort: {{ $port }}
  {{- if $host }}
  hostPort: {{ default $port (index $c.hostPort.ports $name) }}
  {{- end }}
{{- end }}
- name: {{ $c.metrics.portName }}
  containerPort: {{ $c.metrics.port }}
{{- range $kind := list "tcp" "udp" }}
{{- range $port, $_ := index $.Values $kind }}
- name: {{ include "silex.portName" (dict "root" $ "port" $port "kind" $kind) }}
  containerPort: {{ $port }}
  protocol: {{ upper $kind }}
  {{- if $host }}
  hostPort: {{ $port }}
  {{- end }}
{{- end }}
{{- end }}
{{- end -}}

{{- define "silex.podSecurity" -}}
{{- /* What is set here is the restricted profile; what the values say wins. */ -}}
{{- $c := .Values.controller -}}
{{- $sysctls := list -}}
{{- range $name, $value := $c.sysctls }}{{ $sysctls = append $sysctls (dict "name" $name "value" (toString $value)) }}{{ end -}}
{{- $open := "net.ipv4.ip_unprivileged_port_start" -}}
{{- if and (include "silex.lowStreamPort" .) (not $c.hostNetwork) (not (hasKey $c.sysctls $open)) -}}
{{- $sysctls = append $sysctls (dict "name" $open "value" "0") -}}
{{- end -}}
{{- $own := dict "runAsNonRoot" true "runAsUser" 101 "runAsGroup" 101 "fsGroup" 101 "seccompProfile" (dict "type" "RuntimeDefault") -}}
{{- if $sysctls }}{{ $_ := set $own "sysctls" $sysctls }}{{ end -}}
{{- toYaml (mergeOverwrite $own (deepCopy $c.podSecurityContext)) -}}
{{- end -}}

{{- define "silex.containerSecurity" -}}
{{- $c := .Values.controller -}}
{{- $caps := dict "drop" (list "ALL") -}}
{{- $own := dict "allowPrivilegeEscalation" false "readOnlyRootFilesystem" true "capabilities" $caps -}}
{{- if $c.hostNetwork -}}
{{- /* Ports 80 and 443 of the node itself: root with this one capability; workers drop both. */ -}}
{{- $_ := set $caps "add" (list "NET_BIND_SERVICE" "SETUID" "SETGID") -}}
{{- $_ := set $own "runAsNonRoot" false -}}
{{- $_ := set $own "runAsUser" 0 -}}
{{- end -}}
{{- toYaml (mergeOverwrite $own (deepCopy $c.containerSecurityContext)) -}}
{{- end -}}
