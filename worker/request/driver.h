/*
 * driver: walks a request through its steps.
 *
 * Sides only record events, which queues the request here; every entry from the event loop
 * (descriptor, timer, accept) ends with driver_run(), which walks the queued requests until
 * none is left. It never runs inside itself: a step that makes a side record an event finds
 * its request queued again, not entered again.
 */
#ifndef SILEX_WORKER_REQUEST_DRIVER_H
#define SILEX_WORKER_REQUEST_DRIVER_H

#include "worker/request/request.h"

enum step_next {
	STEP_NEXT, /* the next row of the table */
	STEP_WAIT, /* until a side records an event, then this step again */
	STEP_GOTO, /* to r->step, which the step has set */
	STEP_END,  /* the request is gone: do not touch it */
};

typedef enum step_next step_fn(struct request *r);

/* One file each in worker/steps/. */
step_fn step_head, step_client, step_route, step_redirect, step_policy, step_limit, step_access,
    step_basic, step_auth, step_rewrite, step_pick, step_connect, step_send, step_relay, step_reply,
    step_finish;

const char *step_name(enum step_id id);

void driver_post(struct request *r); /* idempotent while queued */
/* Walk everything queued. The last statement of every loop callback; nothing may be touched
 * afterwards, since its connection may be closed. */
void driver_run(struct worker *w);

/* How a step leaves its row. */
enum step_next request_goto(struct request *r, enum step_id step);
/* Answer with this status and end with this reason: here, unless another Service is there for such
 * errors (custom_errors.h). */
enum step_next request_reply(struct request *r, uint16_t status, enum reason why);
/* Here in any case. */
enum step_next request_reply_here(struct request *r, uint16_t status, enum reason why);

#endif
