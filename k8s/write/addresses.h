/*
 * addresses: under which addresses clients reach this controller, for Ingress status.
 *
 * In the order of ingress-nginx (facts: routing §12): publish-status-address as given; else what
 * publish-service says, by its type; else the addresses of the nodes on which ready pods of this
 * controller run (the pods with our own pod's labels). Asked anew each time: nodes come and go.
 * Every answer is bounded: pods by a page, addresses by STATUS_ADDRESSES_MAX.
 * What must not happen here: writing anything.
 */
#ifndef SILEX_K8S_WRITE_ADDRESSES_H
#define SILEX_K8S_WRITE_ADDRESSES_H

#include <stdbool.h>
#include <stdint.h>

#include "k8s/api/client.h"
#include "k8s/write/status.h"
#include "k8s/objects/store.h"

struct addresses_conf {
	const char *fixed;    /* publish-status-address, comma separated; "": none */
	const char *service;  /* publish-service, namespace/name; "": none */
	const char *pod_ns;   /* POD_NAMESPACE; "": not in a pod */
	const char *pod_name; /* POD_NAME */
	bool internal_ip;     /* report-node-internal-ip-address */
};

struct addresses;

/* Conf's strings are copied; client and store are borrowed. NULL with errno ENOMEM. */
struct addresses *addresses_new(struct api_client *client, const struct store *store,
				const struct addresses_conf *conf);
void addresses_free(struct addresses *a); /* NULL is ignored; no callback follows */

/* found == NULL: they cannot be told now, why says in one line what is missing. May be called
 * from within addresses_find(). */
typedef void addresses_fn(void *arg, const struct status_addresses *found, const char *why);
/* One question at a time: a second one takes the first one's place. */
void addresses_find(struct addresses *a, addresses_fn *fn, void *arg);

/* Does another pod of this controller run? others < 0: not known. May be called from within. */
typedef void addresses_others_fn(void *arg, int others);
void addresses_others(struct addresses *a, addresses_others_fn *fn, void *arg);

#endif
