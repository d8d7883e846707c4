{{- define "silex.known" -}}
{{- /* The values that have an effect, by the map they are in. A map that is named here has only the keys that
       are named; one that is not, such as controller.config, is taken as a whole. */ -}}
"": [commonLabels, nameOverride, fullnameOverride, namespaceOverride, imagePullSecrets, portNamePrefix,
  revisionHistoryLimit, silex, tcp, udp]
global: []
silex: [image, tag, pullPolicy, shmSize, httpPort, httpsPort, shutdownGracePeriod]
rbac: [create]
serviceAccount: [create, name, automountServiceAccountToken, annotations]
controller: [addHeaders, affinity, allowSnippetAnnotations, annotations, autoscalingTemplate, config, configAnnotations, containerName,
  containerPort, containerSecurityContext, disableLeaderElection, dnsConfig, dnsPolicy, electionID, electionTTL,
  enableAnnotationValidations, enableTopologyAwareRouting, extraArgs, extraContainers, extraEnvs,
  extraInitContainers, extraVolumeMounts, extraVolumes, healthCheckHost, healthCheckPath, hostAliases, hostname,
  hostNetwork, ingressClass, ingressClassByName, kind, labels, maxUnavailable, minAvailable, minReadySeconds,
  nodeSelector, podAnnotations, podLabels, podSecurityContext, priorityClassName, progressDeadlineSeconds,
  proxySetHeaders, replicaCount, reportNodeInternalIp, resizePolicy, resources, runtimeClassName,
  shareProcessNamespace, sysctls, terminationGracePeriodSeconds, tolerations, topologySpreadConstraints,
  unhealthyPodEvictionPolicy, updateStrategy, watchIngressWithoutClass]
controller.autoscaling: [annotations, behavior, enabled, maxReplicas, minReplicas, targetCPUUtilizationPercentage,
  targetMemoryUtilizationPercentage]
controller.hostPort: [enabled, ports]
controller.ingressClassResource: [aliases, annotations, controllerValue, default, enabled, name, parameters]
controller.keda: [apiVersion, behavior, cooldownPeriod, enabled, fallback, maxReplicas, minReplicas, pollingInterval,
  restoreToOriginalReplicaCount, triggers]
controller.keda.scaledObject: [annotations]
controller.livenessProbe: [failureThreshold, initialDelaySeconds, periodSeconds, successThreshold, timeoutSeconds]
controller.readinessProbe: [failureThreshold, initialDelaySeconds, periodSeconds, successThreshold, timeoutSeconds]
controller.metrics: [enabled, port, portName]
controller.metrics.prometheusRule: [additionalLabels, annotations, enabled, namespace, rules]
controller.metrics.service: [annotations, clusterIP, enabled, externalIPs, externalTrafficPolicy, labels,
  loadBalancerClass, loadBalancerIP, loadBalancerSourceRanges, nodePort, servicePort, type]
controller.metrics.serviceMonitor: [additionalLabels, annotations, enabled, labelLimit, labelNameLengthLimit,
  labelValueLengthLimit, metricRelabelings, namespace, namespaceSelector, relabelings, sampleLimit, scrapeInterval,
  scrapeTimeout, targetLabels, targetLimit]
controller.networkPolicy: [enabled]
controller.publishService: [enabled, pathOverride]
controller.scope: [enabled, namespace, namespaceSelector]
controller.service: [allocateLoadBalancerNodePorts, annotations, appProtocol, clusterIP, clusterIPs, enableHttp,
  enableHttps, enabled, externalIPs, externalTrafficPolicy, healthCheckNodePort, ipFamilies, ipFamilyPolicy, labels,
  loadBalancerClass, loadBalancerIP, loadBalancerSourceRanges, nodePorts, ports, sessionAffinity, targetPorts,
  trafficDistribution, type]
controller.service.external: [enabled, labels]
controller.service.internal: [allocateLoadBalancerNodePorts, annotations, appProtocol, clusterIP, clusterIPs, enabled,
  externalIPs, externalTrafficPolicy, healthCheckNodePort, ipFamilies, ipFamilyPolicy, labels, loadBalancerClass,
  loadBalancerIP, loadBalancerSourceRanges, nodePorts, ports, sessionAffinity, targetPorts, trafficDistribution, type]
controller.tcp: [annotations]
controller.udp: [annotations]
defaultBackend: [affinity, containerSecurityContext, enabled, extraArgs, extraEnvs, extraVolumeMounts, extraVolumes,
  image, labels, minReadySeconds, name, nodeSelector, podAnnotations, podLabels, podSecurityContext, port,
  priorityClassName, replicaCount, resources, runtimeClassName, tolerations, topologySpreadConstraints, updateStrategy]
defaultBackend.livenessProbe: [failureThreshold, initialDelaySeconds, periodSeconds, successThreshold, timeoutSeconds]
defaultBackend.readinessProbe: [failureThreshold, initialDelaySeconds, periodSeconds, successThreshold, timeoutSeconds]
defaultBackend.service: [annotations, servicePort, type]
{{- end -}}

{{- define "silex.unknown" -}}
{{- /* One line for every value below a map that has no effect: dict "at" the map "path" its name "known" the list */ -}}
{{- $here := default list (index .known .path) -}}
{{- range $key, $value := .at -}}
{{- $path := trimPrefix "." (printf "%s.%s" $.path $key) -}}
{{- if has $key $here -}}
{{- else if and (hasKey $.known $path) (kindIs "map" $value) -}}
{{- include "silex.unknown" (dict "at" $value "path" $path "known" $.known) -}}
{{- else -}}
{{- printf "\n  %s" $path -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "silex.ignored" -}}
{{- include "silex.unknown" (dict "at" .Values "path" "" "known" (include "silex.known" . | fromYaml)) -}}
{{- if and .Values.defaultBackend.enabled (not (include "silex.defaultBackend" .)) }}
  defaultBackend.enabled (name an image in defaultBackend.image, or a Service in controller.extraArgs.default-backend-service)
{{- end -}}
{{- $internal := .Values.controller.service.internal -}}
{{- if and $internal.enabled (not $internal.annotations) }}
  controller.service.internal.enabled (without annotations that make it internal)
{{- end -}}
{{- end -}}
