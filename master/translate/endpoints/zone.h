/*
 * zone: endpoints near by, where EndpointSlices say which ones those are
 * (--enable-topology-aware-routing).
 *
 * The EndpointSlice controller writes hints.forZones when a Service asks for it, by the annotation
 * service.kubernetes.io/topology-mode: Auto or spec.trafficDistribution: PreferClose. We
 * believe them as kube-proxy does: only when every ready endpoint of the Service has hints and at
 * least one of them is for our zone; else all endpoints are used, wherever they are.
 * (Kubernetes documentation, Topology Aware Routing, Safeguards.)
 */
#ifndef SILEX_MASTER_TRANSLATE_ENDPOINTS_ZONE_H
#define SILEX_MASTER_TRANSLATE_ENDPOINTS_ZONE_H

#include <stdbool.h>

#include "common/str.h"
#include "k8s/objects/store.h"

#define ZONE_LABEL "topology.kubernetes.io/zone"

/* The zone a Node says it is in; empty when it does not say. NULL is a Node not known. */
struct str zone_of_node(const struct obj *node);
/* Is traffic to this Service to stay in the zone? Never for an empty zone. */
bool zone_applies(const struct store *store, struct str ns, struct str service, struct str zone);
/* Do its hints name the zone? */
bool zone_hinted(const struct slice_endpoint *e, struct str zone);

#endif
