/*
 * ev: the readiness loop under every Silex process.
 *
 * Two backends behind one interface, chosen at run time: epoll (default on Linux) and poll
 * (everywhere). Both are level-triggered to the owner. Interest is a plain store: adding a bit
 * queues one epoll_ctl before the next wait, removing a bit costs nothing until an unwanted
 * event shows up, so a keep-alive connection lives its whole life without an epoll_ctl.
 *
 * One turn: apply interest -> wait -> clock -> top -> timers -> descriptors -> tasks -> bottom.
 * Callbacks may add, change and delete any descriptor, timer or task, their own included; an
 * event that was fetched for a descriptor deleted meanwhile is never delivered.
 * What must not happen here: blocking, and knowledge of what a descriptor is for.
 */
#ifndef SILEX_COMMON_LOOP_EV_H
#define SILEX_COMMON_LOOP_EV_H

#include <bsd/sys/queue.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum ev_ready {
	EV_READ = 1,
	EV_WRITE = 2,
	EV_HUP = 4, /* both directions dead or a socket error; delivered whether wanted or not, and
		     * again every turn until the owner reads the error or deletes the descriptor */
};

struct ev;
struct ev_fd;
struct ev_task;

typedef void ev_fd_fn(struct ev_fd *f, unsigned ready);
typedef void ev_task_fn(struct ev_task *t);

/* Embedded in its owner (container_of); zero-initialised or EV_FD_NONE when not registered. */
struct ev_fd {
	ev_fd_fn *fn;     /* NULL when not registered */
	int fd;           /* -1 when not registered */
	uint32_t place;   /* backend's own: index in its table or batch */
	uint32_t pending; /* index among the interests to apply, while queued */
	uint8_t want;     /* EV_READ | EV_WRITE as the owner wishes */
	uint8_t applied;  /* what the kernel was told */
	bool queued : 1;  /* waiting for its interest to be applied */
	bool batched : 1; /* an event of this turn is still to be delivered */
	bool shared : 1;  /* registered with ev_add_shared() */
};
_Static_assert(sizeof(struct ev_fd) == 24, "every idle connection pays for this struct");

#define EV_FD_NONE ((struct ev_fd){.fd = -1})

/* A deferred call: runs once, in this turn after the descriptors; in the next turn, which then
 * does not wait, when it is posted by a task or at the bottom. */
struct ev_task {
	ev_task_fn *fn;
	bool posted : 1;
	bool paused : 1; /* posted with a pause that is not over yet */
	TAILQ_ENTRY(ev_task) link;
};

enum ev_backend {
	EV_BACKEND_EPOLL,
	EV_BACKEND_POLL
};

/* "epoll" or "poll"; false for any other name. */
bool ev_backend_parse(const char *name, enum ev_backend *out);

/* A new loop, or NULL with errno (EMFILE, ENOMEM, ENOSYS for a backend this system lacks). */
struct ev *ev_new(enum ev_backend backend);
void ev_free(struct ev *ev);

/* Register fd, which the caller keeps owning. Returns 0, or -1 with errno. */
int ev_add(struct ev *ev, struct ev_fd *f, int fd, unsigned want, ev_fd_fn *fn);
/* As ev_add, for a listening socket that several processes wait on: one of them is woken per
 * connection where the backend can (EPOLLEXCLUSIVE), all of them where it cannot. */
int ev_add_shared(struct ev *ev, struct ev_fd *f, int fd, unsigned want, ev_fd_fn *fn);
/* Have f's interest applied before the next wait; only ev_want() needs it. */
void ev_queue(struct ev *ev, struct ev_fd *f);
/* Change the interest of a registered f: a store. What is no longer wanted is not delivered from
 * now on, an event already fetched included. */
static inline void ev_want(struct ev *ev, struct ev_fd *f, unsigned want)
{
	f->want = (uint8_t)want;
	if ((want & ~(unsigned)f->applied) != 0 && !f->queued)
		ev_queue(ev, f);
}
/* Forget f. Call before close(fd). Nothing of f is touched afterwards. Idempotent. */
void ev_del(struct ev *ev, struct ev_fd *f);
/* As ev_del, for a descriptor that is closed in the next statement: saves the epoll_ctl. Must
 * not be used where another process or dup holds the same open file. */
void ev_del_closing(struct ev *ev, struct ev_fd *f);

/* The registration goes from one owner to another, who was not registered; what is still to be
 * delivered goes to fn. From then on `from` is not registered. */
void ev_move(struct ev *ev, struct ev_fd *from, struct ev_fd *to, ev_fd_fn *fn);

void ev_post(struct ev *ev, struct ev_task *t); /* idempotent while posted */
/*
 * As ev_post() at the bottom, but the next turn may wait for us microseconds (1 to 999999; the
 * kernel adds its timer slack) before: for long work in small pieces, which leaves the CPU to
 * others between them. Whatever happens meanwhile ends the pause: who has other work to do gains
 * nothing by it.
 */
void ev_post_paused(struct ev *ev, struct ev_task *t, unsigned us);
void ev_unpost(struct ev *ev, struct ev_task *t); /* idempotent */

/* Called right after every wait, the clock read, before anything is delivered. */
void ev_set_top(struct ev *ev, void (*fn)(void *arg), void *arg);
/* Called at the bottom of every turn, outside any callback. */
void ev_set_bottom(struct ev *ev, void (*fn)(void *arg), void *arg);

/* The loop's timer wheel (timer.h) and its clock, read once per turn: milliseconds and
 * microseconds of CLOCK_MONOTONIC. */
struct timer_wheel *ev_timers(struct ev *ev);
uint64_t ev_now_ms(const struct ev *ev);
uint64_t ev_now_us(const struct ev *ev);

/* Changes of interest the kernel was told of, since ev_new(): for tests and the event ring. */
uint64_t ev_ctl_calls(const struct ev *ev);

/* One turn; waits at most max_wait_ms (-1: until something happens). Returns the number of
 * callbacks made: descriptors, timers and tasks. Never call it from a callback. */
int ev_turn(struct ev *ev, int max_wait_ms);
/* Turns until ev_stop(). */
void ev_run(struct ev *ev);
void ev_stop(struct ev *ev);

#endif
