/*
 * step finish: the one place where requests end: reason, counters, histogram, access log, and
 * what becomes of the connections.
 */
#include "common/check.h"
#include "worker/auth/auth.h"
#include "worker/basic/basic.h"
#include "worker/log/access_log.h"
#include "worker/mirror/mirror.h"
#include "worker/request/driver.h"
#include "worker/request/failure.h"
#include "worker/metrics/count.h"

static void count_status(struct slot *slot, uint16_t status)
{
	static const enum stat_id class[6] = {[2] = STAT_STATUS_2XX,
					      [3] = STAT_STATUS_3XX,
					      [4] = STAT_STATUS_4XX,
					      [5] = STAT_STATUS_5XX};

	if (status >= 200 && status < 600)
		stat_add(slot, class[status / 100], 1);
	else if (status == 101)
		stat_add(slot, STAT_STATUS_1XX, 1);
}

static void measure(const struct request *r)
{
	const struct try_record *t = &r->tries[r->n_tries - 1];

	hist_record(&r->w->slot->request_us, ev_now_us(r->w->ev) - r->start_us);
	if (t->end_us >= t->start_us)
		hist_record(&r->w->slot->upstream_us, t->end_us - t->start_us);
}

/* A question to an auth service, and a copy, is part of the request that it is about. */
static void count(const struct request *r)
{
	struct slot *slot = r->w->slot;

	if (r->role != ROLE_HEALTHZ) {
		stat_add(slot, STAT_REQ_TOTAL, 1);
		count_status(slot, r->status);
	}
	reason_count(slot, r->reason);
	if (r->n_tries > 0)
		measure(r);
}

enum step_next step_finish(struct request *r)
{
	struct worker *w = r->w;
	struct side *client = r->client;

	CHECK(r->reason != REASON_NONE);
	failure_drop_upstream(r, r->reason);
	if (!r->aside)
		count(r);
	if (r->basic != NULL)
		basic_forget(r);
	if (r->auth != NULL)
		auth_forget(r);
	if (r->up.tapped)
		mirror_leave(r);
	if (r->limit_key != 0)
		limit_count_leave(&w->slot->counts, r->limit_key);
	if (r->series != 0)
		counter_record(w->counter, r);
	if (!r->quiet)
		access_log_request(w->access_log, r);
	r->client = NULL;
	if (r->client_sent)
		client->ops->detach(client);
	else
		client->ops->abort(client, r->reason);
	request_free(r);
	return STEP_END;
}
