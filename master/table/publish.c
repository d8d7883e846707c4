/* publish: see publish.h. */
#include "master/table/publish.h"

#include <errno.h>
#include <stdlib.h>

#include "common/check.h"
#include "common/loop/timer.h"

#define RECLAIM_MS 1000

struct publisher {
	struct table_writer *w;
	struct ev *ev;
	unsigned quiet_ms;
	publish_fn *fn;
	void *arg;
	struct timer due;     /* armed while changes wait */
	struct timer reclaim; /* always armed */
	uint64_t last_ms;     /* of the last publication; 0 = none yet */
	uint64_t since_us;    /* when the oldest change that waits came; 0: none waits */
};

static void publish_now(struct publisher *p)
{
	uint64_t version;

	timer_cancel(ev_timers(p->ev), &p->due);
	table_stamp(p->w, p->since_us);
	version = table_publish(p->w);
	if (version != 0)
		p->since_us = 0;
	p->last_ms = ev_now_ms(p->ev);
	p->fn(p->arg, version, version == 0 ? errno : 0);
}

static void on_due(struct timer *t)
{
	publish_now(container_of(t, struct publisher, due));
}

static void on_reclaim(struct timer *t)
{
	struct publisher *p = container_of(t, struct publisher, reclaim);

	table_reclaim(p->w);
	timer_set(ev_timers(p->ev), t, ev_now_ms(p->ev) + RECLAIM_MS);
}

struct publisher *publisher_new(struct table_writer *w, struct ev *ev, unsigned quiet_ms,
				publish_fn *fn, void *arg)
{
	struct publisher *p = calloc(1, sizeof(*p));

	if (p == NULL)
		return NULL;
	*p = (struct publisher){.w = w, .ev = ev, .quiet_ms = quiet_ms, .fn = fn, .arg = arg};
	timer_init(&p->due, on_due);
	timer_init(&p->reclaim, on_reclaim);
	timer_set(ev_timers(ev), &p->reclaim, ev_now_ms(ev) + RECLAIM_MS);
	return p;
}

void publisher_free(struct publisher *p)
{
	if (p == NULL)
		return;
	timer_cancel(ev_timers(p->ev), &p->due);
	timer_cancel(ev_timers(p->ev), &p->reclaim);
	free(p);
}

void publisher_changed(struct publisher *p)
{
	uint64_t open = p->last_ms + p->quiet_ms;

	if (p->since_us == 0)
		p->since_us = ev_now_us(p->ev);
	if (timer_armed(&p->due))
		return;
	if (p->last_ms == 0 || ev_now_ms(p->ev) >= open)
		publish_now(p);
	else
		timer_set(ev_timers(p->ev), &p->due, open);
}

void publisher_flush(struct publisher *p)
{
	publish_now(p);
}

void publisher_failed(struct publisher *p, int err)
{
	timer_cancel(ev_timers(p->ev), &p->due);
	table_rollback(p->w);
	p->fn(p->arg, 0, err);
}
