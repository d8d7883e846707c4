/*
 * route_view: the answer of a routing lookup, copied out of the table.
 *
 * Nothing outlives a loop turn inside the table (DESIGN §2.3): the request keeps this copy and
 * never a pointer into shared memory. Endpoints are not in it: picking looks the cluster up
 * again by id in the version that is current then, so that a retry sees fresh endpoints.
 */
#ifndef SILEX_COMMON_TABLE_ROUTE_VIEW_H
#define SILEX_COMMON_TABLE_ROUTE_VIEW_H

#include <stdint.h>

#include "common/policy/policy.h"

enum route_kind {
	ROUTE_NOT_FOUND, /* no host, or no path of it: the built-in 404 */
	ROUTE_PROXY,     /* to .cluster; no such cluster or no endpoint: 503 */
	ROUTE_ADD_SLASH, /* 301 to the same path with "/" appended (facts: routing §4) */
};

enum route_flag {
	ROUTE_DEFAULT_BACKEND = 1u << 0, /* reached through a default backend, not a rule */
	ROUTE_HOST_HAS_CERT = 1u << 1,
	ROUTE_CATCH_ALL = 1u << 2,  /* no rule names the host */
	ROUTE_CLIENT_TLS = 1u << 3, /* the host wants something of its clients' TLS: table_tls() */
	ROUTE_EXACT = 1u << 4,      /* by a path that is all of the request's */
	ROUTE_REGEX = 1u << 5,      /* by a regular expression */
};

struct route_view {
	uint8_t kind;          /* enum route_kind */
	uint8_t flags;         /* enum route_flag */
	uint16_t path_n;       /* bytes of the path that fits; 0 = none did */
	uint32_t group;        /* statistics group of the Ingress path; names by table_group() */
	uint32_t canary_group; /* the same when its canary takes the request; 0 = there is none */
	uint32_t zero2;
	uint64_t cluster;      /* 0 = none */
	struct policy *policy; /* private copy, in the memory the caller gave; never NULL */
	struct policy *server; /* the same of the host (server-snippet); NULL: it has none */
};

#endif
