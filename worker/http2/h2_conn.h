/*
 * h2_conn: what an HTTP/2 connection to a client (h2c) and one to an endpoint (h2u) have in
 * common: the nghttp2 session, bytes in and out, the points for nonsense, the end.
 *
 * nghttp2 owns framing, HPACK and the windows. It is only called from here and from the streams,
 * never from within itself: its callbacks record events, and whoever wants something sent says
 * h2_kick(), which has the session written out once, at the end of the loop's turn: the answers
 * of all streams of a turn leave in one system call.
 * A connection that is dead or done is closed at that same place and nowhere else.
 */
#ifndef SILEX_WORKER_HTTP2_H2_CONN_H
#define SILEX_WORKER_HTTP2_H2_CONN_H

#include <nghttp2/nghttp2.h>
#include <stdbool.h>

#include "common/stat/reason.h"
#include "worker/flow/conn.h"
#include "worker/http2/h2_glitch.h"
#include "worker/http2/h2_mem.h"
#include "worker/http2/h2_out.h"
#include "worker/http2/head/h2_scan.h"

#define H2_MAGIC 0x48325f5fu

#define H2_PREFACE     "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" /* RFC 9113 §3.4 */
#define H2_PREFACE_LEN 24

struct h2s;
struct h2;

/* What the two kinds of connection do differently. */
struct h2_kind {
	const char *name;
	bool server;
	/* The peer opened a stream with a HEADERS frame. */
	void (*begin)(struct h2 *h, int32_t id);
	/* One field of a head; trailers: of a trailer section. */
	void (*field)(struct h2s *s, nghttp2_rcbuf *name, nghttp2_rcbuf *value, bool trailer);
	/* The header block is whole. */
	void (*head)(struct h2s *s, const nghttp2_headers *frame);
	/* The stream is closed both ways, or reset by either side (error != 0). */
	void (*closed)(struct h2s *s, uint32_t error);
	/* Content moved: set the stream's deadline anew. */
	void (*arm)(struct h2s *s);
	/* Any other frame, for the points. */
	void (*frame)(struct h2 *h, const nghttp2_frame *frame);
	/* The end of a turn: set deadlines, close when it is over. May free h. */
	void (*settle)(struct h2 *h);
};

struct h2 {
	uint32_t magic;
	bool receiving; /* inside nghttp2_session_mem_recv */
	bool head_open; /* a header block is not complete yet */
	bool blocked;   /* the socket takes no more now */
	bool dead;      /* nothing can be received or sent any more */
	bool failed;    /* ended by us with a GOAWAY: what is received is thrown away */
	bool calm;      /* too much nonsense: to be ended with ENHANCE_YOUR_CALM */
	bool eof;       /* the peer has ended its direction, or the connection is broken */
	bool fin;       /* ... in order */
	const struct h2_kind *kind;
	struct conn conn;
	struct ev_task task;
	nghttp2_session *session;
	struct h2_mem mem;
	struct h2_out out;
	struct h2_glitch glitch;
	struct h2_scan scan; /* of what a client sends */
	int32_t last_id;     /* largest stream number in a HEADERS frame received */
	uint32_t n_streams;
	LIST_HEAD(, h2s) streams;
	uint64_t received, sent; /* bytes */
	uint64_t crossing_ms;    /* until then frames of streams we have reset may come */
};

/* Shared by all connections of a worker: callbacks, options, scratch. */
struct h2_worker;

/* 0, or -1: ENOMEM. Needs w->conf. */
int h2_worker_init(struct worker *w);

/* The session of a connection whose conn is open; settings are queued. 0, or -1. */
int h2_open(struct h2 *h, const struct h2_kind *kind, const nghttp2_settings_entry *settings,
	    size_t n, int32_t window);
/* Everything is given back, the socket closed; there must be no stream left. */
void h2_close(struct h2 *h, bool rst);

/* Bytes that were received already. */
void h2_feed(struct h2 *h, const void *bytes, size_t n);
/* Receive what is there. Events are recorded; the caller runs the driver. */
void h2_read(struct h2 *h);
/* What the loop says of an open connection's socket. The caller runs the driver. */
void h2_ready(struct h2 *h, unsigned ready);
/* The session has something to send: at the end of this turn. Idempotent, one store. */
void h2_kick(struct h2 *h);
/* End the connection: GOAWAY with this code, then nothing more is understood. */
void h2_fail(struct h2 *h, uint32_t error);
/* The socket is lost, or to be given up. */
void h2_die(struct h2 *h);
/* Points for nonsense; over the limit the connection is ended at the end of the turn. */
void h2_complain(struct h2 *h, uint32_t points);
/* Nothing to send, and nothing more will come. */
bool h2_over(const struct h2 *h);

static inline struct worker *h2_w(const struct h2 *h)
{
	return h->conn.w;
}

/* Scratch for the header fields of one message that is sent; valid until the next one. */
nghttp2_nv *h2_scratch_nv(struct worker *w, size_t *cap);

#endif
