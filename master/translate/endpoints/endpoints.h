/*
 * endpoints: the addresses behind a Service and port (facts: routing §6, ingress-nginx'
 * getEndpointsFromSlices()).
 *
 * The port is found in the Service by number, by name, or by its targetPort; the number to
 * connect to is that of the EndpointSlice port of the same name. All slices of a Service count,
 * both address families; the same address twice is one endpoint. Whether only those of our zone
 * count is zone.h's.
 */
#ifndef SILEX_MASTER_TRANSLATE_ENDPOINTS_ENDPOINTS_H
#define SILEX_MASTER_TRANSLATE_ENDPOINTS_ENDPOINTS_H

#include "common/conf/conf.h"
#include "common/table/table_read.h"
#include "k8s/objects/store.h"
#include "master/translate/endpoints/external.h"

enum endpoints_state {
	ENDPOINTS_FOUND,
	ENDPOINTS_NONE_READY, /* none, or none that serves */
	ENDPOINTS_NO_SERVICE,
	ENDPOINTS_NO_PORT,          /* the Service has no such port */
	ENDPOINTS_EXTERNAL_WAITING, /* its name is being resolved */
	ENDPOINTS_EXTERNAL_UNKNOWN, /* its name cannot be resolved */
	ENDPOINTS_EXTERNAL_OFF,     /* disable-svc-external-name */
	ENDPOINTS_EXTERNAL_REFUSED, /* nothing but addresses that are not allowed */
};

struct endpoints { /* zero at first; reused, endpoints_free() at the end */
	struct table_endpoint *v;
	uint32_t n, cap;
	struct external external;
	struct str zone; /* ours; empty: zones do not matter */
	bool zoned;      /* scratch: others' endpoints are left out of this Service */
};

/* Fill e with the endpoints, sorted, without duplicates; where port->cluster_ip says so and the
 * Service has a ClusterIP, with that alone. Anything but FOUND leaves none. */
enum endpoints_state endpoints_find(struct endpoints *e, const struct store *store,
				    const struct conf *conf, struct str ns, struct str service,
				    const struct port_ref *port);
/* service-upstream: the Service's own address and port as the only endpoint. False, with e empty,
 * when it has none: headless, ExternalName, no such port, or not there at all. */
bool endpoints_of_service(struct endpoints *e, const struct store *store, struct str ns,
			  struct str service, const struct port_ref *port);
/* The addresses of a name of DNS, or the address it is, which `by` leads to. */
enum endpoints_state endpoints_of_name(struct endpoints *e, const struct conf *conf,
				       const struct obj *by, struct str name, uint16_t port);
void endpoints_free(struct endpoints *e);

#endif
