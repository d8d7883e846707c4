/*
 * live: which of the workers measures how long a version was under way.
 *
 * A change is live when its last worker has it. Two that adopt at the same moment both find that
 * all others have it, so that looking is not enough: what is measured is claimed in a word that all
 * workers share, which stands in the one object that all of them write (limit_rate.h). Who raises
 * it measures every version it was raised by, also those that it adopted earlier itself: each
 * exactly once. A worker that was taken over can spoil this figure with it and nothing else.
 */
#ifndef SILEX_WORKER_LOOP_LIVE_H
#define SILEX_WORKER_LOOP_LIVE_H

#include <stdatomic.h>
#include <stdint.h>

/* A worker's first version: what was there before the first worker of all is measured by nobody. */
static inline void live_begin(_Atomic uint64_t *claimed, uint64_t first)
{
	uint64_t nobody = 0;

	(void)atomic_compare_exchange_strong(claimed, &nobody, first);
}

/* All workers have version `top`. The versions to be measured by the caller are those behind the
 * answer, up to top; none when it is top. */
static inline uint64_t live_claim(_Atomic uint64_t *claimed, uint64_t top)
{
	uint64_t before = atomic_load(claimed);

	while (before < top)
		if (atomic_compare_exchange_weak(claimed, &before, top))
			return before;
	return top;
}

#endif
