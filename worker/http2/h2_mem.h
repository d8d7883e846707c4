/*
 * h2_mem: the memory of one nghttp2 session, counted and bounded.
 *
 * What a peer can make nghttp2 allocate (streams, queued answers, compression tables) is paid by
 * its own connection: beyond the cap nghttp2 gets NULL, the session ends, nobody else notices.
 */
#ifndef SILEX_WORKER_HTTP2_H2_MEM_H
#define SILEX_WORKER_HTTP2_H2_MEM_H

#include <nghttp2/nghttp2.h>
#include <stddef.h>

struct h2_mem {
	nghttp2_mem ops; /* for nghttp2_session_*_new3 */
	size_t used;     /* bytes, as malloc rounds them */
	size_t cap;
};

/* m must not move while a session uses it. */
void h2_mem_init(struct h2_mem *m, size_t cap);

#endif
