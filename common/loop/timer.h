/*
 * timer: a hierarchical timing wheel with one-millisecond slots; set, move and cancel are O(1).
 *
 * Deadlines are moved lazily: pushing a deadline further away (the common case, on every byte
 * of progress) is one store, the wheel finds out when the old slot comes up and files the timer
 * anew. Only an earlier deadline moves the timer at once. A timer never fires early, and fires
 * at most once per timer_set().
 */
#ifndef SILEX_COMMON_LOOP_TIMER_H
#define SILEX_COMMON_LOOP_TIMER_H

#include <bsd/sys/queue.h>
#include <stdbool.h>
#include <stdint.h>

struct timer;
typedef void timer_fn(struct timer *t);

struct timer {
	timer_fn *fn;
	LIST_ENTRY(timer) link;
	uint64_t due;   /* when to fire, ms of the wheel's clock; 0 = not armed */
	uint64_t filed; /* when the wheel looks at it next, <= due; 0 = not filed */
};

struct timer_wheel;

/* now_ms is the wheel's first moment. NULL with errno ENOMEM. */
struct timer_wheel *timer_wheel_new(uint64_t now_ms);
void timer_wheel_free(struct timer_wheel *w);

void timer_init(struct timer *t, timer_fn *fn);
static inline bool timer_armed(const struct timer *t)
{
	return t->due != 0;
}
/* Arm or move: fire at the first run with now >= due_ms. A moment in the past fires on the next
 * run, never inside the one under way. Moments above 2^48 ms are cut to it. */
void timer_set(struct timer_wheel *w, struct timer *t, uint64_t due_ms);
/* Disarm without unfiling: one store, for a timer that is soon set again. Its memory still
 * belongs to the wheel: timer_cancel() before freeing it. */
static inline void timer_pause(struct timer *t)
{
	t->due = 0;
}
void timer_cancel(struct timer_wheel *w, struct timer *t);
/* Fire what is due; a callback may set or cancel any timer. Returns the number fired. */
unsigned timer_run(struct timer_wheel *w, uint64_t now_ms);
/* Milliseconds until the wheel must run again (a bound, not exact for far timers), -1 = never. */
int64_t timer_next(const struct timer_wheel *w, uint64_t now_ms);

#endif
