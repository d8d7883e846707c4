/* backoff: see backoff.h. */
#include "master/workers/backoff.h"

uint64_t backoff_died(struct backoff *b, uint64_t lived_ms)
{
	uint64_t wait = BACKOFF_FIRST_MS;

	b->young = lived_ms >= BACKOFF_YOUNG_MS ? 0 : b->young + 1;
	if (b->young <= BACKOFF_FREE)
		return 0;
	for (unsigned i = BACKOFF_FREE + 1; i < b->young && wait < BACKOFF_MOST_MS; i++)
		wait *= 2;
	return wait < BACKOFF_MOST_MS ? wait : BACKOFF_MOST_MS;
}
