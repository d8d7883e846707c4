/*
 * h1u: an HTTP/1.1 connection to an endpoint.
 *
 *   CONNECTING --writable, hands shaken--> BUSY --answer whole--> IDLE (in the pool) --taken-->
 * BUSY ...
 *
 * Pooled again only when nothing is left open: the request sent whole, the answer received
 * whole, not one byte behind it, and the origin willing. A pooled connection that becomes
 * readable has been closed, or speaks without being asked: it is thrown away either way.
 * h1u.c is the connection (connect, events, deadlines, its end), h1u_answer.c what it receives,
 * h1u_side.c what a request may ask of it.
 */
#ifndef SILEX_WORKER_HTTP1_H1U_H
#define SILEX_WORKER_HTTP1_H1U_H

#include <stdbool.h>

#include "common/stat/reason.h"
#include "worker/flow/conn.h"
#include "worker/http1/h1_in.h"
#include "worker/http1/h1_out.h"
#include "worker/request/side.h"
#include "worker/upstream/pool.h"

#define H1U_MAGIC 0x48315531u

enum h1u_state {
	H1U_CONNECTING,
	H1U_BUSY,
	H1U_IDLE,
};

struct h1u {
	uint32_t magic;
	uint8_t state;  /* enum h1u_state */
	bool head_done; /* the final head is received */
	bool held;      /* an interim answer waits to be passed on */
	bool deaf;      /* the origin takes no more of the request; it may still answer */
	bool spoilt;    /* never to be pooled */
	bool tunnel;
	bool shaking;      /* CONNECTING: TCP is there, TLS is not yet */
	uint32_t requests; /* begun */
	struct conn conn;
	struct side side;
	struct pooled pooled;
	struct h1_in in;
	struct h1_out out;
	uint64_t opened_ms, idle_ms; /* when; idle: since when */
};

/*
 * A connection to key->addr for r, from the pool or a new one. r->upstream is set;
 * REQ_UP_READY is recorded at once, or when it is established. -1 with errno when there is no
 * descriptor, no memory, or the address cannot be reached.
 */
int h1u_get(struct request *r, const struct pool_key *key, uint64_t cluster);

/* For h1u_*.c: */
extern const struct side_ops h1u_ops;
void h1u_close(struct h1u *c);
/* The exchange is over and the side is free: into the pool, or closed. */
void h1u_release(struct h1u *c);
void h1u_arm(struct h1u *c);
/* Send what can be sent and tell the request. */
void h1u_flush(struct h1u *c);
/* Receive once; until the end when the socket is dead. */
void h1u_read(struct h1u *c);
/* Use what is buffered: heads, then content into r->down. */
void h1u_advance(struct h1u *c);
/* The origin has ended its direction. */
void h1u_ended(struct h1u *c);

#endif
