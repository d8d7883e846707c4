/*
 * place: which location of a server-snippet a path belongs to, beside those that Ingress paths
 * are, by nginx' rules: "=" first, then the longest prefix; behind that the regular expressions in
 * their order, unless the prefix has "^~"; then the prefix.
 */
#ifndef SILEX_WORKER_SNIPPET_PLACE_H
#define SILEX_WORKER_SNIPPET_PLACE_H

#include "worker/snippet/snippet.h"

/* Among those of a path's own snippet, which are looked at once the path has been found. */
enum regex_result place_find_inner(struct request *r, const struct snip *program,
				   struct snip_location *out);
/* REGEX_YES: *out, borrowed from the program. REGEX_NO: the path of the Ingress has it. */
enum regex_result place_find(struct request *r, const struct snip *program,
			     struct snip_location *out);

#endif
