/*
 * settle: once a tunnel is open, its request keeps only what it still needs.
 *
 * A WebSocket may be idle for hours, and thousands are. All that is read of its request from then
 * on is the front of struct request (REQUEST_SETTLED bytes) and what the access log tells of the
 * exchange when it ends: so that much moves into one block of the right size, and the request's
 * place, its arena and its receive buffers go back to those who are on their way.
 * What the log will tell is decided now: a format that comes while the tunnel is open finds no
 * value in fields the former did not name.
 */
#ifndef SILEX_WORKER_REQUEST_SETTLE_H
#define SILEX_WORKER_REQUEST_SETTLE_H

#include "worker/request/request.h"

/* r is a tunnel that waits for its sides and is in no queue. Returns where it lies now; r itself
 * when memory is out, and it stays as it is. Both sides have been told. */
struct request *request_settle(struct request *r);

#endif
