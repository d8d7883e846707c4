/* drain: see drain.h. */
#include "worker/loop/drain.h"

#include "common/check.h"
#include "common/log/log.h"
#include "worker/accept/client.h"
#include "worker/accept/listener.h"
#include "worker/mirror/mirror.h"
#include "worker/stream/stream_port.h"
#include "worker/stream/udp.h"

static unsigned connections(const struct worker *w)
{
	return (unsigned)(atomic_load_explicit(&w->slot->stats[STAT_CONN_ACTIVE],
					       memory_order_relaxed) +
			  udp_sessions(w));
}

static void time_is_over(struct timer *t)
{
	struct loop *l = container_of(t, struct loop, cut);

	log_warn("drain time is over, cutting connections",
		 LOG_U64("connections", connections(l->w)));
	client_cut_all(l->w);
}

static void deadline(struct loop *l, uint64_t at_ms)
{
	struct worker *w = l->w;

	if (w->drain_by_ms != 0 && w->drain_by_ms <= at_ms)
		return;
	w->drain_by_ms = at_ms;
	timer_set(w->timers, &l->cut, at_ms);
}

void drain_begin(struct loop *l, uint64_t timeout_ms, bool stop)
{
	struct worker *w = l->w;

	if (!w->draining) {
		w->draining = true;
		timer_init(&l->cut, time_is_over);
		l->chan.state = MSG_IN_D;
		atomic_store(&w->slot->state, SLOT_DRAINING);
		slot_event(w->slot, "draining, %u connections", connections(w));
		listeners_close(w->listeners, !stop);
		stream_ports_drain(w);
		udp_drain(w);
		client_drain(w);
	}
	deadline(l, ev_now_ms(w->ev) + timeout_ms);
}

void drain_check(struct loop *l)
{
	if (connections(l->w) > 0)
		return;
	mirror_stop(l->w);
	if (!l->orphan)
		(void)msg_send(&l->chan, MSG_DRAINED, NULL, 0, -1);
	ev_stop(l->w->ev);
}
