/*
 * h1_in: the receiving half of an HTTP/1 connection: its buffer, and where the content of the
 * message under way ends.
 *
 * Bytes are received into a chunk; content goes into the pipe as slices of that chunk, never
 * copied. What the pipe has no room for, and what belongs to the next message, stays in the
 * buffer. An idle connection has none.
 */
#ifndef SILEX_WORKER_HTTP1_H1_IN_H
#define SILEX_WORKER_HTTP1_H1_IN_H

#include <stdbool.h>

#include "common/mem/arena.h"
#include "worker/flow/conn.h"
#include "worker/wire/h1_chunk.h"
#include "worker/wire/h1_parse.h"
#include "worker/flow/pipe.h"

struct h1_in {
	struct chunk *buf; /* NULL: nothing is buffered */
	uint32_t at;       /* bytes before it are done with */
	uint8_t framing;   /* enum framing of the message under way */
	bool done;         /* it is received whole */
	bool bulk;         /* the last receive filled its buffer: more is likely there */
	union {
		struct h1_scan scan;   /* of an incomplete head: between two messages */
		uint64_t left;         /* FRAMING_LENGTH: content still to come */
		struct h1_chunk chunk; /* FRAMING_CHUNKED */
	};
};

/* What is buffered and not used yet. */
static inline struct str h1_in_rest(const struct h1_in *in)
{
	if (in->buf == NULL)
		return STR_NONE;
	return str_make(in->buf->data + in->at, in->buf->fill - in->at);
}

/*
 * Receive once. Continues in the chunk of p's newest slice where that saves memory (p may be
 * NULL). An incomplete head is kept contiguous, in a buffer that grows up to `most` bytes. As
 * recv; -1 with ENOBUFS when memory is out.
 */
ssize_t h1_in_recv(struct h1_in *in, struct conn *c, const struct pipe *p, uint32_t most);

/* Should what comes pass through a kernel pipe: large content of known length, or the bulk of a
 * tunnel? Opens one for p when it is worth it and one is to be had. */
bool h1_in_splices(const struct h1_in *in, struct worker *w, struct pipe *p);
/* Receive content into p's kernel pipe. As recv; EAGAIN also when the kernel pipe is full. A
 * tunnel that has gone quiet gives its kernel pipe back. */
ssize_t h1_in_splice(struct h1_in *in, struct conn *c, struct pipe *p);

/* n bytes of the rest were a head; the message's content follows. */
void h1_in_head_done(struct h1_in *in, size_t n, enum framing framing, uint64_t length);
/* Move buffered content into p while it has room; sets p->end and trailers at its end. 0, or -1
 * when the chunked coding is broken. */
int h1_in_content(struct h1_in *in, struct pipe *p, struct arena *a);
/* Let the buffer go when nothing unused is in it. */
void h1_in_trim(struct h1_in *in);
void h1_in_clear(struct h1_in *in);

#endif
