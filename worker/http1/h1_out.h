/*
 * h1_out: the sending half of an HTTP/1 connection: heads, chunk lines, content and trailers of
 * the message under way, in as few system calls as there can be.
 *
 * Everything that is ready goes out in one writev: rest of the head, chunk line, slices of the
 * pipe, end of the chunked message. Content is sent from its place. Only a head that could not
 * be sent at once keeps a chunk.
 */
#ifndef SILEX_WORKER_HTTP1_H1_OUT_H
#define SILEX_WORKER_HTTP1_H1_OUT_H

#include <stdbool.h>

#include "worker/flow/conn.h"
#include "worker/head/head.h"
#include "worker/flow/pipe.h"

enum h1_out_state {
	H1_OUT_WAIT,    /* all that is there is sent; more content is to come */
	H1_OUT_BLOCKED, /* the socket is full: flush again when it is writable */
	H1_OUT_DONE,    /* the message is out whole */
	H1_OUT_DEAD,    /* the peer does not take any more */
};

struct h1_out {
	struct chunk *head; /* heads (and trailers) not sent yet; NULL: none */
	uint32_t head_at;
	uint8_t framing; /* enum framing of the message's content */
	bool begun;      /* the final head is in `head` or sent: content may follow */
	bool last;       /* the end of a chunked message is in mark, head or sent */
	bool open;       /* a chunk was begun: its CRLF is still to be sent */
	uint8_t state;   /* enum h1_out_state of the last flush */
	uint8_t mark_at, mark_n;
	char mark[24];    /* framing bytes due before content */
	uint64_t left;    /* content to come: of the message (LENGTH), of the chunk (CHUNKED) */
	uint64_t sent;    /* bytes of the message sent, heads included */
	uint64_t content; /* of these, payload */
};

/* A new message. */
void h1_out_reset(struct h1_out *o);
/* Space for at least `least` bytes of a head behind what waits; NULL when memory is out. */
char *h1_out_reserve(struct h1_out *o, struct worker *w, uint32_t least, uint32_t *cap);
/* n bytes were written there. A final head says how the content is framed; an interim head is
 * committed with h1_out_commit_interim. */
void h1_out_commit(struct h1_out *o, uint32_t n, enum framing framing, uint64_t length);
void h1_out_commit_interim(struct h1_out *o, uint32_t n);
/* After the head: bytes as they come, until the pipe's end. */
void h1_out_tunnel(struct h1_out *o);
/* Send what is there; p is the pipe the content comes from. */
enum h1_out_state h1_out_flush(struct h1_out *o, struct conn *c, struct pipe *p);

#endif
