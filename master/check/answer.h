/*
 * answer: is what an endpoint answers to a check good?
 *
 * Fed with bytes as they come, in pieces of any size. Of HTTP/1 the status line is looked at and
 * nothing else. Of HTTP/2 (RFC 9113 §4.1) the frames' heads, and the content of stream 1, which
 * for grpc.health.v1.Health/Check is one message of a few bytes; fields are passed over unread:
 * there is no second request for which HPACK's state would matter, and without the message a
 * check is bad whatever the fields say. So no parser of the master sees an endpoint's bytes, only
 * these few dozen bytes of state: the master has no business with more.
 */
#ifndef SILEX_MASTER_CHECK_ANSWER_H
#define SILEX_MASTER_CHECK_ANSWER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ANSWER_LINE     12 /* "HTTP/1.1 200" */
#define ANSWER_FRAME    9  /* head of a frame */
#define ANSWER_MESSAGE  16 /* what is kept of a message: 5 bytes of head, and a status is two */
#define ANSWER_SEND_MAX 64

struct answer {
	bool grpc;
	bool judged;        /* why is decided */
	bool whole;         /* nothing more is of interest */
	uint16_t low, high; /* statuses of HTTP that are good */
	const char *why;    /* NULL: good */
	unsigned n;         /* HTTP/1: of line; gRPC: of head */
	union {
		char line[ANSWER_LINE];
		uint8_t head[ANSWER_FRAME];
	};
	/* gRPC: the frame under way, */
	bool begun; /* it is not the first */
	uint32_t left, at, pad;
	uint8_t ping[8];
	/* the message, */
	uint8_t message[ANSWER_MESSAGE];
	uint32_t message_n; /* received, kept or not */
	/* and acknowledgements of SETTINGS and PING for the endpoint: sent, then cleared. */
	uint8_t send[ANSWER_SEND_MAX];
	unsigned send_n;
};

void answer_begin(struct answer *a, bool grpc, uint16_t low, uint16_t high);
void answer_take(struct answer *a, const char *p, size_t n);
/* The connection is at its end: what is not judged by now never is. */
const char *answer_end(const struct answer *a, const char *otherwise);

#endif
