/*
 * eject: see eject.h. A hash table of fixed size without chains: an entry lies in one of WINDOW
 * places from where its hash says; nothing is moved, so that taking one out needs no care.
 */
#include "worker/upstream/eject.h"

#include <stdlib.h>

#include "common/check.h"
#include "common/hash.h"
#include "common/log/log.h"
#include "common/loop/timer.h"

#define PLACES 1024u /* power of two; endpoints of this worker that failed lately */
#define WINDOW 8u

struct entry {
	uint64_t cluster; /* 0: free */
	struct addr addr;
	uint16_t failures; /* in a row */
	uint16_t times;    /* it was ejected, not forgiven yet */
	bool out;
	uint64_t until_ms; /* out: when it comes back; else when it is forgiven */
	uint64_t used_ms;
};

struct eject {
	struct ev *ev;
	struct slot *slot;
	struct timer back; /* when the next one comes back */
	uint32_t n, n_out;
	struct entry places[PLACES + WINDOW];
};

static timer_fn on_time;

struct eject *eject_new(struct ev *ev, struct slot *slot)
{
	struct eject *e = calloc(1, sizeof(*e));

	if (e == NULL)
		return NULL;
	e->ev = ev;
	e->slot = slot;
	timer_init(&e->back, on_time);
	return e;
}

void eject_free(struct eject *e)
{
	if (e == NULL)
		return;
	timer_cancel(ev_timers(e->ev), &e->back);
	stat_sub(e->slot, STAT_EJECTED, e->n_out);
	free(e);
}

static uint32_t place_of(uint64_t cluster, const struct addr *a)
{
	return (uint32_t)hash_str(str_make((const char *)a, sizeof(*a)), cluster) & (PLACES - 1);
}

static const struct entry *find(const struct eject *e, uint64_t cluster, const struct addr *a)
{
	uint32_t at = place_of(cluster, a);

	for (uint32_t i = at; i < at + WINDOW; i++)
		if (e->places[i].cluster == cluster && addr_eq(&e->places[i].addr, a))
			return &e->places[i];
	return NULL;
}

static struct entry *find_own(struct eject *e, uint64_t cluster, const struct addr *a)
{
	const struct entry *t = find(e, cluster, a);

	return t == NULL ? NULL : &e->places[t - e->places];
}

bool eject_any(const struct eject *e)
{
	return e != NULL && e->n_out > 0;
}

bool eject_is_out(const struct eject *e, uint64_t cluster, const struct addr *a)
{
	const struct entry *t;

	if (e == NULL || e->n_out == 0)
		return false;
	t = find(e, cluster, a);
	return t != NULL && t->out;
}

uint64_t eject_until_ms(const struct eject *e, uint64_t cluster, const struct addr *a)
{
	const struct entry *t = find(e, cluster, a);

	return t != NULL && t->out ? t->until_ms : 0;
}

static void drop(struct eject *e, struct entry *t)
{
	*t = (struct entry){0};
	e->n--;
}

/* A free place, or that of who failed longest ago and is not out; NULL: all neighbours are out. */
static struct entry *make_place(struct eject *e, uint32_t at)
{
	struct entry *oldest = NULL;

	for (uint32_t i = at; i < at + WINDOW; i++) {
		struct entry *t = &e->places[i];

		if (t->cluster == 0)
			return t;
		if (!t->out && (oldest == NULL || t->used_ms < oldest->used_ms))
			oldest = t;
	}
	if (oldest != NULL)
		drop(e, oldest);
	return oldest;
}

static struct entry *take(struct eject *e, uint64_t cluster, const struct addr *a)
{
	struct entry *t = find_own(e, cluster, a);

	if (t != NULL)
		return t;
	t = make_place(e, place_of(cluster, a));
	if (t == NULL)
		return NULL;
	*t = (struct entry){.cluster = cluster, .addr = *a};
	e->n++;
	return t;
}

/* Of the endpoints that would be picked, as many may be out. */
static bool share_left(const struct eject *e, const struct cluster_view *c)
{
	uint8_t level = ENDPOINT_DOWN;
	uint32_t all = 0, out = 0, most;

	for (uint32_t i = 0; i < c->n_endpoints; i++) {
		const struct table_endpoint *p = &c->endpoints[i];

		if (p->state > level)
			continue;
		if (p->state < level)
			all = out = 0;
		level = p->state;
		all++;
		out += eject_is_out(e, c->id, &p->addr);
	}
	most = (uint32_t)((uint64_t)all * c->opts->eject_share / 100);
	if (most == 0)
		most = 1;
	return out < most && out + 1 < all;
}

static uint64_t time_out(const struct cluster_opts *o, uint16_t times)
{
	uint64_t ms = o->eject_ms;

	while (times-- > 1 && ms < o->eject_max_ms)
		ms *= 2;
	return ms < o->eject_max_ms ? ms : o->eject_max_ms;
}

static void put_out(struct eject *e, const struct cluster_view *c, struct entry *t, uint64_t now)
{
	uint64_t ms;

	if (t->times < UINT16_MAX)
		t->times++;
	ms = time_out(c->opts, t->times);
	t->out = true;
	t->failures = 0;
	t->until_ms = now + ms;
	e->n_out++;
	stat_add(e->slot, STAT_EJECTIONS, 1);
	stat_add(e->slot, STAT_EJECTED, 1);
	log_warn("endpoint ejected", LOG_STR("backend", c->name), LOG_ADDR("address", &t->addr),
		 LOG_U64("failures", c->opts->eject_after), LOG_U64("for_ms", ms));
	if (!timer_armed(&e->back) || e->back.due > t->until_ms)
		timer_set(ev_timers(e->ev), &e->back, t->until_ms);
}

void eject_failed(struct eject *e, const struct cluster_view *c, const struct addr *a)
{
	uint64_t now = ev_now_ms(e->ev);
	struct entry *t;

	if (c->opts->eject_after == 0)
		return;
	t = take(e, c->id, a);
	if (t == NULL || t->out) /* out: what was under way when it was ejected */
		return;
	if (t->times > 0 && now >= t->until_ms)
		t->times = 0;
	t->used_ms = now;
	if (t->failures < UINT16_MAX)
		t->failures++;
	if (t->failures >= c->opts->eject_after && share_left(e, c))
		put_out(e, c, t, now);
}

void eject_succeeded(struct eject *e, uint64_t cluster, const struct addr *a)
{
	struct entry *t;

	if (e->n == 0)
		return;
	t = find_own(e, cluster, a);
	if (t == NULL || t->out)
		return;
	t->failures = 0;
	if (t->times == 0 || ev_now_ms(e->ev) >= t->until_ms)
		drop(e, t);
}

static void come_back(struct eject *e, struct entry *t, uint64_t now)
{
	t->out = false;
	t->until_ms = now + (now - t->used_ms); /* as long as it was out */
	e->n_out--;
	stat_sub(e->slot, STAT_EJECTED, 1);
	log_info("endpoint tried again", LOG_ADDR("address", &t->addr));
}

static void on_time(struct timer *timer)
{
	struct eject *e = container_of(timer, struct eject, back);
	uint64_t now = ev_now_ms(e->ev), next = UINT64_MAX;

	for (uint32_t i = 0; i < PLACES + WINDOW; i++) {
		struct entry *t = &e->places[i];

		if (t->out && t->until_ms <= now)
			come_back(e, t, now);
		else if (t->out && t->until_ms < next)
			next = t->until_ms;
	}
	if (next != UINT64_MAX)
		timer_set(ev_timers(e->ev), &e->back, next);
}

enum eject_outcome eject_outcome(enum reason why, uint16_t status, bool stale)
{
	switch (why) {
	case REASON_NONE:
	case REASON_DONE:
	case REASON_UP_STATUS:
	case REASON_TUNNEL_DONE:
		return status == 0 ? EJECT_NEITHER : status >= 500 ? EJECT_5XX : EJECT_SUCCESS;
	case REASON_UP_RESET:
		return stale ? EJECT_NEITHER : EJECT_FAILURE;
	case REASON_CONNECT_FAILED:
	case REASON_CONNECT_TIMEOUT:
	case REASON_UP_TLS:
	case REASON_UP_SEND_TIMEOUT:
	case REASON_UP_READ_TIMEOUT:
	case REASON_UP_BAD_HEAD:
	case REASON_UP_HEAD_TOO_LARGE:
		return EJECT_FAILURE;
	default:
		return EJECT_NEITHER;
	}
}
