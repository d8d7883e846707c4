/*
 * grpc: answers made here, in the terms of gRPC ("gRPC over HTTP2", Trailers-Only responses).
 *
 * A gRPC client looks for grpc-status, not for the HTTP status, and shows an HTML page to nobody.
 */
#ifndef SILEX_WORKER_ANSWER_GRPC_H
#define SILEX_WORKER_ANSWER_GRPC_H

#include <stdbool.h>

#include "worker/request/request.h"

/* Does the client speak gRPC? By its Content-Type: application/grpc, or with + or ; behind it. */
bool grpc_request(const struct request *r);
/* The code that stands for an HTTP status made here; 2 (UNKNOWN) for those without one. */
unsigned grpc_status(unsigned http_status);
/* Make r->resp, an answer with r->fail_status and no content, what a gRPC client expects. The
 * fields are added; there must be room for three. */
void grpc_answer(struct request *r);

#endif
