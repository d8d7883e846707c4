/*
 * h2s: one HTTP/2 stream as a side of a request, whichever direction it goes.
 *
 * Content received goes into the pipe `in` by copy, so that many streams of small messages do not
 * hold large receive buffers. The window is tied to that pipe: the peer gets credit only for what
 * the other side has taken out, so a slow client stops the endpoint and the other way round.
 * Content is sent from the pipe `out` when nghttp2 asks for it.
 * Lives until the request has let it go, however early the stream itself closes.
 */
#ifndef SILEX_WORKER_HTTP2_H2S_H
#define SILEX_WORKER_HTTP2_H2S_H

#include "worker/http2/h2_conn.h"
#include "worker/http2/head/h2_fields.h"
#include "worker/request/request.h"
#include "worker/request/side.h"

#define H2S_MAGIC 0x48325354u

struct h2s {
	uint32_t magic;
	int32_t id; /* 0: not submitted yet (upstream) */
	struct side side;
	struct h2 *h;
	struct pipe *in, *out; /* of the request; NULL once it has let go */
	struct timer timer;
	LIST_ENTRY(h2s) link;
	struct h2_fields fields; /* of the head being received */
	uint64_t rx;             /* content bytes received */
	uint64_t credit;         /* of these, given back to the windows */
	uint64_t tx;             /* content bytes sent */
	uint64_t sent_from;      /* upstream: bytes of the connection before our head */
	uint64_t frames_from;    /* the same, of its frames: without TLS around them */
	bool closed;             /* gone from the session */
	bool got_head;           /* the (final) head is received */
	bool got_end;            /* all of the peer's message is received */
	bool head_out;           /* our final head is submitted */
	bool waiting;            /* the session waits for content from us */
	bool sent_end;           /* all of our message is handed to the connection */
	bool wanted;             /* the request wants content */
	bool extended;           /* RFC 8441: CONNECT with :protocol */
	bool tunnel;
	bool continued;
	bool has_content;    /* our message has content: a data provider is set */
	bool peer_reset;     /* closed by the peer's RST_STREAM */
	bool mute;           /* reset by us for a fault: nothing is answered */
	uint32_t head_bytes; /* of the head, held for the request */
	bool held;           /* upstream: an interim answer waits to be passed on */
};

/* From the slab, linked into h; id may be 0. NULL: memory is out (counted). */
struct h2s *h2s_new(struct h2 *h, int32_t id, const struct side_ops *ops, timer_fn *late);
/* The request is let go of already. */
void h2s_free(struct h2s *s);
/* The stream with this number; NULL when it has been let go of. */
struct h2s *h2s_find(struct h2 *h, int32_t id);

/* Content from the peer. */
void h2s_received(struct h2s *s, const uint8_t *bytes, size_t n);
/* Give the peer credit for what was taken out of the pipe. */
void h2s_give_credit(struct h2s *s);
/* The out pipe has changed. */
void h2s_pump(struct h2s *s);
/* What nghttp2 takes content of our message from. */
nghttp2_data_provider h2s_provider(struct h2s *s);
/* nghttp2 has asked for the content: copy it behind the frame head. */
int h2s_send_data(struct h2s *s, const uint8_t *frame_head, size_t n);
/* End the stream towards the peer. */
void h2s_reset(struct h2s *s, uint32_t error);

#endif
