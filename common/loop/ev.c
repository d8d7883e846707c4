/*
 * ev: see ev.h. The parts of the loop that do not depend on how one waits.
 *
 * A turn in this order: interests -> wait -> clock -> top -> timers -> descriptors -> tasks ->
 * bottom.
 * Tasks posted while tasks run belong to the next turn, so a turn's work is bounded by what was
 * ready when it began, whatever callbacks do.
 */
#include "common/loop/ev.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/check.h"
#include "common/loop/ev_ops.h"

#define EV_MAGIC 0xe7100bu

bool ev_backend_parse(const char *name, enum ev_backend *out)
{
	if (strcmp(name, "epoll") == 0)
		*out = EV_BACKEND_EPOLL;
	else if (strcmp(name, "poll") == 0)
		*out = EV_BACKEND_POLL;
	else
		return false;
	return true;
}

static void read_clock(struct ev *ev)
{
	struct timespec ts;

	CHECK(clock_gettime(CLOCK_MONOTONIC, &ts) == 0);
	ev->now_us = (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
	ev->now_ms = ev->now_us / 1000;
}

struct ev *ev_new(enum ev_backend backend)
{
	struct ev *ev = backend == EV_BACKEND_EPOLL ? ev_epoll_new() : ev_poll_new();

	if (ev == NULL)
		return NULL;
	ev->magic = EV_MAGIC;
	TAILQ_INIT(&ev->tasks);
	TAILQ_INIT(&ev->paused);
	read_clock(ev);
	ev->timers = timer_wheel_new(ev->now_ms);
	if (ev->timers == NULL) {
		ev->ops->free(ev);
		return NULL;
	}
	return ev;
}

void ev_free(struct ev *ev)
{
	if (ev == NULL)
		return;
	CHECK_MAGIC(ev, EV_MAGIC);
	CHECK(!ev->in_turn);
	timer_wheel_free(ev->timers);
	ev->magic = 0;
	ev->ops->free(ev);
}

static int add(struct ev *ev, struct ev_fd *f, int fd, unsigned want, ev_fd_fn *fn, bool shared)
{
	CHECK_MAGIC(ev, EV_MAGIC);
	CHECK(fd >= 0 && fn != NULL && f->fn == NULL);
	*f = (struct ev_fd){.fd = fd, .want = (uint8_t)want, .shared = shared};
	if (ev->ops->add(ev, f) == -1) {
		f->fd = -1;
		return -1;
	}
	f->applied = (uint8_t)want;
	f->fn = fn;
	ev->n_fds++;
	return 0;
}

int ev_add(struct ev *ev, struct ev_fd *f, int fd, unsigned want, ev_fd_fn *fn)
{
	return add(ev, f, fd, want, fn, false);
}

int ev_add_shared(struct ev *ev, struct ev_fd *f, int fd, unsigned want, ev_fd_fn *fn)
{
	return add(ev, f, fd, want, fn, true);
}

/* A backend that cannot tell the kernel now queues f again: its place is behind the cursor. */
static void apply_pending(struct ev *ev)
{
	uint32_t n = ev->n_pending;

	ev->n_pending = 0;
	for (uint32_t i = 0; i < n; i++) {
		struct ev_fd *f = ev->pending[i];

		if (f == NULL)
			continue;
		f->queued = false;
		if (f->want != f->applied)
			ev->ops->apply(ev, f);
	}
}

void ev_queue(struct ev *ev, struct ev_fd *f)
{
	CHECK(f->fn != NULL && !f->queued);
	if (ev->n_pending == EV_PENDING)
		apply_pending(ev);
	f->queued = true;
	f->pending = ev->n_pending;
	ev->pending[ev->n_pending++] = f;
}

static void del(struct ev *ev, struct ev_fd *f, bool closing)
{
	if (f->fn == NULL)
		return;
	if (f->queued)
		ev->pending[f->pending] = NULL;
	ev->ops->del(ev, f, closing);
	ev->n_fds--;
	*f = EV_FD_NONE;
}

void ev_del(struct ev *ev, struct ev_fd *f)
{
	del(ev, f, false);
}

void ev_del_closing(struct ev *ev, struct ev_fd *f)
{
	del(ev, f, true);
}

void ev_move(struct ev *ev, struct ev_fd *from, struct ev_fd *to, ev_fd_fn *fn)
{
	CHECK(from->fn != NULL && !from->shared && to->fn == NULL);
	*to = *from;
	to->fn = fn;
	if (to->queued)
		ev->pending[to->pending] = to;
	ev->ops->move(ev, to);
	*from = EV_FD_NONE;
}

void ev_post(struct ev *ev, struct ev_task *t)
{
	if (t->posted)
		return;
	t->posted = true;
	TAILQ_INSERT_TAIL(&ev->tasks, t, link);
}

void ev_post_paused(struct ev *ev, struct ev_task *t, unsigned us)
{
	CHECK(us > 0 && us < 1000000);
	if (t->posted)
		return;
	t->posted = true;
	t->paused = true;
	if (TAILQ_EMPTY(&ev->paused) || us < ev->pause_us)
		ev->pause_us = us;
	TAILQ_INSERT_TAIL(&ev->paused, t, link);
}

void ev_unpost(struct ev *ev, struct ev_task *t)
{
	if (!t->posted)
		return;
	TAILQ_REMOVE(t->paused ? &ev->paused : &ev->tasks, t, link);
	t->posted = false;
	t->paused = false;
}

void ev_set_top(struct ev *ev, void (*fn)(void *arg), void *arg)
{
	ev->top = fn;
	ev->top_arg = arg;
}

void ev_set_bottom(struct ev *ev, void (*fn)(void *arg), void *arg)
{
	ev->bottom = fn;
	ev->bottom_arg = arg;
}

struct timer_wheel *ev_timers(struct ev *ev)
{
	return ev->timers;
}

uint64_t ev_now_ms(const struct ev *ev)
{
	return ev->now_ms;
}

uint64_t ev_now_us(const struct ev *ev)
{
	return ev->now_us;
}

uint64_t ev_ctl_calls(const struct ev *ev)
{
	return ev->ctl_calls;
}

/* Up to a fence: what tasks post lies behind it. */
static int run_tasks(struct ev *ev)
{
	struct ev_task fence = {.posted = true};
	struct ev_task *t;
	int n = 0;

	if (TAILQ_EMPTY(&ev->tasks))
		return 0;
	TAILQ_INSERT_TAIL(&ev->tasks, &fence, link);
	while ((t = TAILQ_FIRST(&ev->tasks)) != &fence) {
		TAILQ_REMOVE(&ev->tasks, t, link);
		t->posted = false;
		t->fn(t);
		n++;
	}
	TAILQ_REMOVE(&ev->tasks, &fence, link);
	return n;
}

/* The pauses are over. */
static void end_pauses(struct ev *ev)
{
	struct ev_task *t;

	TAILQ_FOREACH (t, &ev->paused, link)
		t->paused = false;
	TAILQ_CONCAT(&ev->tasks, &ev->paused, link);
}

/* How long the wait may last, in microseconds: -1 = until something happens. */
static int64_t wait_us(const struct ev *ev, int max_wait_ms)
{
	int64_t us = max_wait_ms == -1 ? -1 : (int64_t)max_wait_ms * 1000;
	int64_t timer;

	if (!TAILQ_EMPTY(&ev->tasks))
		return 0;
	timer = timer_next(ev->timers, ev->now_ms);
	if (timer != -1 && (us == -1 || timer < us / 1000))
		us = timer * 1000;
	if (!TAILQ_EMPTY(&ev->paused) && (us == -1 || ev->pause_us < us))
		us = ev->pause_us;
	return us;
}

int ev_turn(struct ev *ev, int max_wait_ms)
{
	int ready, calls = 0;

	CHECK_MAGIC(ev, EV_MAGIC);
	CHECK(!ev->in_turn);
	ev->in_turn = true;
	if (ev->n_pending > 0)
		apply_pending(ev);
	ready = ev->ops->wait(ev, wait_us(ev, max_wait_ms));
	read_clock(ev);
	if (!TAILQ_EMPTY(&ev->paused))
		end_pauses(ev);
	if (ev->top != NULL)
		ev->top(ev->top_arg);
	if (timer_next(ev->timers, ev->now_ms) == 0)
		calls += (int)timer_run(ev->timers, ev->now_ms);
	if (ready > 0)
		calls += ev->ops->deliver(ev);
	calls += run_tasks(ev);
	if (ev->bottom != NULL)
		ev->bottom(ev->bottom_arg);
	ev->in_turn = false;
	return calls;
}

void ev_run(struct ev *ev)
{
	while (!ev->stop)
		(void)ev_turn(ev, -1);
	ev->stop = false;
}

void ev_stop(struct ev *ev)
{
	ev->stop = true;
}
