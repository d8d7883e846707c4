/* stop: see stop.h. */
#include "master/process/stop.h"

#include "common/check.h"
#include "common/log/log.h"
#include "common/process/sdnotify.h"
#include "master/master.h"
#include "master/ports/ports.h"
#include "master/workers/orphans.h"

static void drain(struct master *m)
{
	m->stage = MASTER_DRAINS;
	log_info("draining", LOG_U64("workers", workers_alive(m->workers)),
		 LOG_U64("most_ms", m->board->conf.worker_shutdown_ms));
	listen_close(&m->listeners, false);
	ports_close(m->ports);
	workers_stop(m->workers, m->board->conf.worker_shutdown_ms);
	stop_check(m);
}

static void end(struct master *m)
{
	m->stage = MASTER_GONE;
	ev_stop(m->ev);
}

static void stage_is_over(struct timer *t)
{
	struct master *m = container_of(t, struct master, stage_timer);

	if (m->stage == MASTER_GRACE)
		drain(m);
	else
		end(m);
}

void stop_init(struct master *m)
{
	timer_init(&m->stage_timer, stage_is_over);
}

/* The cluster knows that this replica is gone, or cannot be told. */
static void sources_stopped(void *arg)
{
	struct master *m = arg;

	m->sources_stopped = true;
	stop_check(m);
}

static void begin(struct master *m)
{
	atomic_store(&m->board->ready, 0);
	atomic_store(&m->board->stopping, 1);
	(void)sdnotify_stopping("draining");
	timer_cancel(ev_timers(m->ev), &m->ready_poll);
	orphans_dismiss(m->board); /* stopped before it was ready: nobody else would */
	m->sources_stopped = m->sources == NULL;
	if (m->sources != NULL)
		sources_stop(m->sources, sources_stopped, m);
}

void stop_asked(struct master *m, bool grace)
{
	switch (m->stage) {
	case MASTER_RUNS:
		begin(m);
		m->stop_patiently = grace;
		if (grace && m->conf.shutdown_grace_ms > 0) {
			m->stage = MASTER_GRACE;
			timer_set(ev_timers(m->ev), &m->stage_timer,
				  ev_now_ms(m->ev) + m->conf.shutdown_grace_ms);
			return;
		}
		drain(m);
		break;
	case MASTER_GRACE:
		timer_cancel(ev_timers(m->ev), &m->stage_timer);
		drain(m);
		break;
	case MASTER_DRAINS:
		log_warn("asked again to stop, cutting what is open");
		m->sources_stopped = true;
		m->stop_patiently = false;
		workers_stop(m->workers, 0);
		upgrade_cut(m);
		stop_check(m);
		break;
	case MASTER_AFTER:
		timer_cancel(ev_timers(m->ev), &m->stage_timer);
		end(m);
		break;
	case MASTER_GONE:
		break;
	}
}

void stop_check(struct master *m)
{
	if (m->stage != MASTER_DRAINS || workers_alive(m->workers) > 0 || !m->sources_stopped ||
	    upgrade_inherited(m) > 0)
		return;
	if (!m->stop_patiently || m->conf.post_shutdown_ms == 0) {
		end(m);
		return;
	}
	m->stage = MASTER_AFTER;
	log_info("stopped serving", LOG_U64("stays_ms", m->conf.post_shutdown_ms));
	timer_set(ev_timers(m->ev), &m->stage_timer, ev_now_ms(m->ev) + m->conf.post_shutdown_ms);
}
