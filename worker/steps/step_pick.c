/*
 * step pick: the endpoint of this try, from the table version that is current now.
 */
#include "worker/affinity/canary.h"
#include "worker/affinity/sticky.h"
#include "common/table/cluster_kind.h"
#include "worker/request/driver.h"
#include "worker/upstream/pick.h"
#include "worker/vars/vars.h"

/* For the access log; the table's own bytes may be gone when it is written. */
static void keep_name(struct request *r, const struct cluster_view *c)
{
	if (r->cluster.n == 0)
		r->cluster = arena_str(&r->arena, c->name);
}

/* What is hashed: one value a request, so that its other tries mean the same. False: memory is
 * out. */
static bool make_key(struct request *r, const struct cluster_view *c, struct pick_ask *ask)
{
	ask->subset = c->opts->subset;
	if (c->balance != BALANCE_HASH)
		return true;
	if (r->hash_key.p == NULL) {
		if (!vars_eval(c->hash, r, &r->hash_key))
			return false;
		if (r->hash_key.p == NULL)
			r->hash_key = STR("");
	}
	ask->key = r->hash_key;
	return true;
}

/* Whose affinity holds: the cluster's own, or its primary's when it is a canary. */
static bool is_sticky(struct request *r, const struct cluster_view *c, struct sticky *s)
{
	struct cluster_view primary;

	if (r->canary.n == 0)
		return sticky_read(c, s);
	return r->sticky_cluster != 0 && table_cluster(r->w->table, r->sticky_cluster, &primary) &&
	       sticky_read(&primary, s);
}

static bool pick(struct request *r, const struct cluster_view *c, struct addr *out)
{
	struct addr tried[REQUEST_TRIES_MAX];
	struct pick_ask ask = {.tried = tried,
			       .n_tried = r->n_tries,
			       .now_ms = ev_now_ms(r->w->ev),
			       .eject = r->w->eject};

	struct sticky s;

	for (unsigned i = 0; i < r->n_tries; i++)
		tried[i] = r->tries[i].addr;
	if (is_sticky(r, c, &s))
		return sticky_pick(r, &s, c, &ask, out);
	return make_key(r, c, &ask) && pick_endpoint(r->w->picker, c, &ask, out);
}

enum step_next step_pick(struct request *r)
{
	struct cluster_view c;
	struct try_record *t;
	struct addr to;

	if (r->pick_us == 0)
		r->pick_us = ev_now_us(r->w->ev);
	if (!table_cluster(r->w->table, r->route.cluster, &c))
		return request_reply(r, 503, REASON_NO_ENDPOINT);
	keep_name(r, &c);
	if (r->n_tries == 0 && r->instead == 0)
		canary_decide(r, &c);
	if (!pick(r, &c, &to))
		return request_reply(r, 503, REASON_NO_ENDPOINT);
	t = &r->tries[r->n_tries]; /* retry_allowed() keeps n_tries below the maximum */
	*t = (struct try_record){.addr = to, .start_us = ev_now_us(r->w->ev)};
	r->protocol = c.protocol;
	r->judged = c.opts->eject_after != 0 || c.balance == BALANCE_EWMA;
	r->n_tries++;
	return STEP_NEXT;
}
