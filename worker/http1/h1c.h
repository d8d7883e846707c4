/*
 * h1c: an HTTP/1 connection to a client.
 *
 *   IDLE --first byte--> HEAD --whole head--> BUSY --answer out--> IDLE ... or LINGER -> closed
 *
 * IDLE holds no buffer and no request, only this struct. One request is under way at a time;
 * what the client sends ahead (pipelining) waits in the buffer. LINGER: our direction is ended,
 * what the client still sends is thrown away for a bounded time, so that the answer is not lost
 * to a reset (RFC 9112 §9.6).
 * h1c.c is the connection (events, deadlines, its end), h1c_read.c what comes in, h1c_side.c what a
 * request may ask of it.
 */
#ifndef SILEX_WORKER_HTTP1_H1C_H
#define SILEX_WORKER_HTTP1_H1C_H

#include <stdbool.h>

#include "common/net/addr.h"
#include "common/stat/reason.h"
#include "common/process/worker_fd.h"
#include "worker/flow/conn.h"
#include "worker/http1/h1_in.h"
#include "worker/http1/h1_out.h"
#include "worker/request/side.h"

#define H1C_MAGIC 0x48314331u

enum h1c_state {
	H1C_IDLE,
	H1C_HEAD,
	H1C_BUSY,
	H1C_LINGER,
};

struct h1c {
	uint32_t magic;
	uint8_t state;  /* enum h1c_state */
	uint8_t role;   /* enum listener_role */
	bool keep;      /* decided with the answer's head: the connection lives on */
	bool wanted;    /* the request wants content */
	bool last;      /* the client said so: no request follows */
	bool continued; /* 100 Continue was sent */
	bool tunnel;
	uint32_t requests; /* ended ones */
	struct conn conn;
	struct side side;
	struct h1_in in;
	struct h1_out out;
	struct addr peer;
	uint64_t opened_ms;
	uint64_t linger_by_ms;
	TAILQ_ENTRY(h1c) link; /* of all client connections */
};

/* Takes fd; NULL when there is no memory or it cannot be watched: the caller keeps fd then. The
 * caller files `link` and calls
 * h1c_start(), which reads at once, and then runs the driver. */
struct h1c *h1c_open(struct worker *w, int fd, const struct addr *peer, enum listener_role role);
/* The same for a connection that was opened elsewhere (TLS) and is counted as active: it is moved;
 * NULL when memory is out, `from` is untouched then. */
struct h1c *h1c_adopt(struct conn *from, const struct addr *peer, enum listener_role role);
void h1c_start(struct h1c *c);

/* Draining: an idle connection is ended. */
void h1c_drain(struct h1c *c);
/* End it at once, whatever is under way. The caller runs the driver. */
void h1c_cut(struct h1c *c);

/* For h1c_*.c: */
void h1c_state_is(struct h1c *c, enum h1c_state state);
/* Statistics tell of traffic, not of who asks for them. */
void h1c_count(const struct h1c *c, enum stat_id id, uint64_t n);
/* Readable: receive what the state has a place for. */
void h1c_readable(struct h1c *c);
/* Between requests, or within a head. False: nothing has come, and nothing was done. */
bool h1c_read_head(struct h1c *c);
/* A whole head in the buffer becomes a request; its content follows at once. */
void h1c_parse(struct h1c *c);
extern const struct side_ops h1c_ops;
/* The exchange is over and the side is free: next request, linger or close. */
void h1c_next(struct h1c *c);
/* The end of the connection: counted, closed, freed. */
void h1c_close(struct h1c *c, enum reason why, bool rst);
/* Set or lift the deadline that fits the state. */
void h1c_arm(struct h1c *c);
/* Send what can be sent and tell the request. */
void h1c_flush(struct h1c *c);
/* The socket hung up with content unread: read it as far as there is room. */
void h1c_read_hung_up(struct h1c *c);
/* Take content out of the buffer into r->up and tell the request. */
void h1c_take_content(struct h1c *c);

#endif
