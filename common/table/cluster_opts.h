/*
 * cluster_opts: how a cluster's endpoints are picked and judged, beside where they are.
 *
 * From silex.conf, the Service's silex.dev/ annotations and those of the oldest Ingress that uses
 * it (master/balance/); lies in the table with the cluster. Fixed-width members only, units in
 * the names; all zero: nothing is asked for.
 */
#ifndef SILEX_COMMON_TABLE_CLUSTER_OPTS_H
#define SILEX_COMMON_TABLE_CLUSTER_OPTS_H

#include <stdint.h>

#define CLUSTER_SUBSET_MAX 256

struct cluster_opts {
	uint32_t slow_start_ms; /* a new endpoint's weight grows for this long; 0: off */
	uint32_t eject_ms;      /* the first ejection of an endpoint; each further twice as long, */
	uint32_t eject_max_ms;  /* up to this */
	uint16_t eject_after;   /* failures in a row; 0: nobody is ejected */
	uint8_t eject_share;    /* percent of the endpoints that may be out, 1 to 100 */
	uint8_t eject_5xx;      /* 1: answers with a status of 5xx are failures */
	uint16_t subset;        /* BALANCE_HASH: so many endpoints share a key; 0, 1: one has it */
	uint16_t zero;
};
_Static_assert(sizeof(struct cluster_opts) == 20, "options are part of the shared layout");

enum cookie_bits { /* cluster_cookie.flags */
	COOKIE_EXPIRES = 1u << 0,
	COOKIE_MAX_AGE = 1u << 1,
	COOKIE_SECURE = 1u << 2,            /* always, not only over https */
	COOKIE_SPARES_OLD = 1u << 3,        /* no SameSite=None for browsers that mistake it */
	COOKIE_CHANGE_ON_FAILURE = 1u << 4, /* a client moves when its endpoint fails */
	COOKIE_PERSISTENT = 1u << 5,        /* the key is an endpoint's */
};

/* The cookie of affinity; its name and domain follow. Its path is the location's (policy.h). */
struct cluster_cookie {
	int64_t expires_s, max_age_s;
	uint16_t name_n, domain_n;
	uint8_t flags;     /* enum cookie_bits */
	uint8_t same_site; /* enum same_site (cluster_kind.h) */
	uint16_t zero;
};
_Static_assert(sizeof(struct cluster_cookie) == 24, "the cookie is part of the shared layout");

#endif
