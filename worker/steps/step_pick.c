/*
 * step pick: the endpoint of this try, from the table version that is current now.
 */
#include "worker/request/driver.h"
#include "worker/upstream/pick.h"

/* For the access log; the table's own bytes may be gone when it is written. */
static void keep_name(struct request *r, const struct cluster_view *c)
{
	if (r->cluster.n == 0)
		r->cluster = arena_str(&r->arena, c->name);
}

enum step_next step_pick(struct request *r)
{
	struct addr tried[REQUEST_TRIES_MAX];
	struct pick_ask ask = {.tried = tried,
			       .n_tried = r->n_tries,
			       .now_ms = ev_now_ms(r->w->ev),
			       .eject = r->w->eject};
	struct cluster_view c;
	struct try_record *t;

	if (r->pick_us == 0)
		r->pick_us = ev_now_us(r->w->ev);
	if (!table_cluster(r->w->table, r->route.cluster, &c))
		return request_reply(r, 503, REASON_NO_ENDPOINT);
	keep_name(r, &c);
	for (unsigned i = 0; i < r->n_tries; i++)
		tried[i] = r->tries[i].addr;
	t = &r->tries[r->n_tries]; /* retry_allowed() keeps n_tries below the maximum */
	*t = (struct try_record){.start_us = ev_now_us(r->w->ev)};
	if (!pick_endpoint(r->w->picker, &c, &ask, &t->addr))
		return request_reply(r, 503, REASON_NO_ENDPOINT);
	r->protocol = c.protocol;
	r->ejects = c.opts->eject_after != 0;
	r->n_tries++;
	return STEP_NEXT;
}
