/*
 * h2c: an HTTP/2 connection to a client.
 *
 *   open --GOAWAY 2^31-1--> NOTICE --ping answered--> LEAVING --last stream ended--> closed
 *     \--error, nonsense: GOAWAY with its code--> lingering (what comes is thrown away) -> closed
 *
 * Each stream is a request of its own; the connection only keeps their number, its own deadlines
 * (idle, an unfinished header block, a socket that takes nothing) and its end. An idle connection
 * holds no buffer beside the session.
 * h2c.c is the connection, h2c_stream.c what its streams receive, h2c_side.c what a request may
 * ask of a stream.
 */
#ifndef SILEX_WORKER_HTTP2_H2C_H
#define SILEX_WORKER_HTTP2_H2C_H

#include "common/net/addr.h"
#include "common/check.h"
#include "common/process/worker_fd.h"
#include "worker/http2/h2_conn.h"
#include "worker/request/side.h"

enum h2c_leaving {
	H2C_STAYS,
	H2C_NOTICE,  /* told to open no more streams; those on their way are still served */
	H2C_LEAVING, /* the last stream is named */
};

enum h2c_deadline {
	H2C_NO_DEADLINE,
	H2C_IDLE,
	H2C_HEAD,    /* a header block is not complete */
	H2C_BLOCKED, /* the socket takes nothing */
	H2C_GOODBYE, /* between the two GOAWAYs */
	H2C_LINGER,
};

struct h2c {
	struct h2 h;
	uint8_t role;     /* enum listener_role */
	uint8_t leaving;  /* enum h2c_leaving */
	uint8_t deadline; /* enum h2c_deadline */
	uint8_t why;      /* enum reason of the end, when it is decided */
	bool idle;        /* counted as such */
	bool secure;      /* came over TLS */
	bool settled;     /* the client's first SETTINGS are here */
	uint32_t requests;
	uint32_t head_bytes; /* of all heads held */
	uint64_t blocked_at; /* h.sent when it was found blocked */
	uint64_t opened_ms;
	struct addr peer;
	TAILQ_ENTRY(h2c) link;
};

/*
 * Take a connection over from its present owner, whose struct conn is empty afterwards. early:
 * bytes received already, the preface first; read during the call only. NULL when memory is out:
 * `from` is untouched. The caller files `link`, calls h2c_start() and then runs the driver.
 */
struct h2c *h2c_adopt(struct conn *from, const struct addr *peer, enum listener_role role,
		      bool secure);
void h2c_start(struct h2c *c, struct str early);

/* Draining: no more streams, the end when the last one is done. */
void h2c_drain(struct h2c *c);
/* Room is needed: when it is idle, and has served before, it is ended and gone. */
bool h2c_evict(struct h2c *c);
/* End it at once, whatever is under way. The caller runs the driver. */
void h2c_cut(struct h2c *c);

/* For h2c_*.c: */
extern const struct side_ops h2c_ops;
struct h2s;
void h2c_begin(struct h2 *h, int32_t id);
void h2c_field(struct h2s *s, nghttp2_rcbuf *name, nghttp2_rcbuf *value, bool trailer);
void h2c_head(struct h2s *s, const nghttp2_headers *frame);
void h2c_closed(struct h2s *s, uint32_t error);
/* Set or lift the deadline that fits the stream's state. */
void h2c_arm(struct h2s *s);

static inline struct h2c *h2c_of(struct h2 *h)
{
	return container_of(h, struct h2c, h);
}

#endif
