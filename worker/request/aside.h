/*
 * aside: what the requests that no client sent have in common: questions to auth services
 * (worker/auth/) and copies for mirror targets (worker/mirror/).
 *
 * Such a request walks the steps like any other; its client side is ours, lies in its arena, and
 * takes what it is told without a connection. What it makes of the answer is its owner's affair.
 */
#ifndef SILEX_WORKER_REQUEST_ASIDE_H
#define SILEX_WORKER_REQUEST_ASIDE_H

#include "worker/request/request.h"

/* A request beside r, of its listener and peer, without a client side yet: the owner gives it one
 * and posts its driver, or drops it. NULL: memory is out. */
struct request *aside_new(const struct request *r);
/* It was not begun: without a client side, never posted. */
void aside_drop(struct request *q);
/* A policy for q's route, in its arena: the numbers of r's, no options, no access log, no limit on
 * content. NULL: memory is out. */
struct policy *aside_policy(struct request *q, const struct request *r);

/* For its side_ops: */

/* Content is let go, but not without end: above `most` bytes the request ends. */
void aside_drink(struct side *s, uint64_t most);
void aside_tunnel(struct side *s); /* it asked for no upgrade */
const struct tls_conn *aside_tls(const struct side *s);

#endif
