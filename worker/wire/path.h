/*
 * path: the one normal form of a request path, for routing, auth and limits alike.
 *
 * As nginx does it (facts: routing §4): %xx decoded once, then "." and ".." resolved and "//"
 * merged, where a decoded "/" or "." counts like a plain one. What is forwarded is the target as
 * it came, unless a rewrite asks otherwise; what is matched is this.
 */
#ifndef SILEX_WORKER_WIRE_PATH_H
#define SILEX_WORKER_WIRE_PATH_H

#include <stddef.h>

#include "common/str.h"

struct path {
	struct str
	    path; /* normal form, starts with "/" ("*" stays "*"), may hold any byte but NUL */
	struct str raw;   /* the path part of the target as it came */
	struct str query; /* without "?"; .p == NULL when the target has no "?" */
};

/*
 * target: origin form as the parser accepted it. The result borrows from target when the path is
 * normal already (the usual case: one scan), else from buf, which must hold target.n bytes.
 * Returns 0, or -1 for a path that cannot be: "%" without two hex digits, NUL, or ".." above
 * the root (answer 400).
 */
int path_normalise(struct str target, char *buf, struct path *out);

#endif
