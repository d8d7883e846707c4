/* rewrite: rewrite-target, the target that is sent upstream instead (facts: routing §5). */
#ifndef SILEX_WORKER_REWRITE_REWRITE_H
#define SILEX_WORKER_REWRITE_REWRITE_H

#include "worker/request/request.h"

enum rewrite_result {
	REWRITE_NONE,     /* not asked for, or the pattern is not found */
	REWRITE_TARGET,   /* *out is the new target, in the arena */
	REWRITE_REDIRECT, /* ... is a URL to which the client is sent */
	REWRITE_FAILED,   /* memory is out, or the match was given up */
};

enum rewrite_result rewrite_target(struct request *r, struct str *out);

/* x-forwarded-prefix of a route whose rewrite-target was applied, its $1 put in; empty: none. 0, or
 * -1 when memory is out. */
int rewrite_prefix(struct request *r, struct str *out);

#endif
