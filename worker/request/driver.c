/*
 * driver: see driver.h. The step table, the queue and the walk; what is done when a side has
 * ended is failure.c.
 */
#include "worker/request/driver.h"

#include "common/check.h"
#include "worker/answer/custom_errors.h"
#include "worker/request/failure.h"
#include "worker/request/settle.h"

static const struct {
	const char *name;
	step_fn *fn;
} step_tbl[STEP_COUNT] = {
    [STEP_HEAD] = {"head", step_head},       [STEP_CLIENT] = {"client", step_client},
    [STEP_ROUTE] = {"route", step_route},    [STEP_REDIRECT] = {"redirect", step_redirect},
    [STEP_POLICY] = {"policy", step_policy}, [STEP_LIMIT] = {"limit", step_limit},
    [STEP_ACCESS] = {"access", step_access}, [STEP_BASIC] = {"basic", step_basic},
    [STEP_AUTH] = {"auth", step_auth},       [STEP_REWRITE] = {"rewrite", step_rewrite},
    [STEP_PICK] = {"pick", step_pick},       [STEP_CONNECT] = {"connect", step_connect},
    [STEP_SEND] = {"send", step_send},       [STEP_RELAY] = {"relay", step_relay},
    [STEP_FINISH] = {"finish", step_finish}, [STEP_REPLY] = {"reply", step_reply},
};

const char *step_name(enum step_id id)
{
	return id < STEP_COUNT ? step_tbl[id].name : "?";
}

void driver_post(struct request *r)
{
	struct driver *d = &r->w->driver;

	if (r->queued || d->current == r)
		return; /* the walk under way looks at its events before it leaves */
	r->queued = true;
	STAILQ_INSERT_TAIL(&d->queue, r, link);
}

/* A tunnel that has just been opened and is not about to end: nobody but its sides knows it. */
static void settle(struct request *r)
{
	if (r->step == STEP_RELAY && !r->up.end && !r->down.end && r->compress == NULL)
		r->w->driver.current = request_settle(r);
}

/* Walk one request until it waits or is gone. */
static void walk(struct request *r)
{
	enum step_next next = STEP_WAIT;

	for (;;) {
		CHECK_MAGIC(r, REQUEST_MAGIC);
		if (r->client_end != REASON_NONE || r->up_end != REASON_NONE)
			failure_handle(r);
		next = step_tbl[r->step].fn(r);
		if (next == STEP_END)
			return;
		if (next == STEP_NEXT)
			r->step++;
		else if (next == STEP_WAIT && r->events == 0 && r->client_end == REASON_NONE &&
			 r->up_end == REASON_NONE) {
			if (r->tunnel && !r->settled)
				settle(r);
			return;
		}
	}
}

void driver_run(struct worker *w)
{
	struct driver *d = &w->driver;
	struct request *r;

	if (d->current != NULL)
		return; /* called from a step by way of a side: the outer run goes on */
	while ((r = STAILQ_FIRST(&d->queue)) != NULL) {
		STAILQ_REMOVE_HEAD(&d->queue, link);
		r->queued = false;
		d->current = r;
		walk(r);
		d->current = NULL;
	}
}

enum step_next request_goto(struct request *r, enum step_id step)
{
	r->step = (uint8_t)step;
	return STEP_GOTO;
}

enum step_next request_reply(struct request *r, uint16_t status, enum reason why)
{
	if (custom_errors_take(r, status, why))
		return STEP_GOTO;
	if (r->instead != 0) { /* nobody answered instead */
		status = r->instead;
		why = r->instead_why == REASON_NONE ? REASON_UP_STATUS : r->instead_why;
	}
	return request_reply_here(r, status, why);
}

enum step_next request_reply_here(struct request *r, uint16_t status, enum reason why)
{
	CHECK(!r->head_sent);
	r->fail_status = status;
	r->reason = why;
	return request_goto(r, STEP_REPLY);
}
