{{- define "silex.args" -}}
{{- $c := .Values.controller -}}
- --http-port={{ include "silex.httpPort" . }}
- --https-port={{ include "silex.httpsPort" . }}
- --healthz-port={{ $c.metrics.port }}
- --controller-class={{ $c.ingressClassResource.controllerValue }}
{{- with $c.ingressClass }}
- --ingress-class={{ . }}
{{- end }}
- --configmap=$(POD_NAMESPACE)/{{ include "silex.fullname" . }}
{{- range $kind := list "tcp" "udp" }}
{{- if index $.Values $kind }}
- --{{ $kind }}-services-configmap=$(POD_NAMESPACE)/{{ include "silex.fullname" $ }}-{{ $kind }}
{{- end }}
{{- end }}
- --election-id={{ include "silex.electionID" . }}
- --shutdown-grace-period={{ .Values.silex.shutdownGracePeriod }}
{{- with $c.electionTTL }}
- --election-ttl={{ . }}
{{- end }}
{{- if $c.disableLeaderElection }}
- --disable-leader-election
{{- end }}
{{- if not $c.enableAnnotationValidations }}
- --enable-annotation-validation=false
{{- end }}
{{- if $c.ingressClassByName }}
- --ingress-class-by-name
{{- end }}
{{- if $c.watchIngressWithoutClass }}
- --watch-ingress-without-class
{{- end }}
{{- if $c.enableTopologyAwareRouting }}
- --enable-topology-aware-routing
{{- end }}
{{- if and $c.reportNodeInternalIp $c.hostNetwork }}
- --report-node-internal-ip-address
{{- end }}
{{- with $c.healthCheckHost }}
- --healthz-host={{ . }}
{{- end }}
{{- if ne $c.healthCheckPath "/healthz" }}
- --health-check-path={{ $c.healthCheckPath }}
{{- end }}
{{- if $c.scope.enabled }}
- --watch-namespace={{ default (include "silex.namespace" .) $c.scope.namespace }}
{{- else if $c.scope.namespaceSelector }}
- --watch-namespace-selector={{ $c.scope.namespaceSelector }}
{{- end }}
{{- with include "silex.publishService" . }}
- --publish-service={{ . }}
{{- end }}
{{- if include "silex.defaultBackend" . }}
- --default-backend-service=$(POD_NAMESPACE)/{{ include "silex.fullname" . }}-defaultbackend
{{- end }}
{{- range $key, $value := $c.extraArgs }}
{{- if not (has $key (list "http-port" "https-port" "election-id")) }}
{{- if or (eq (toString $value) "") (kindIs "invalid" $value) }}
- --{{ $key }}
{{- else }}
- --{{ $key }}={{ $value }}
{{- end }}
{{- end }}
{{- end }}
{{- end -}}
