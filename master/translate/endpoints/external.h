/*
 * external: which addresses a Service of type ExternalName may lead to.
 *
 * Who may write Services in a namespace must not reach through us what only this node or this
 * pod can reach: loopback, link-local (a cloud's metadata service is there), multicast, and the
 * API server (faults §B, cross-tenant). In a manifest file of one's own anything goes.
 */
#ifndef SILEX_MASTER_TRANSLATE_ENDPOINTS_EXTERNAL_H
#define SILEX_MASTER_TRANSLATE_ENDPOINTS_EXTERNAL_H

#include <stdbool.h>

#include "common/net/addr.h"
#include "common/conf/conf.h"
#include "k8s/objects/obj.h"

struct resolver;

struct external {                  /* zero: names are not resolved */
	struct resolver *resolver; /* borrowed */
	struct addr api;           /* the API server's, family 0: none known */
};

/* by: the object that leads there. */
bool external_allowed(const struct external *x, const struct conf *conf, const struct obj *by,
		      const struct addr *a);

#endif
