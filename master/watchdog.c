/* watchdog: see watchdog.h. */
#include "master/watchdog.h"

void watchdog_reset(struct watchdog *d, uint64_t now_ms)
{
	d->seen_ms = now_ms;
	d->aborted_ms = 0;
}

enum watchdog_act watchdog_judge(struct watchdog *d, uint64_t beat, uint64_t now_ms,
				 uint64_t timeout_ms)
{
	if (d->aborted_ms != 0)
		return now_ms - d->aborted_ms >= WATCHDOG_KILL_MS ? WATCHDOG_KILL : WATCHDOG_FINE;
	if (beat != d->beat) {
		d->beat = beat;
		d->seen_ms = now_ms;
		return WATCHDOG_FINE;
	}
	if (now_ms - d->seen_ms < timeout_ms)
		return WATCHDOG_FINE;
	d->aborted_ms = now_ms;
	return WATCHDOG_ABORT;
}
