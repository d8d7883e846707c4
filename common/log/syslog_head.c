/* syslog_head: see syslog_head.h. */
#include "common/log/syslog_head.h"

#include <stdio.h>
#include <sys/socket.h>
#include <time.h>

#define LOCAL7 23

bool syslog_is_sink(int fd)
{
	int type = 0;
	socklen_t n = sizeof(type);

	return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &n) == 0 && type == SOCK_DGRAM;
}

size_t syslog_head(char buf[SYSLOG_HEAD_MAX], enum syslog_severity severity, uint64_t unix_s,
		   const char *host)
{
	static const char months[][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
					 "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
	time_t s = (time_t)unix_s;
	struct tm tm;
	int n;

	if (gmtime_r(&s, &tm) == NULL)
		tm = (struct tm){.tm_mday = 1};
	n = snprintf(buf, SYSLOG_HEAD_MAX,
		     "<%d>%s %2d %02d:%02d:%02d %.63s silex: ", LOCAL7 * 8 + (int)severity,
		     months[tm.tm_mon % 12], tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec,
		     host[0] == '\0' ? "-" : host);
	return n < 0 ? 0 : n >= SYSLOG_HEAD_MAX ? SYSLOG_HEAD_MAX - 1 : (size_t)n;
}
