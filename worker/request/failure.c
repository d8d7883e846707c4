/* failure: see failure.h. */
#include "worker/request/failure.h"

#include "common/check.h"
#include "common/table/cluster_kind.h"
#include "worker/auth/auth.h"
#include "worker/basic/basic.h"
#include "worker/request/driver.h"
#include "worker/upstream/eject.h"
#include "worker/upstream/pick.h"
#include "worker/upstream/retry.h"

static void judge_health(struct request *r, const struct cluster_view *c, const struct addr *a,
			 enum eject_outcome outcome)
{
	if (outcome == EJECT_FAILURE || (outcome == EJECT_5XX && c->opts->eject_5xx))
		eject_failed(r->w->eject, c, a);
	else
		eject_succeeded(r->w->eject, c->id, a);
}

/* What the try says about its endpoint: is it well (ejection), and how fast is it (EWMA)? */
static void judge(struct request *r, const struct try_record *t, enum reason why)
{
	enum eject_outcome outcome = eject_outcome(why, t->status, t->reused && !r->try_received);
	struct cluster_view c;

	if (outcome == EJECT_NEITHER || !table_cluster(r->w->table, r->route.cluster, &c))
		return;
	if (c.opts->eject_after != 0)
		judge_health(r, &c, &t->addr, outcome);
	if (c.balance == BALANCE_EWMA)
		pick_measured(r->w->picker, &c, &t->addr,
			      (t->head_us != 0 ? t->head_us : t->end_us) - t->start_us,
			      outcome == EJECT_FAILURE, ev_now_ms(r->w->ev));
}

void failure_drop_upstream(struct request *r, enum reason why)
{
	struct try_record *t = request_try(r);

	if (t != NULL && t->end_us == 0) {
		t->end_us = ev_now_us(r->w->ev);
		t->bytes = r->down.in;
		t->reason = (uint8_t)why;
		if (r->judged)
			judge(r, t, why);
	}
	if (r->upstream == NULL)
		return;
	if (why == REASON_NONE)
		r->upstream->ops->detach(r->upstream);
	else
		r->upstream->ops->abort(r->upstream, why);
	r->upstream = NULL;
}

/* The client is gone, or what it sent cannot be used. */
static void client_failed(struct request *r)
{
	enum reason why = r->client_end;
	uint16_t status = reason_status(why);

	r->client_end = REASON_NONE;
	if (r->basic != NULL)
		basic_forget(r);
	if (r->auth != NULL)
		auth_forget(r);
	failure_drop_upstream(r, why);
	r->up_end = REASON_NONE;
	r->events = 0;
	r->reason = why;
	if (status != 0 && !r->head_sent) {
		pipe_clear(&r->down);
		pipe_init(&r->down);
		(void)request_reply_here(r, status, why); /* the client has broken off */
		return;
	}
	if (!r->head_sent)
		r->status = 499;
	r->step = STEP_FINISH;
}

struct retry_facts failure_facts(const struct request *r, enum reason why)
{
	const struct policy *p = r->route.policy;

	return (struct retry_facts){
	    .when = p->next_when,
	    .why = why,
	    .idempotent = method_is_idempotent(r->in.method),
	    .sent = r->try_sent,
	    .stale = r->tries[r->n_tries - 1].reused && !r->try_received,
	    .tries = r->n_tries,
	    .tries_max = p->next_tries,
	    .elapsed_ms = (ev_now_us(r->w->ev) - r->pick_us) / 1000,
	    .elapsed_max_ms = p->next_ms,
	};
}

/* The origin is gone, or what it sent cannot be used. */
static void up_failed(struct request *r)
{
	enum reason why = r->up_end;
	struct retry_facts facts = failure_facts(r, why);

	r->up_end = REASON_NONE;
	r->events &= (uint16_t)(REQ_CLIENT_DATA | REQ_CLIENT_ROOM);
	failure_drop_upstream(r, why);
	r->reason = why;
	if (r->head_sent) {
		r->step = STEP_FINISH; /* which aborts the client: the answer is cut short */
		return;
	}
	pipe_clear(&r->down);
	pipe_init(&r->down);
	if (retry_allowed(&facts) && pipe_rewind(&r->up)) {
		stat_add(r->w->slot, STAT_UP_RETRIES, 1);
		r->step = STEP_PICK;
		return;
	}
	(void)request_reply(r, reason_status(why), why);
}

void failure_handle(struct request *r)
{
	if (r->client_end != REASON_NONE)
		client_failed(r);
	else if (r->step == STEP_REPLY || r->step == STEP_FINISH)
		r->up_end = REASON_NONE; /* nobody needs it any more */
	else
		up_failed(r);
}
