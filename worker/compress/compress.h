/*
 * compress: an answer's content is compressed on its way to the client.
 *
 *     origin side -> r->down -> compress_run() -> r->compress->out -> client side
 *
 * Step relay asks compress_begin() when it is about to send the head, and compress_run() whenever
 * content came or the client has taken some. Backpressure goes through: with no room in `out`
 * nothing is taken from r->down. What came is flushed when nothing more is there at the moment, so
 * that a stream of events arrives as it is made; nginx does the same where proxy_buffering is
 * off, ingress-nginx' default.
 * The content of an answer whose length is known ends as it is told; one that breaks off breaks
 * off for the client too: the end of a coding is only written after the origin's.
 */
#ifndef SILEX_WORKER_COMPRESS_COMPRESS_H
#define SILEX_WORKER_COMPRESS_COMPRESS_H

#include <stdbool.h>

#include "common/conf/conf.h"
#include "worker/flow/pipe.h"

struct encoder;
struct request;
struct squeeze; /* a worker's rules and encoders */

struct compress {
	struct pipe out;
	struct encoder *encoder;
	bool dirty;     /* something was taken since the last flush */
	uint64_t in;    /* bytes taken, for $gzip_ratio */
	uint64_t coded; /* bytes made of them */
};

/* At a worker's start. NULL when neither use-gzip nor enable-brotli is on, and when memory is out:
 * then *failed is set. conf is borrowed. */
struct squeeze *squeeze_new(const struct conf *conf, bool *failed);
/* No request may be under way. NULL is ignored. */
void squeeze_free(struct squeeze *s);

/* Decide about r->resp, which is about to be sent: edit it and set r->compress, or leave it as it
 * is. w->squeeze must not be NULL. */
void compress_begin(struct request *r);
/* Compress what r->down holds, as far as there is room. 0, or -1: memory is out, the answer cannot
 * go on. r->compress must not be NULL. */
int compress_run(struct request *r);
/* Give back what compress_begin() took; without it nothing. */
void compress_end(struct request *r);

#endif
