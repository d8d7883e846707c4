/*
 * mirror: from mirror-target, mirror-request-body and mirror-host to the option that a worker's
 * mirror reads (policy_mirror.h).
 *
 *     ingress >── target: a cluster of its own, found as an auth service's is (auth/auth.h), and a
 *                 TLS profile where it is spoken to over TLS (up_tls.h)
 *
 * A mirror protects nothing: what cannot be honoured is told, and the paths are served without
 * (facts: annotations §14).
 */
#ifndef SILEX_MASTER_TRANSLATE_MIRROR_MIRROR_H
#define SILEX_MASTER_TRANSLATE_MIRROR_MIRROR_H

#include "master/translate/state.h"

/* An Ingress that is taken: its option into a->made. Findings go to its scope, which is open. */
void mirror_attach(struct translate *t, struct g_ingress *i, struct annots *a);
void mirror_detach(struct translate *t, struct g_ingress *i);

#endif
