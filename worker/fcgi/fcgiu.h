/*
 * fcgiu: a FastCGI connection to an endpoint (backend-protocol: FCGI), for one request.
 *
 *   CONNECTING --writable--> BUSY --END_REQUEST--> closed
 *
 * As in nginx without fastcgi_keep_conn, the application closes behind its answer: there is no
 * pool, and an upgrade is a request like any other.
 * fcgiu.c is the connection (connect, events, deadlines, its end) and what a request may ask of
 * it, fcgiu_answer.c what it receives.
 */
#ifndef SILEX_WORKER_FCGI_FCGIU_H
#define SILEX_WORKER_FCGI_FCGIU_H

#include <stdbool.h>

#include "worker/fcgi/fcgi_in.h"
#include "worker/fcgi/fcgi_out.h"
#include "worker/request/side.h"
#include "worker/upstream/pool.h"

#define FCGIU_MAGIC 0x46434755u

struct fcgiu {
	uint32_t magic;
	bool connecting;
	bool head_done;  /* the answer's head is received */
	bool ended;      /* END_REQUEST came */
	bool deaf;       /* the application takes no more of the request; it may still answer */
	bool said;       /* something of STDERR was logged */
	uint8_t framing; /* enum framing of the answer */
	uint64_t left;   /* FRAMING_LENGTH: content still to come */
	struct conn conn;
	struct side side;
	struct fcgi_in in;
	struct fcgi_out out;
	struct chunk *head; /* what came of an incomplete head; NULL: nothing */
};

/* A connection to key->addr for r. r->upstream is set; REQ_UP_READY is recorded at once, or when it
 * is established. -1 with errno, as h1u_get(). */
int fcgiu_get(struct request *r, const struct pool_key *key);

/* For fcgiu_*.c: */
void fcgiu_arm(struct fcgiu *c);
/* Receive; until the end when the socket is dead. */
void fcgiu_read(struct fcgiu *c);
/* Use what is buffered: the head, then content into r->down. */
void fcgiu_advance(struct fcgiu *c);

#endif
