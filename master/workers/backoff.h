/*
 * backoff: how long to wait before the next process takes a dead one's seat.
 *
 * The first few deaths are replaced at once, because a crash on one odd request must not cost
 * capacity; a seat whose workers keep dying young waits ever longer, so that a broken machine
 * is not kept busy forking.
 */
#ifndef SILEX_MASTER_WORKERS_BACKOFF_H
#define SILEX_MASTER_WORKERS_BACKOFF_H

#include <stdint.h>

#define BACKOFF_YOUNG_MS 10000 /* who lived this long did not die young */
#define BACKOFF_FREE     3     /* deaths in a row that cost no wait */
#define BACKOFF_FIRST_MS 100
#define BACKOFF_MOST_MS  30000

struct backoff {        /* zero: nobody died */
	unsigned young; /* deaths in a row */
};

/* A process of this seat died after lived_ms. Returns how many ms to wait; 0 = none. */
uint64_t backoff_died(struct backoff *b, uint64_t lived_ms);

#endif
