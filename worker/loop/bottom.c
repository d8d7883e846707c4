/* bottom: see bottom.h. */
#include "worker/loop/bottom.h"

#include "common/check.h"
#include "worker/log/access_log.h"
#include "worker/engine.h"
#include "worker/accept/listener.h"
#include "worker/loop/drain.h"

static void adopt(struct worker *w)
{
	uint64_t had = table_version(w->table);

	if (!engine_adopt(w))
		return;
	if (had == 0)
		slot_event(w->slot, "first table, version %llu",
			   (unsigned long long)table_version(w->table));
	if (!w->draining)
		listeners_open_traffic(w->listeners);
}

/* The worker may have slept for long: what it does now it does by the newest table. */
static void top(void *arg)
{
	const struct loop *l = arg;

	adopt(l->w);
}

static void bottom(void *arg)
{
	struct loop *l = arg;
	struct worker *w = l->w;

	adopt(w);
	access_log_flush(w->access_log);
	atomic_store_explicit(&w->slot->heartbeat_ms, ev_now_ms(w->ev), memory_order_relaxed);
	slot_add(&w->slot->turns, 1);
	if (w->draining)
		drain_check(l);
}

static void tick(struct timer *t)
{
	struct loop *l = container_of(t, struct loop, tick);

	timer_set(l->w->timers, &l->tick, ev_now_ms(l->w->ev) + TICK_MS);
}

void bottom_start(struct loop *l)
{
	timer_init(&l->tick, tick);
	tick(&l->tick);
	ev_set_top(l->w->ev, top, l);
	ev_set_bottom(l->w->ev, bottom, l);
	bottom(l); /* a table that is there already is used from the first turn on */
}
