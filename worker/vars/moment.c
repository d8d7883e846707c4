/* moment: see moment.h. */
#include "worker/vars/moment.h"

#include <string.h>
#include <time.h>

static void broken_down(uint64_t unix_s, struct tm *tm)
{
	time_t s = (time_t)unix_s;

	if (gmtime_r(&s, tm) == NULL)
		memset(tm, 0, sizeof(*tm));
}

void moment_local(uint64_t unix_s, char buf[MOMENT_LOCAL_LEN + 1])
{
	struct tm tm;

	broken_down(unix_s, &tm);
	if (strftime(buf, MOMENT_LOCAL_LEN + 1, "%d/%b/%Y:%H:%M:%S +0000", &tm) == 0)
		buf[0] = '\0';
}

void moment_iso(uint64_t unix_s, char buf[MOMENT_ISO_LEN + 1])
{
	struct tm tm;

	broken_down(unix_s, &tm);
	if (strftime(buf, MOMENT_ISO_LEN + 1, "%Y-%m-%dT%H:%M:%S", &tm) == 0)
		buf[0] = '\0';
}

const struct moment *moment_read(struct moment_clock *c, uint64_t loop_us)
{
	struct timespec ts;

	if (c->known && c->now.us == loop_us)
		return &c->now;
	(void)clock_gettime(CLOCK_REALTIME, &ts);
	c->now.us = loop_us;
	c->now.unix_ms = (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
	if (c->known && (uint64_t)ts.tv_sec == c->second)
		return &c->now;
	c->known = true;
	c->second = (uint64_t)ts.tv_sec;
	moment_local(c->second, c->local);
	moment_iso(c->second, c->iso);
	c->now.local = str_from(c->local);
	c->now.iso_secs = str_from(c->iso);
	return &c->now;
}
