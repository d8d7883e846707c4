/*
 * auth: from auth-* and global-auth-* to the option that step auth reads (policy_auth.h).
 *
 *     ingress >── auth service: a cluster of its own (graph.h, port_ref.asks), a TLS profile where
 *                 it is asked over TLS (up_tls.h), the ConfigMap of auth-proxy-set-headers
 *
 * Its endpoints are those of the Service that its host names, else what DNS says of the name. What
 * cannot be honoured closes the Ingress' paths (503): nobody passes unasked (facts: annotations §0
 * LocationDenied, §7).
 */
#ifndef SILEX_MASTER_TRANSLATE_AUTH_AUTH_H
#define SILEX_MASTER_TRANSLATE_AUTH_AUTH_H

#include "master/translate/state.h"

/* An Ingress that is taken: its option into a->made. Findings go to its scope, which is open. */
void auth_attach(struct translate *t, struct g_ingress *i, struct annots *a);
void auth_detach(struct translate *t, struct g_ingress *i);

/* The endpoints of a cluster that asks, into t->endpoints; by is the Ingress that leads there. */
enum endpoints_state auth_endpoints(struct translate *t, const struct g_cluster *c,
				    const struct obj *by);
/* Tells what keeps it from being asked, or from getting copies, in its scope, which is open: one
 * Ingress of each kind. */
void auth_tell_cluster(struct translate *t, struct g_cluster *c, enum endpoints_state s);
/* Which kinds there are: when that changes somebody else is to be told. */
unsigned auth_uses(const struct g_cluster *c);

/* Does what DNS says of this name matter to this cluster, to any? */
bool auth_asks_name(const struct translate *t, const struct g_cluster *c, struct str name);
bool auth_wants_name(const struct translate *t, struct str name);

#endif
