/*
 * timer: see timer.h.
 *
 * Eight levels of 64 slots, six bits of the time each: a timer is filed on the level of the
 * highest bit in which its moment differs from the wheel's, in the slot named by those six bits.
 * So every occupied slot of a level lies ahead of the wheel's hand, lower levels always come
 * before higher ones, and the next slot is one count of trailing zeros away.
 *
 *   level 0: 64 slots of 1 ms      level 2: 64 of 4.1 s      level 4: 64 of 4.7 h
 *   level 1: 64 slots of 64 ms     level 3: 64 of 4.4 min    ...
 *
 * A slot is looked at when its first moment comes: its timers fire, or are filed again closer.
 * That is also where lazily moved deadlines (t->due > t->filed) find their new place.
 * Cancelling leaves the slot's bit set: an empty slot costs one look.
 * Invariants: hand <= every t->filed; bit clear => slot empty; next <= every slot's moment.
 */
#include "common/loop/timer.h"

#include <stdlib.h>

#include "common/check.h"

#define LEVELS     8
#define SLOT_BITS  6
#define SLOTS      64
#define MOMENT_MAX (((uint64_t)1 << (LEVELS * SLOT_BITS)) - 1)
#define NEVER      UINT64_MAX

LIST_HEAD(timer_list, timer);

struct timer_wheel {
	uint64_t hand; /* all moments before it have been run */
	uint64_t next; /* no slot needs a look before it; NEVER = nothing is filed */
	uint64_t occupied[LEVELS];
	struct timer_list expired; /* taken out by the run under way, not yet fired */
	struct timer_list slots[LEVELS][SLOTS];
};

struct timer_wheel *timer_wheel_new(uint64_t now_ms)
{
	struct timer_wheel *w = calloc(1, sizeof(*w)); /* all zero is the empty LIST_HEAD */

	if (w == NULL)
		return NULL;
	w->hand = now_ms == 0 ? 1 : now_ms;
	w->next = NEVER;
	return w;
}

void timer_wheel_free(struct timer_wheel *w)
{
	free(w);
}

void timer_init(struct timer *t, timer_fn *fn)
{
	*t = (struct timer){.fn = fn};
}

static void file(struct timer_wheel *w, struct timer *t)
{
	unsigned top = 63u - (unsigned)__builtin_clzll((t->due ^ w->hand) | (SLOTS - 1));
	unsigned level = top / SLOT_BITS;
	unsigned shift = level * SLOT_BITS;
	unsigned slot = (unsigned)(t->due >> shift) & (SLOTS - 1);

	t->filed = t->due >> shift << shift;
	LIST_INSERT_HEAD(&w->slots[level][slot], t, link);
	w->occupied[level] |= (uint64_t)1 << slot;
	if (t->filed < w->next)
		w->next = t->filed;
}

void timer_set(struct timer_wheel *w, struct timer *t, uint64_t due_ms)
{
	uint64_t due = due_ms < w->hand ? w->hand : due_ms;

	t->due = due > MOMENT_MAX ? MOMENT_MAX : due;
	if (t->filed != 0) {
		if (t->due >= t->filed)
			return;
		LIST_REMOVE(t, link);
	}
	file(w, t);
}

void timer_cancel(struct timer_wheel *w, struct timer *t)
{
	t->due = 0;
	if (t->filed == 0)
		return;
	LIST_REMOVE(t, link);
	t->filed = 0;
}

/* Where the lowest occupied slot lies, and its first moment; NEVER when there is none. */
static uint64_t first_slot(const struct timer_wheel *w, unsigned *level, unsigned *slot)
{
	for (unsigned l = 0; l < LEVELS; l++) {
		unsigned shift = l * SLOT_BITS;

		if (w->occupied[l] == 0)
			continue;
		*level = l;
		*slot = (unsigned)__builtin_ctzll(w->occupied[l]);
		return (((w->hand >> shift) & ~(uint64_t)(SLOTS - 1)) | *slot) << shift;
	}
	return NEVER;
}

/* Empty one slot: what is due goes to the expired, the rest is filed closer. */
static void open_slot(struct timer_wheel *w, unsigned level, unsigned slot, uint64_t now_ms)
{
	struct timer_list list = w->slots[level][slot];
	struct timer *t;

	LIST_INIT(&w->slots[level][slot]);
	w->occupied[level] &= ~((uint64_t)1 << slot);
	if (LIST_FIRST(&list) != NULL)
		LIST_FIRST(&list)->link.le_prev = &LIST_FIRST(&list);
	while ((t = LIST_FIRST(&list)) != NULL) {
		LIST_REMOVE(t, link);
		t->filed = 0;
		if (t->due > now_ms) {
			file(w, t);
		} else if (t->due != 0) {
			t->filed = w->hand; /* a later deadline set meanwhile stays lazy */
			LIST_INSERT_HEAD(&w->expired, t, link);
		}
	}
}

static unsigned fire_expired(struct timer_wheel *w, uint64_t now_ms)
{
	unsigned fired = 0;
	struct timer *t;

	while ((t = LIST_FIRST(&w->expired)) != NULL) {
		LIST_REMOVE(t, link);
		t->filed = 0;
		if (t->due > now_ms) { /* moved by a callback before it */
			file(w, t);
		} else if (t->due != 0) {
			t->due = 0;
			fired++;
			t->fn(t);
		}
	}
	return fired;
}

unsigned timer_run(struct timer_wheel *w, uint64_t now_ms)
{
	unsigned level = 0, slot = 0;
	uint64_t at;

	if (now_ms < w->next)
		return 0;
	CHECK(LIST_EMPTY(&w->expired));
	now_ms = now_ms > MOMENT_MAX ? MOMENT_MAX : now_ms;
	while ((at = first_slot(w, &level, &slot)) <= now_ms) {
		w->hand = at;
		open_slot(w, level, slot, now_ms);
	}
	if (now_ms > w->hand)
		w->hand = now_ms;
	w->next = at;
	return fire_expired(w, now_ms);
}

int64_t timer_next(const struct timer_wheel *w, uint64_t now_ms)
{
	if (w->next == NEVER)
		return -1;
	return w->next <= now_ms ? 0 : (int64_t)(w->next - now_ms);
}
