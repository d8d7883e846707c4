/*
 * fcgi_out: the sending half of a FastCGI connection: BEGIN_REQUEST and PARAMS, then the request's
 * content as STDIN records around slices of the pipe, and the empty one that ends it.
 *
 * Content is sent from its place; only what Silex writes itself is kept here until it is out.
 */
#ifndef SILEX_WORKER_FCGI_FCGI_OUT_H
#define SILEX_WORKER_FCGI_FCGI_OUT_H

#include <stdbool.h>

#include "common/text.h"
#include "worker/fcgi/fcgi_record.h"
#include "worker/flow/conn.h"
#include "worker/flow/pipe.h"

enum fcgi_out_state {
	FCGI_OUT_WAIT,    /* all that is there is sent; more content is to come */
	FCGI_OUT_BLOCKED, /* the socket is full */
	FCGI_OUT_DONE,    /* the request is out whole */
	FCGI_OUT_DEAD,    /* the peer does not take any more */
};

struct fcgi_out {
	struct chunk *head; /* what comes before content, as far as it is not sent; NULL: none */
	uint32_t head_at;
	uint8_t mark[FCGI_HEADER]; /* header of the STDIN record under way */
	uint8_t mark_at, mark_n;
	uint8_t state;    /* enum fcgi_out_state of the last flush */
	bool begun;       /* a head was given */
	bool has_content; /* the pipe is the request's */
	bool last;        /* the record that ends it is in mark, or sent */
	uint32_t left;    /* content of the record still to be sent */
	uint64_t sent;    /* bytes */
};

/* params: the pairs, copied. has_content: else the pipe is not looked at. 0, or -1: ENOMEM. */
int fcgi_out_begin(struct fcgi_out *o, struct str params, bool has_content);
enum fcgi_out_state fcgi_out_flush(struct fcgi_out *o, struct conn *c, struct pipe *p);
void fcgi_out_clear(struct fcgi_out *o);

#endif
