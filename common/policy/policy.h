/*
 * policy: what an Ingress' annotations and the ConfigMap ask for on one route, compiled.
 *
 * The master assembles it (k8s/settings/annot_tbl.h, master/translate*), the table carries it, a
 * worker copies it into the request's arena at routing time and every step reads its part. The
 * fixed part holds numbers that every request needs; everything rarer is an option behind it:
 *
 *   +--------------------+-----------------------+-----------------------+--
 *   | struct policy      | {type, len} bytes pad | {type, len} bytes pad | ...
 *   +--------------------+-----------------------+-----------------------+--
 *   0                    sizeof                   (8-byte aligned)      size
 *
 * Lives in shared memory: fixed-width members only, no pointers. Units are in the names.
 */
#ifndef SILEX_COMMON_POLICY_POLICY_H
#define SILEX_COMMON_POLICY_POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/str.h"

enum policy_flag {
	POLICY_NO_ACCESS_LOG = 1u << 0,
	POLICY_DENY = 1u << 1, /* refused annotation: the location answers 503 to everything */
	POLICY_SSL_REDIRECT = 1u << 4, /* http goes to https where the host has a certificate */
	POLICY_FORCE_SSL = 1u << 5,    /* ... and where it has none */
	POLICY_KEEP_SLASH = 1u << 6,   /* ... with the final "/" of the URI */
	POLICY_AUTH = 1u << 7,         /* POLICY_OPT_AUTH: an auth service is asked first */
	POLICY_SATISFY_ANY = 1u << 8,  /* one of the allow list and auth suffices */
	POLICY_RELATIVE = 1u << 9, /* the redirect to the path with "/" at its end is relative */
	POLICY_PORT = 1u << 10,    /* redirects name the port */
	POLICY_ERRORS = 1u << 11,  /* POLICY_OPT_ERRORS: another Service answers errors */
	POLICY_KEEP_SERVER = 1u << 12,   /* the origin's Server field goes to the client */
	POLICY_SERVER_TOKENS = 1u << 13, /* else ours does */
	POLICY_ORIGINAL_URI = 1u << 14,  /* X-Original-URI goes to the origin */
	POLICY_EDITS = 1u << 15,         /* POLICY_OPT_EDITS: fields of answers are changed */
	POLICY_SNIPPET = 1u << 16,       /* POLICY_OPT_SNIPPET */
	POLICY_BASIC = 1u << 17,         /* POLICY_OPT_BASIC: a password is asked for */
	POLICY_PACE = 1u << 18,          /* POLICY_OPT_PACE: answers are slowed down */
	POLICY_HTTP10 = 1u << 19,        /* endpoints that speak HTTP/1 are spoken to in 1.0 */
	POLICY_CONN_CLOSE = 1u << 20,    /* "Connection: close" to them, whatever else holds */
	POLICY_CONN_KEEP = 1u << 21,     /* "Connection: keep-alive", likewise */
	POLICY_MIRROR = 1u << 22,        /* POLICY_OPT_MIRROR: a copy goes to somebody else */
};

enum policy_next { /* when another endpoint may be tried: proxy-next-upstream */
	NEXT_ERROR = 1u << 0,
	NEXT_TIMEOUT = 1u << 1,
	NEXT_INVALID_HEADER = 1u << 2,
	NEXT_HTTP_500 = 1u << 3,
	NEXT_HTTP_502 = 1u << 4,
	NEXT_HTTP_503 = 1u << 5,
	NEXT_HTTP_504 = 1u << 6,
	NEXT_HTTP_403 = 1u << 7,
	NEXT_HTTP_404 = 1u << 8,
	NEXT_HTTP_429 = 1u << 9,
	NEXT_NON_IDEMPOTENT = 1u << 10,
};

/* A larger one does not fit into one piece of a request's arena: its routes answer 503. */
#define POLICY_ROUTED_MAX 4080u

struct policy {
	uint32_t size;           /* bytes of this block, options included; multiple of 8 */
	uint32_t flags;          /* enum policy_flag */
	uint64_t body_max_bytes; /* proxy-body-size; 0 = no limit */
	uint32_t connect_ms;     /* proxy-connect-timeout */
	uint32_t send_ms;        /* proxy-send-timeout, between two writes */
	uint32_t read_ms;        /* proxy-read-timeout, between two reads */
	uint32_t next_ms;        /* proxy-next-upstream-timeout, 0 = none */
	uint16_t next_when;      /* enum policy_next */
	uint16_t next_tries;     /* proxy-next-upstream-tries, 0 = no limit */
	uint32_t head_max_bytes; /* proxy-buffer-size: largest head of an origin's answer */
};
_Static_assert(sizeof(struct policy) == 40, "policy is part of the shared layout");

enum policy_opt { /* numbered as features arrive; a number is never used again */
	POLICY_OPT_NONE = 0,
	POLICY_OPT_REWRITE = 1,          /* struct policy_rewrite, the pattern, the replacement */
	POLICY_OPT_APP_ROOT = 2,         /* path to which "/" is redirected */
	POLICY_OPT_REDIRECT = 3,         /* struct policy_redirect, the URL */
	POLICY_OPT_ALLOW = 4,            /* struct policy_net[]: nobody else */
	POLICY_OPT_DENY = 5,             /* struct policy_net[]: not these; looked at first */
	POLICY_OPT_VHOST = 6,            /* Host as the origin gets it */
	POLICY_OPT_CORS = 7,             /* struct policy_cors, origins, methods, headers, expose */
	POLICY_OPT_WWW = 10,             /* host to which everything goes, path and all */
	POLICY_OPT_ERRORS = 11,          /* struct policy_errors */
	POLICY_OPT_REQUEST_HEADERS = 20, /* policy_header.h: to the origin */
	POLICY_OPT_RESPONSE_HEADERS = 21, /* policy_header.h: to the client */
	POLICY_OPT_PREFIX = 22,   /* X-Forwarded-Prefix where the path is rewritten; may hold $1 */
	POLICY_OPT_UP_TLS = 30,   /* struct policy_up_tls */
	POLICY_OPT_AFFINITY = 40, /* path of the affinity cookie given here */
	POLICY_OPT_CANARY = 41,   /* struct policy_canary and its texts */
	POLICY_OPT_AUTH = 50,     /* policy_auth.h: external authentication */
	POLICY_OPT_EDITS = 60,    /* policy_edit.h: what is changed in fields of answers */
	POLICY_OPT_FCGI_INDEX = 63,  /* fastcgi-index */
	POLICY_OPT_FCGI_PARAMS = 64, /* policy_header.h: parameters, the last of a name counts */
	POLICY_OPT_SNIPPET = 70,     /* policy_snippet.h: what nginx snippets mean */
	POLICY_OPT_MAPS = 71,        /* policy_map.h; never of a route: table_maps() */
	POLICY_OPT_PACE = 61,        /* struct policy_pace */
	POLICY_OPT_AUTH_CACHE = 52,  /* policy_auth_cache.h: answers that are remembered */
	POLICY_OPT_BASIC = 51,       /* policy_basic.h: basic authentication */
	POLICY_OPT_MIRROR = 80,      /* policy_mirror.h: who gets a copy of each request */
	POLICY_OPT_LIMIT = 8,        /* struct policy_limit */
	POLICY_OPT_LIMIT_ALLOW = 9,  /* struct policy_net[]: without limits */
};

struct policy_up_tls {    /* proxy-ssl-*: how TLS is spoken to endpoints */
	uint64_t profile; /* id in the table */
	uint32_t own;     /* 1: of this path's own Ingress, so without it the path answers 503 even
			   * where endpoints speak no TLS; 0: another Ingress' of the host */
	uint32_t zero;
};
_Static_assert(sizeof(struct policy_up_tls) == 16, "policy is part of the shared layout");

struct policy_rewrite {
	uint32_t pattern_n; /* a regex, searched in the normalised path, any case */
	uint32_t zero;
};

#define POLICY_ERROR_LEAST 400
#define POLICY_ERROR_MOST  599

enum policy_errors_flag {
	ERRORS_OURS_ONLY =
	    1u << 0, /* endpoints' own answers pass (disable-proxy-intercept-errors) */
	ERRORS_NO_ENDPOINT =
	    1u << 1, /* the first cluster is for a Service without endpoints, too */
};

struct policy_errors {        /* custom-http-errors, default-backend: who answers instead */
	uint64_t clusters[2]; /* the first that has endpoints; 0: none */
	uint64_t codes[4];    /* bit status - POLICY_ERROR_LEAST */
	uint32_t flags;       /* enum policy_errors_flag */
	uint32_t zero;
};
_Static_assert(sizeof(struct policy_errors) == 56, "policy is part of the shared layout");

struct policy_redirect {
	uint16_t status;
	uint16_t zero[3];
};

struct policy_canary {
	uint64_t cluster;
	uint32_t weight, total;                          /* of every total requests so many */
	uint16_t header_n, value_n, pattern_n, cookie_n; /* of the texts, in this order */
	uint32_t legacy; /* 1: affinity does not hold across the canary */
	uint32_t zero;
};

struct policy_limit {  /* of one client, on the whole node; shared by all paths of an Ingress */
	uint64_t zone; /* names the Ingress */
	uint32_t interval_us;                /* between two requests, of limit-rps; 0: no limit */
	uint32_t burst;                      /* requests beyond that */
	uint32_t interval_us_rpm, burst_rpm; /* the same of limit-rpm */
	uint32_t connections;                /* requests under way; 0: no limit */
	uint32_t zero;
};

struct policy_pace {               /* limit-rate, limit-rate-after: of each answer */
	uint64_t bytes_per_second; /* at least 1 */
	uint64_t after_bytes;      /* so many as fast as they go */
};

struct policy_cors {
	uint32_t max_age;
	uint16_t credentials; /* 1: allowed */
	uint16_t origins_n, methods_n, headers_n, expose_n;
	uint16_t zero;
};

struct policy_net {
	uint8_t ip[16]; /* as in struct addr */
	uint8_t family; /* 4 or 6 */
	uint8_t bits;   /* of the prefix */
	uint8_t zero[6];
};
_Static_assert(sizeof(struct policy_net) == 24, "policy is part of the shared layout");

struct policy_opt_head {
	uint16_t type; /* enum policy_opt */
	uint16_t zero;
	uint32_t len; /* of the bytes that follow, padding not counted */
};

/* The option's bytes (borrowed from p), or STR_NONE when it has none. Bounds are checked. */
struct str policy_find(const struct policy *p, enum policy_opt type);
/* "192.0.2.0/24", or an address alone; bits beyond the prefix do not matter. */
bool policy_net_parse(struct str s, struct policy_net *out);
/* ip and family as in struct addr; an IPv4 address in IPv6 clothes counts as IPv4. */
bool policy_net_has(const struct policy_net *net, uint8_t family, const uint8_t ip[16]);
/* In any of the networks of such an option (policy_find)? */
bool policy_nets_have(struct str nets, uint8_t family, const uint8_t ip[16]);
/* ingress-nginx' defaults (facts: routing §9). */
void policy_defaults(struct policy *p);

#endif
