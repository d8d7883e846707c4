/* date: see date.h. */
#include "worker/request/date.h"

#include <stdio.h>
#include <time.h>

static void date_renew(struct worker *w, uint64_t now_ms)
{
	static const char days[7][4] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
	static const char months[12][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
					   "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
	struct timespec ts;
	struct tm tm;

	clock_gettime(CLOCK_REALTIME, &ts);
	gmtime_r(&ts.tv_sec, &tm);
	/* No strftime(): its names depend on the locale. */
	(void)snprintf(w->date.text, sizeof(w->date.text), "%s, %02d %s %04d %02d:%02d:%02d GMT",
		       days[tm.tm_wday % 7], tm.tm_mday, months[tm.tm_mon % 12],
		       (tm.tm_year + 1900) % 10000, tm.tm_hour, tm.tm_min, tm.tm_sec);
	w->date.until_ms = now_ms + 1000u - (uint64_t)ts.tv_nsec / 1000000u;
}

struct str date_now(struct worker *w)
{
	uint64_t now = ev_now_ms(w->ev);

	if (now >= w->date.until_ms)
		date_renew(w, now);
	return str_make(w->date.text, 29);
}
