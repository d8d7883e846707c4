/*
 * h2_session: the nghttp2 session under a connection: its options, its callbacks and what all
 * sessions of a worker share. Internal to http2/.
 */
#ifndef SILEX_WORKER_HTTP2_H2_SESSION_H
#define SILEX_WORKER_HTTP2_H2_SESSION_H

#include "worker/http2/h2_conn.h"

/* NULL: memory is out. */
nghttp2_session *h2_session_new(struct h2 *h);
/* Where bytes are received; valid until the next use. */
char *h2_scratch(struct worker *w, size_t *cap);

#endif
