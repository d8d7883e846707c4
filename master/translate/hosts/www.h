/*
 * www: from-to-www-redirect (facts: annotations §2): a host that has no rule of its own and
 * differs from one with such an Ingress by "www." alone sends everything there.
 */
#ifndef SILEX_MASTER_TRANSLATE_HOSTS_WWW_H
#define SILEX_MASTER_TRANSLATE_HOSTS_WWW_H

#include <stdint.h>

#include "common/str.h"
#include "master/translate/graph/graph.h"

struct translate;

#define WWW_HOST_MAX 256 /* a host name and "www." */

/* The other of host's two names, in buf; empty for those that have none: the catch-all, wildcards
 * and names that are too long. */
struct str www_other(struct str host, char buf[WWW_HOST_MAX]);

/* i has a rule for host: if it asks for it, it has to do with the other name, too. */
void www_link(struct translate *t, struct g_ingress *i, struct str host);

/*
 * by_age are the n Ingresses that have to do with host, canaries apart. Those that have a rule for
 * it (or are its default) come to the front, in their order; returns how many. The others are here
 * for its other name alone.
 */
uint32_t www_part(struct str host, struct g_ingress **by_age, uint32_t n);

#endif
