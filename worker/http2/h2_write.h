/*
 * h2_write: a neutral head as nghttp2 wants its fields (RFC 9113 §8.2, §8.3). nghttp2 copies what
 * it gets and puts names into lower case.
 */
#ifndef SILEX_WORKER_HTTP2_H2_WRITE_H
#define SILEX_WORKER_HTTP2_H2_WRITE_H

#include <nghttp2/nghttp2.h>
#include <stddef.h>

#include "worker/head/head.h"

/* Numbers of a head as text; lives as long as the fields are used. */
struct h2_write_text {
	char status[4], length[21];
};

/* status is sent instead of h->status. Fields used, or -1 when they do not fit (EMSGSIZE). */
ptrdiff_t h2_write_response(nghttp2_nv *nv, size_t cap, const struct head *h, uint16_t status,
			    struct str date, struct h2_write_text *text);
ptrdiff_t h2_write_request(nghttp2_nv *nv, size_t cap, const struct head *h, struct str scheme,
			   struct h2_write_text *text);

#endif
