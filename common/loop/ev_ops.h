/*
 * ev_ops: what a backend of the loop is. Private to common/ev*.c.
 *
 * A backend embeds struct ev as its first member and implements struct ev_ops; ev.c owns
 * registration, the queue of interests, tasks, timers and the order of a turn. Delivery is
 * inline, so that an event costs one indirect call: the owner's.
 */
#ifndef SILEX_COMMON_LOOP_EV_OPS_H
#define SILEX_COMMON_LOOP_EV_OPS_H

#include "common/loop/ev.h"
#include "common/loop/timer.h"

#define EV_PENDING 256 /* interests queued at most; when full they are applied at once */

TAILQ_HEAD(ev_tasks, ev_task);

struct ev_ops {
	/* Release what the backend holds, the struct included. */
	void (*free)(struct ev *ev);
	/* Make f known with f->want. 0, or -1 with errno. */
	int (*add)(struct ev *ev, struct ev_fd *f);
	/* Tell the kernel f->want where it differs from f->applied, and set f->applied. */
	void (*apply)(struct ev *ev, struct ev_fd *f);
	/* Forget f and its undelivered event. closing: the descriptor is closed next. */
	void (*del)(struct ev *ev, struct ev_fd *f, bool closing);
	/* `to` is a copy of the registered `from` and takes its place. */
	void (*move)(struct ev *ev, struct ev_fd *to);
	/* Wait for events at most timeout_us (-1: for ever; what the system cannot count is rounded
	 * up), keep them. Returns how many (0: none, or a signal). */
	int (*wait)(struct ev *ev, int64_t timeout_us);
	/* Deliver what wait() kept, by ev_deliver(). Returns the number of callbacks. */
	int (*deliver)(struct ev *ev);
};

struct ev {
	unsigned magic;
	bool in_turn;
	bool stop;
	const struct ev_ops *ops;
	uint64_t now_us, now_ms;
	struct timer_wheel *timers;
	struct ev_tasks tasks;
	struct ev_tasks paused; /* become tasks after the next wait */
	unsigned pause_us;      /* the shortest of theirs */
	void (*top)(void *arg);
	void *top_arg;
	void (*bottom)(void *arg);
	void *bottom_arg;
	uint64_t ctl_calls;
	uint32_t n_fds;
	uint32_t n_pending;
	struct ev_fd *pending[EV_PENDING];
};

/* Backends: NULL with errno. */
struct ev *ev_epoll_new(void);
struct ev *ev_poll_new(void);

/*
 * Hand an event to its owner. What is not wanted (any more) is not delivered; the kernel, which
 * would report it again every turn, is told before the next wait. Returns the callbacks made.
 */
static inline int ev_deliver(struct ev *ev, struct ev_fd *f, unsigned ready)
{
	unsigned wanted = ready & (f->want | (unsigned)EV_HUP);

	if (ready != wanted && !f->queued)
		ev_queue(ev, f);
	if (wanted == 0)
		return 0;
	f->fn(f, wanted);
	return 1;
}

#endif
