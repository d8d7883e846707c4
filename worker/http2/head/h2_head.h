/*
 * h2_head: whether the head of a stream is a message, and the neutral form of it (RFC 9113 §8.3,
 * RFC 8441). What nghttp2 has checked already (names, values, order and number of pseudo-fields)
 * is checked here again only where an origin could read it differently than we do.
 */
#ifndef SILEX_WORKER_HTTP2_HEAD_H2_HEAD_H
#define SILEX_WORKER_HTTP2_HEAD_H2_HEAD_H

#include "worker/http2/head/h2_fields.h"

enum h2_verdict {
	H2_HEAD_OK,
	H2_HEAD_REFUSED,   /* f->fault says with what status */
	H2_HEAD_MALFORMED, /* the stream is reset */
};

/* r->in was filled by h2_fields_add; end: END_STREAM came with it. *extended is set for an
 * extended CONNECT, which becomes an upgrade to that protocol as HTTP/1.1 has it. */
enum h2_verdict h2_head_request(struct request *r, struct h2_fields *f, bool end, bool *extended);

/* r->resp likewise, an answer to r->out. */
enum h2_verdict h2_head_answer(struct request *r, const struct h2_fields *f, bool end);

#endif
