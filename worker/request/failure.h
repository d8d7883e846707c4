/*
 * failure: what becomes of a request when one of its sides has ended before its time.
 *
 * Another endpoint, an answer with the reason's status, or the end: decided in one place, from
 * what already went out. Called by the driver before a step runs.
 */
#ifndef SILEX_WORKER_REQUEST_FAILURE_H
#define SILEX_WORKER_REQUEST_FAILURE_H

#include "worker/request/request.h"
#include "worker/upstream/retry.h"

/* r->client_end or r->up_end is set: takes the dead side away and sets r->step (and r->reason). */
void failure_handle(struct request *r);

/* What the retry rules ask about the try under way. */
struct retry_facts failure_facts(const struct request *r, enum reason why);

/* End the exchange with the origin: whole and clean (detach), or not (abort with why). Closes the
 * try record. No-op without one. */
void failure_drop_upstream(struct request *r, enum reason why);

#endif
