/* uri: bytes back into the form in which they may stand in a URI (RFC 3986). */
#ifndef SILEX_WORKER_REWRITE_URI_H
#define SILEX_WORKER_REWRITE_URI_H

#include <stddef.h>

#include "common/str.h"

/* The path of a request target, and its query without "?". */
struct str uri_path(struct str target);
struct str uri_query(struct str target);

/* A decoded path: what may not stand for itself becomes %XX. to: room for 3 * s.n; the length. */
size_t uri_put_path(char *to, struct str s);
/* A query that is escaped already but for bytes that can never stand in one. Likewise. */
size_t uri_put_query(char *to, struct str s);
/* A whole target that is escaped already but for what cannot stand in a request line. Likewise. */
size_t uri_put_target(char *to, struct str s);

#endif
