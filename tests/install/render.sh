#!/bin/sh
# Prints every rendering of the Helm chart that tests apply: render.sh HELM CHART VALUES
#
# The defaults, a values.yaml written for ingress-nginx, and the other ways a pod reaches its ports.
set -eu
helm=$1 chart=$2 values=$3
render() {
	"$helm" template "$@" --namespace silex --kube-version 1.33.0
	echo ---
}
render plain "$chart"
render foreign "$chart" -f "$values"
render host "$chart" --set controller.kind=DaemonSet --set controller.hostNetwork=true --set controller.ingressClassResource.name=host
render scaled "$chart" --set controller.autoscaling.enabled=true --set controller.autoscaling.minReplicas=2 \
	--set controller.ingressClassResource.name=scaled --set controller.metrics.enabled=true
