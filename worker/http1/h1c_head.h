/*
 * h1c_head: from buffered bytes to a request: parse, copy what outlives the buffer, or refuse.
 */
#ifndef SILEX_WORKER_HTTP1_H1C_HEAD_H
#define SILEX_WORKER_HTTP1_H1C_HEAD_H

#include "worker/http1/h1c.h"

enum h1c_head_result {
	H1C_HEAD_MORE,      /* the head is not whole yet */
	H1C_HEAD_REQUEST,   /* c->side.request is set and queued */
	H1C_HEAD_REFUSED,   /* the same, on its way to being answered with an error */
	H1C_HEAD_FOREIGN,   /* no HTTP/1 at all: to be treated as HTTP/2's preface gone wrong */
	H1C_HEAD_NO_MEMORY, /* no request: a bare 503 was written, close */
};

enum h1c_head_result h1c_head(struct h1c *c);
/* A request that is nothing but its refusal. */
enum h1c_head_result h1c_refuse(struct h1c *c, uint16_t status, enum reason why);

#endif
