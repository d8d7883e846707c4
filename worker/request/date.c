/* date: see date.h. */
#include "worker/request/date.h"

#include <stdio.h>
#include <time.h>

void date_text(int64_t unix_s, char to[DATE_LEN + 1])
{
	static const char days[7][4] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
	static const char months[12][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
					   "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
	time_t s = (time_t)unix_s;
	struct tm tm = {.tm_year = 70};

	(void)gmtime_r(&s, &tm);
	/* No strftime(): its names depend on the locale. */
	(void)snprintf(
	    to, DATE_LEN + 1, "%s, %02d %s %04d %02d:%02d:%02d GMT", days[(unsigned)tm.tm_wday % 7],
	    (int)((unsigned)tm.tm_mday % 100), months[(unsigned)tm.tm_mon % 12],
	    (int)((unsigned)(tm.tm_year + 1900) % 10000), (int)((unsigned)tm.tm_hour % 100),
	    (int)((unsigned)tm.tm_min % 100), (int)((unsigned)tm.tm_sec % 100));
}

struct str date_now(struct worker *w)
{
	uint64_t now = ev_now_ms(w->ev);
	struct timespec ts;

	if (now >= w->date.until_ms) {
		clock_gettime(CLOCK_REALTIME, &ts);
		date_text(ts.tv_sec, w->date.text);
		w->date.until_ms = now + 1000u - (uint64_t)ts.tv_nsec / 1000000u;
	}
	return str_make(w->date.text, DATE_LEN);
}
