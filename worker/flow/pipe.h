/*
 * pipe: the content of one message on its way from the side that receives it to the side that
 * sends it; every request has one up (client to origin) and one down.
 *
 * A bounded ring of slices on chunks. The source adds while pipe_room() > 0 and stops reading
 * its peer when it is 0: that is the whole of backpressure. The sink sends from pipe_iov() and
 * takes what was written off with pipe_consume(). Content is the payload only: chunk sizes,
 * DATA frames and other framing are the sides' own affair.
 *
 * While `keep` is set, what is consumed stays behind the read position so that a retry can send
 * it again (pipe_rewind); it is given up silently as soon as the room is needed.
 *
 * A large body of known length, or the bulk of a tunnel, may pass through a kernel pipe instead
 * (splice.h): `kernel` holds it, its bytes come after all slices.
 */
#ifndef SILEX_WORKER_FLOW_PIPE_H
#define SILEX_WORKER_FLOW_PIPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "worker/flow/chunk.h"
#include "worker/head/head.h"

#define PIPE_SLICES 8 /* power of two */
#define PIPE_CAP    (64 * 1024)

struct splice_pipe;

struct slice {
	struct chunk *chunk;
	uint32_t off;
	uint32_t n;
};

struct pipe {
	uint8_t first;  /* oldest slice held, kept ones included */
	uint8_t kept;   /* slices already consumed, held for pipe_rewind */
	uint8_t held;   /* slices in the ring, kept ones included */
	bool keep;      /* consumed slices are kept while there is room */
	bool lost;      /* consumed bytes are gone: no rewind any more */
	bool end;       /* the source has put its last byte */
	bool paced;     /* no more than `allow` bytes may be taken out for now (request/pace.h) */
	bool splice_ok; /* the sink could take the rest from a kernel pipe (sink sets it) */
	uint32_t cut;   /* bytes of the first unread slice that are consumed */
	uint32_t bytes; /* unread bytes in slices */
	uint64_t in;    /* bytes ever put, kernel pipe included */
	uint64_t out;   /* bytes ever consumed (rewind subtracts) */
	struct splice_pipe *kernel; /* NULL: not spliced */
	struct field *trailers;     /* valid once end is set; in the request's arena */
	uint16_t n_trailers;
	bool tapped;                    /* somebody reads along (pipe_see): no kernel pipe */
	uint32_t allow;                 /* with `paced` */
	struct slice ring[PIPE_SLICES]; /* written before it is read: not initialised */
};

void pipe_init(struct pipe *p);
/* Give every reference back. The pipe may be initialised again. */
void pipe_clear(struct pipe *p);

/* Bytes the source may still put; 0: stop reading until the sink reports room. */
uint32_t pipe_room(const struct pipe *p);
/* Append n bytes at c->data + off; takes its own reference. Needs pipe_room() > 0; the cap may be
 * passed by one slice. Adjacent bytes of the same chunk become one slice. */
void pipe_put(struct pipe *p, struct chunk *c, uint32_t off, uint32_t n);
/* The chunk of the newest slice when bytes received at its fill mark would join that slice and
 * it has at least `least` bytes of space; else NULL. */
struct chunk *pipe_tail(const struct pipe *p, uint32_t least);
/* Copy bytes in (content made by Silex itself); returns how many found room (and memory). */
size_t pipe_write(struct pipe *p, struct slab *chunks, const char *bytes, size_t n);

/* Fill iov with unread slices, at most `most` bytes; returns entries used, *bytes their sum. */
unsigned pipe_iov(const struct pipe *p, struct iovec *iov, unsigned max, size_t most,
		  size_t *bytes);
/* The first unread slice, what is consumed of it cut off; false when nothing is unread. The pipe
 * keeps its reference. */
bool pipe_peek(const struct pipe *p, struct slice *out);
/* For who reads along without consuming: the next slice of what was put behind the first *seen
 * bytes, which moves on; the pipe keeps its reference. False when there is none: all is seen, or
 * (*seen is less than p->in) a part is gone, because it was consumed before it was seen. */
bool pipe_see(const struct pipe *p, uint64_t *seen, struct slice *out);
/* n unread bytes were sent. */
void pipe_consume(struct pipe *p, size_t n);

/* Most bytes that may be taken out now, whether they are there or not. */
static inline uint64_t pipe_allowed(const struct pipe *p)
{
	return p->paced ? p->allow : UINT64_MAX;
}
/* Unread bytes in slices that may be sent now. */
static inline uint32_t pipe_sendable(const struct pipe *p)
{
	return p->paced && p->allow < p->bytes ? p->allow : p->bytes;
}
/* n bytes were taken out of the kernel pipe and sent. */
void pipe_spliced(struct pipe *p, size_t n);

/* Make what was consumed unread again; false when something of it is lost. */
bool pipe_rewind(struct pipe *p);
/* No retry any more: drop what is kept. */
void pipe_forget(struct pipe *p);

/* Nothing unread. With `end` it means: all is sent. */
bool pipe_empty(const struct pipe *p);

#endif
