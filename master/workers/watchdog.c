/* watchdog: see watchdog.h. */
#include "master/workers/watchdog.h"

void watchdog_reset(struct watchdog *d, uint64_t now_ms)
{
	d->seen_ms = d->pinned_ms = now_ms;
	d->aborted_ms = 0;
}

static void look(struct watchdog *d, const struct watchdog_sight *sight, uint64_t now_ms)
{
	if (sight->beat != d->beat)
		d->seen_ms = now_ms;
	if (sight->pin != d->pin || sight->pin >= sight->newest)
		d->pinned_ms = now_ms;
	d->beat = sight->beat;
	d->pin = sight->pin;
}

enum watchdog_act watchdog_judge(struct watchdog *d, const struct watchdog_sight *sight,
				 uint64_t now_ms, uint64_t timeout_ms)
{
	if (d->aborted_ms != 0)
		return now_ms - d->aborted_ms >= WATCHDOG_KILL_MS ? WATCHDOG_KILL : WATCHDOG_FINE;
	look(d, sight, now_ms);
	if (now_ms - d->seen_ms < timeout_ms && now_ms - d->pinned_ms < timeout_ms)
		return WATCHDOG_FINE;
	d->aborted_ms = now_ms;
	return WATCHDOG_ABORT;
}
