/*
 * side: what a request sees of the two connections (or streams) it stands between.
 *
 *     client <-> [h1c | h2c stream] <-> struct request <-> [h1u | h2u stream] <-> origin
 *
 * The request calls down through struct side_ops; nothing of a protocol shows through it. A side
 * reports up only by recording an event (request_event, request_side_ended) which queues the
 * request's driver: no side ever runs a step, no step is ever entered twice, and a side may be
 * called from a step at any time without surprises. A side that has reported its end is dead to
 * the request: only detach or abort may follow; except a client side whose reason has a status
 * (reason_status), which can still be answered.
 *
 * The side of direction "source" puts content into a pipe and stops at room 0; the side of
 * direction "sink" sends what pump() shows it. For a client side the source is r->up and the sink
 * r->down; for an upstream side it is the other way round.
 */
#ifndef SILEX_WORKER_REQUEST_SIDE_H
#define SILEX_WORKER_REQUEST_SIDE_H

#include <stddef.h>

#include "common/stat/reason.h"
#include "worker/head/head.h"

struct side;
struct request;
struct tls_conn; /* tls/tls_conn.h */

struct side_ops {
	/*
	 * Send a message head and at once whatever the sink pipe holds (one writev). A status
	 * below 200 is an interim answer: more heads follow. Strings are not needed afterwards.
	 * 0, or -1 when the head does not fit (EMSGSIZE) or memory is out (ENOMEM): nothing was
	 * sent then. A dead peer is reported as an event, not here.
	 */
	int (*send_head)(struct side *s, const struct head *h);

	/* The sink pipe has changed (content, end): send what can be sent. When the message is
	 * out whole the side records REQ_CLIENT_SENT or REQ_UP_SENT. */
	void (*pump)(struct side *s);

	/* The source pipe has room, or the request wants content now (first call: an awaited
	 * 100 Continue is sent). Also goes on after an interim answer. */
	void (*resume_read)(struct side *s);

	/* From now on bytes pass both ways as they come; end of a pipe is a half-close. */
	void (*tunnel)(struct side *s);

	/* The request lies elsewhere now (settle.h), at s->request: pointers into it are taken
	 * anew. NULL: the side has none. */
	void (*moved)(struct side *s);

	/* Something went wrong: end the exchange at once, so that the peer cannot take what it
	 * got for a whole message. The side forgets the request. */
	void (*abort)(struct side *s, enum reason why);

	/* The exchange is over: the side forgets the request and decides itself whether its
	 * connection lives on (keep-alive, pool) or closes. */
	void (*detach)(struct side *s);

	/* The TLS of a client's connection; NULL when it is plain, or gone. */
	const struct tls_conn *(*tls)(const struct side *s);
};

struct side {
	const struct side_ops *ops;
	struct request *request; /* NULL when no exchange is under way */
};

#endif
