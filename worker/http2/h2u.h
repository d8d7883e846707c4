/*
 * h2u: an HTTP/2 connection to an endpoint, shared by many requests.
 *
 *   CONNECTING --writable, hands shaken--> OPEN --last stream let go--> IDLE (in the pool)
 * --taken--> OPEN ...
 *
 * Requests join a connection as long as it has room for streams, also while it is being
 * established; those that cannot, open another one. Without a stream it waits in the same pool as
 * idle HTTP/1 connections do. An endpoint's GOAWAY, its fault or its silence takes the connection
 * out of service; streams it has not begun are tried elsewhere (RFC 9113 §8.7).
 * h2u.c is the connection, h2u_answer.c what its streams receive, h2u_side.c what a request may
 * ask of a stream.
 */
#ifndef SILEX_WORKER_HTTP2_H2U_H
#define SILEX_WORKER_HTTP2_H2U_H

#include "common/check.h"
#include "worker/http2/h2_conn.h"
#include "worker/request/side.h"
#include "worker/upstream/pool.h"

#define H2U_STREAMS 100 /* requests on one connection, if the endpoint takes as many */

enum h2u_state {
	H2U_CONNECTING,
	H2U_OPEN,
	H2U_IDLE,
};

struct h2u {
	struct h2 h;
	uint8_t state;  /* enum h2u_state */
	bool leaving;   /* takes no more requests */
	bool listed;    /* among those that take requests */
	bool late;      /* the connect deadline has passed */
	bool shaking;   /* CONNECTING: TCP is there, TLS is not yet */
	bool refused;   /* TLS failed */
	uint32_t begun; /* requests ever */
	uint64_t opened_ms;
	struct pooled pooled;
	LIST_ENTRY(h2u) link; /* of the connections with requests */
};

LIST_HEAD(h2u_list, h2u);
/* Those of this worker that take requests: an endpoint has one, seldom more. */
struct h2u_list *h2_upstreams(struct worker *w);

static inline struct h2u *h2u_of(struct h2 *h)
{
	return container_of(h, struct h2u, h);
}

/* As h1u_get: a stream to key->addr for r. r->upstream is set; REQ_UP_READY is recorded at once,
 * or when the connection is established. */
int h2u_get(struct request *r, const struct pool_key *key, uint64_t cluster);

/* For h2u_*.c: */
/* Bytes handed to the kernel on this connection, as TCP counts them. */
uint64_t h2u_sent(const struct h2u *c);
extern const struct side_ops h2u_ops;
struct h2s;
void h2u_field(struct h2s *s, nghttp2_rcbuf *name, nghttp2_rcbuf *value, bool trailer);
void h2u_head(struct h2s *s, const nghttp2_headers *frame);
void h2u_closed(struct h2s *s, uint32_t error);
void h2u_arm(struct h2s *s);
void h2u_late(struct timer *t);

#endif
