/*
 * h2_out: bytes on their way from an HTTP/2 session to its socket.
 *
 * A bounded ring of slices. Frame heads and small pieces are copied behind each other into one
 * chunk, large pieces of content stay where the pipe has them and are sent from there. Everything
 * that a turn of the loop produced goes out in one writev. Empty: no chunk is held.
 */
#ifndef SILEX_WORKER_HTTP2_H2_OUT_H
#define SILEX_WORKER_HTTP2_H2_OUT_H

#include <stdbool.h>
#include <stdint.h>

#include "worker/flow/conn.h"
#include "worker/flow/pipe.h"

#define H2_OUT_SLICES 64          /* power of two */
#define H2_OUT_SPARE  16          /* slices left free for one more frame */
#define H2_OUT_FULL   (48 * 1024) /* bytes at which no new frame is begun */

struct h2_out {
	struct slice ring[H2_OUT_SLICES];
	uint32_t first, n;  /* slices */
	uint32_t bytes;     /* unsent */
	struct chunk *tail; /* where small pieces are copied to; NULL: none. A reference */
};

enum h2_out_state {
	H2_OUT_EMPTY,   /* all is sent */
	H2_OUT_BLOCKED, /* the socket is full */
	H2_OUT_DEAD,    /* the peer takes no more */
};

/* No frame should be begun now. One frame of any size still finds room. */
bool h2_out_full(const struct h2_out *o);
/* Copy. 0, or -1 when memory is out: part of it may be there, the connection is lost. */
int h2_out_put(struct h2_out *o, struct slab *chunks, const void *bytes, size_t n);
/* The first n unread bytes of p, consumed from it. As h2_out_put. */
int h2_out_take(struct h2_out *o, struct slab *chunks, struct pipe *p, size_t n);
/* Send; *sent is increased. */
enum h2_out_state h2_out_flush(struct h2_out *o, struct conn *c, uint64_t *sent);
void h2_out_clear(struct h2_out *o);

#endif
