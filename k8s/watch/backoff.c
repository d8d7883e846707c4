/* backoff: see backoff.h. */
#include "k8s/watch/backoff.h"

void backoff_init(struct backoff *b, uint64_t seed)
{
	*b = (struct backoff){.rng = seed | 1};
}

static uint32_t jitter(struct backoff *b, uint32_t below)
{
	b->rng ^= b->rng << 13;
	b->rng ^= b->rng >> 7;
	b->rng ^= b->rng << 17;
	return below == 0 ? 0 : (uint32_t)(b->rng % below);
}

uint32_t backoff_next(struct backoff *b, uint64_t now_ms, uint32_t at_least_ms)
{
	uint32_t wait;

	if (b->step_ms == 0 || now_ms > b->last_ms + BACKOFF_QUIET_MS)
		b->step_ms = BACKOFF_FIRST_MS;
	else if (b->step_ms < BACKOFF_MAX_MS)
		b->step_ms = b->step_ms * 2 > BACKOFF_MAX_MS ? BACKOFF_MAX_MS : b->step_ms * 2;
	wait = b->step_ms / 2 + jitter(b, b->step_ms / 2 + 1);
	if (wait < at_least_ms)
		/* One more: the clock counts whole milliseconds, and never too few were asked for.
		 */
		wait = at_least_ms + 1 + jitter(b, at_least_ms / 10 + 1);
	b->last_ms = now_ms + wait;
	return wait;
}

void backoff_reset(struct backoff *b)
{
	b->step_ms = 0;
}
