/*
 * fcgi_in: the receiving half of a FastCGI connection: records are taken apart, STDOUT is handed
 * on in place.
 *
 * An endpoint may send anything: a record of another version or request ends the answer, types
 * that nobody sends are passed over (§3.1), lengths are two bytes and cannot lie.
 */
#ifndef SILEX_WORKER_FCGI_FCGI_IN_H
#define SILEX_WORKER_FCGI_FCGI_IN_H

#include <stdbool.h>

#include "worker/fcgi/fcgi_record.h"
#include "worker/flow/conn.h"
#include "worker/flow/pipe.h"

struct fcgi_in {
	struct chunk *buf; /* NULL: nothing is buffered */
	uint32_t at;       /* bytes before it are done with */
	uint8_t header[FCGI_HEADER], header_n;
	bool within;               /* a record's content or padding is under way */
	struct fcgi_record record; /* .content, .padding: what is still to come of them */
};

enum fcgi_part {
	FCGI_MORE,    /* nothing to be had now: receive */
	FCGI_CONTENT, /* *part is (a part of) the content of a record of type in->record.type */
	FCGI_ENDED,   /* END_REQUEST */
	FCGI_BROKEN,
};

/* As recv; -1 with ENOBUFS when memory is out. p: as with h1_in_recv(), whose tail may be used. */
ssize_t fcgi_in_recv(struct fcgi_in *in, struct conn *c, const struct pipe *p);
/* What comes next in the buffer; content is not taken off: fcgi_in_take() does that. */
enum fcgi_part fcgi_in_next(struct fcgi_in *in, struct str *part);
void fcgi_in_take(struct fcgi_in *in, size_t n);
void fcgi_in_clear(struct fcgi_in *in);

#endif
