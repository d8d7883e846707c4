/*
 * auth_url: the URL of an auth service, taken apart.
 *
 *     http[s]://name.ns.svc[.cluster.local][:port]/target    a Service of this cluster
 *     http[s]://name[:port]/target                           a name of DNS, or an address
 *     scheme://$host/target                                  whoever serves that host here
 *
 * Variables may stand in the target, and in the host those that mean the host the client named;
 * $scheme may be the scheme then. Nothing here comes from a request.
 */
#ifndef SILEX_MASTER_TRANSLATE_AUTH_AUTH_URL_H
#define SILEX_MASTER_TRANSLATE_AUTH_AUTH_URL_H

#include <stdbool.h>
#include <stdint.h>

#include "common/str.h"

struct auth_url { /* strings are borrowed from the text, or live for ever */
	bool https;
	bool same_scheme;       /* by_host: $scheme */
	bool by_host;           /* host is a template */
	uint16_t port;          /* 80 or 443 when none is given */
	struct str host;        /* without port, brackets and final dot */
	struct str ns, service; /* when host names a Service; else empty */
	struct str path, query; /* templates; path begins with "/", query with "?" or is empty */
};

/* NULL, or what is wrong with it: the end of a sentence that begins with the text. */
const char *auth_url_parse(struct str text, struct auth_url *out);

#endif
