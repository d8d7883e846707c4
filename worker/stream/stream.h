/*
 * stream: one session of a TCP service: a client's connection, an endpoint's, and bytes between
 * them that are not looked at.
 *
 *      accept ──► (PROXY header, accept/proxy_accept.h) ──► connect ──► relay ──► end
 *
 * A file for each. Which Service lies behind a port is the table's to say (table_stream), looked up
 * when a connection comes; an endpoint is picked in the version that is current then. From then on
 * a session needs neither: a Service, a port or an endpoint that goes away takes no session with
 * it. Every session ends through stream_end() with one reason, counted and logged.
 * What must not happen here: a copy of more than a chunk, a chunk held by an idle session, HTTP.
 */
#ifndef SILEX_WORKER_STREAM_STREAM_H
#define SILEX_WORKER_STREAM_STREAM_H

#include <bsd/sys/queue.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/net/addr.h"
#include "common/stat/reason.h"
#include "worker/flow/conn.h"
#include "worker/flow/pipe.h"

#define STREAM_TRIES_MAX 8 /* proxy-stream-next-upstream-tries is capped here */

struct way {            /* one direction */
	uint64_t bytes; /* received from its source */
	bool ended;     /* its source has sent its last byte */
	bool closed;    /* ... and that was passed on */
	bool broken;    /* its sink takes nothing any more, or its source was reset */
	bool torn;      /* its source was reset: what it still gives ends in no clean end */
	bool bulk;      /* the last receive filled its buffer: more is there */
	bool starved;   /* memory was out: nothing is received until the pipe is empty */
	struct pipe pipe;
};

enum stream_state {
	STREAM_CONNECTING,
	STREAM_RELAYING,
};

struct stream {
	struct conn client, up; /* up.fd -1: no endpoint yet. client's timer is the idle limit */
	uint8_t state;          /* enum stream_state */
	uint8_t proxy_out;      /* the endpoint wants a PROXY header of this version; 0: none */
	uint16_t port;          /* of ours, that the client came to */
	uint8_t n_tries;
	enum reason broke; /* the first way that broke: why */
	struct addr peer;  /* the client, by a believed PROXY header */
	struct addr to;    /* where it connected to */
	uint64_t cluster;
	uint64_t start_us;
	struct way up_way;   /* client to endpoint */
	struct way down_way; /* endpoint to client */
	LIST_ENTRY(stream) link;
	struct addr tries[STREAM_TRIES_MAX]; /* the last one is the endpoint */
};

struct streams {
	struct slab *slab;
	LIST_HEAD(, stream) all;
};

/* Once at start. 0, or -1 with errno. */
int streams_init(struct worker *w);
/* stream_accept.c: a connection came to our port: a session, or, where the port is that of a server
 * of http-snippet, a client of HTTP (client_accept_return()). Takes fd whatever happens. */
void stream_accept(struct worker *w, int fd, const struct addr *peer, uint16_t port);
/* Its PROXY header, where one is due, is off the socket: the client is peer, who connected to `to`
 * (NULL: to us). Takes fd. */
void stream_enter(struct worker *w, int fd, const struct addr *peer, const struct addr *to,
		  uint16_t port);
/* A TLS connection (counted as accepted) that is passed through to this cluster. Takes fd. */
void stream_pass(struct worker *w, int fd, const struct addr *peer, uint16_t port,
		 uint64_t cluster);
/* Nobody is there to be connected to: closed, counted and logged. */
void stream_refuse(struct worker *w, int fd, const struct addr *peer, uint16_t port,
		   enum reason why);
/* stream_connect.c: pick an endpoint and connect to it, to another one when that fails. */
void stream_connect(struct stream *s);
/* stream_relay.c: the endpoint is connected. */
void stream_relay(struct stream *s);
/* Callbacks of s->client from the beginning on. */
ev_fd_fn stream_client_ready;
timer_fn stream_idle;
/* stream_end.c. The cluster's name, borrowed from the table: for logs. Empty: it is gone. */
struct str stream_name(const struct worker *w, uint64_t cluster);
/* s is gone afterwards. */
void stream_end(struct stream *s, enum reason why);
void streams_cut_all(struct worker *w);

#endif
