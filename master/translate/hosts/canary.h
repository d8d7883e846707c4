/*
 * canary: Ingresses that take a part of another one's requests (facts: annotations §6).
 *
 * A canary claims nothing of its own: a path of another Ingress with the same host, path and
 * pathType gets it as an alternative; the oldest canary of a path is the one. All its
 * annotations but those of canaries and of balancing are ignored, its TLS section, too.
 * Where Silex differs from ingress-nginx: there a canary belongs to the primary's Service, and so
 * to every path that leads to it; here to the paths it names. And its Service may be anybody's.
 */
#ifndef SILEX_MASTER_TRANSLATE_HOSTS_CANARY_H
#define SILEX_MASTER_TRANSLATE_HOSTS_CANARY_H

#include "master/translate/policy_make.h"
#include "master/translate/state.h"

struct canaries {
	struct g_ingress **v; /* oldest first; a part of a host's Ingresses */
	uint32_t n;
	uint64_t used; /* bit: of the first 64, those with a path to be a canary of */
};

/* Sort the canaries of by_age[0..n) behind the others, the order kept; returns how many others
 * there are. */
uint32_t canaries_part(struct canaries *c, struct g_ingress **by_age, uint32_t n);

/* The canary of a path of primary, or of its defaultBackend for every host. */
struct policy_canary_of canary_of_path(struct canaries *c, struct translate *t,
				       const struct g_host *host, const struct g_ingress *primary,
				       const struct ingress_path *path);
struct policy_canary_of canary_of_default(struct canaries *c, struct translate *t,
					  const struct g_host *host,
					  const struct g_ingress *primary);

/* Tell of those that have no effect on this host. */
void canaries_tell(const struct canaries *c, struct translate *t, struct g_host *host);

#endif
