/*
 * addresses_parse: what Services, Pods and Nodes say about addresses, out of the API's JSON.
 *
 * Pods and Nodes are large and only looked at once, so they never become objects of the store:
 * the few fields of interest are read and the text is dropped.
 */
#ifndef SILEX_K8S_WRITE_ADDRESSES_PARSE_H
#define SILEX_K8S_WRITE_ADDRESSES_PARSE_H

#include <stdbool.h>

#include "common/str.h"
#include "k8s/write/status.h"
#include "k8s/objects/obj.h"

#define ADDRESSES_NODES_MAX    STATUS_ADDRESSES_MAX
#define ADDRESSES_SELECTOR_MAX 1024

struct addresses_nodes { /* names, no two alike */
	char v[ADDRESSES_NODES_MAX][STATUS_TEXT_MAX];
	unsigned n;
};

/* What a Service is reached under, by its type (facts: routing §12). */
void addresses_of_service(struct status_addresses *out, const struct service *s);
/* The same from the API's text; false when it is no Service. */
bool addresses_of_service_text(struct status_addresses *out, struct str json);

/* The label selector of the pods that are replicas of this one: its labels without those that
 * name a revision. False when it is no Pod, has no such label, or they do not fit. */
bool addresses_pod_selector(struct str json, char out[ADDRESSES_SELECTOR_MAX]);
/* Of a PodList: the nodes of pods that run and are ready, and the number of pods that are not
 * ending, except `self`. False when it is no list. */
bool addresses_of_pods(struct str json, struct str self, struct addresses_nodes *nodes,
		       int *others);
/* A Node's ExternalIPs; its InternalIPs when there is none or `internal`. False: no Node. */
bool addresses_of_node(struct status_addresses *out, struct str json, bool internal);

#endif
