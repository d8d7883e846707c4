/*
 * policy_make: an Ingress' annotations and one of its paths, compiled into the block that the
 * table carries (policy.h).
 */
#ifndef SILEX_MASTER_TRANSLATE_POLICY_MAKE_H
#define SILEX_MASTER_TRANSLATE_POLICY_MAKE_H

#include <stdbool.h>

#include "k8s/settings/annot.h"

/* A canary of a path: its Ingress' annotations, and where it goes. */
struct policy_canary_of {
	const struct annots *rules; /* NULL: the path has none */
	uint64_t cluster;
	struct str name; /* of the cluster */
};

/* Does it limit its clients? Then its zone counts. */
bool policy_limits(const struct annots *a);
/* Does it need more than the fixed part, a->policy? */
bool policy_has_options(const struct annots *a);
/* Does it make every path of the host a regex (facts: routing §5)? */
bool policy_wants_regex(const struct annots *a, struct str path);
/* The whole block, for the caller to free(). app_root: of the host, where "/" is this path;
 * empty: none. up_tls (up_tls.h): NULL without; canary: of
 * the path. Out of memory is the end of the process. */
struct policy *policy_make(const struct annots *a, struct str path, struct str app_root,
			   const struct policy_up_tls *up_tls, struct policy_canary_of canary);
/* Likewise: what a host's server-snippet means (policy_snippet.h); denied: it is refused, and
 * everything of the host is answered 503. */
struct policy *policy_make_host(const struct annots *defaults, struct str program, bool denied);
/* Likewise: what a server of http-snippet answers, with the header fields that all answers have. */
struct policy *policy_make_server(const struct annots *defaults, struct str program);
/* Likewise: the block of maps (policy_map.h); NULL: there are none. */
struct policy *policy_make_maps(struct str maps);
/* Likewise: nothing but a redirect to the same path of host (from-to-www-redirect). */
struct policy *policy_make_www(const struct annots *a, struct str host);

#endif
