/*
 * basic: basic authentication of a request (RFC 7617): what the route's policy asks for, the
 * question that is open because of it, and the challenge where it was refused.
 */
#ifndef SILEX_WORKER_BASIC_BASIC_H
#define SILEX_WORKER_BASIC_BASIC_H

#include "worker/basic/asker.h"
#include "worker/request/request.h"

struct basic {
	struct asker_wait wait;
	struct request *request;
	bool open;    /* the asker has it */
	unsigned end; /* enum basic_verdict, enum asker_end; 0: not yet */
};

enum basic_now {
	BASIC_NOW_RIGHT, /* known to be right */
	BASIC_NOW_WRONG, /* there are none that could be right */
	BASIC_NOW_ASKED, /* REQ_AUTH is recorded when r->basic->end says how it ended */
	BASIC_NOW_BUSY,  /* too many are asked about already */
	BASIC_NOW_NO_MEMORY,
};

/* Look at the credentials that came, of a list of users. */
enum basic_now basic_look(struct request *r, uint64_t list);
/* Nobody waits any more. */
void basic_forget(struct request *r);
/* The challenge, on a 401 that step basic asked for. 0, or -1: memory is out. */
int basic_to_client(struct request *r, struct head *h);

#endif
