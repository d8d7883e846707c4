/*
 * syslog_head: what stands before a message that goes to syslog, as nginx writes it (RFC 3164,
 * facility local7): "<190>Nov  6 08:49:37 host silex: ". Times are UTC.
 */
#ifndef SILEX_COMMON_LOG_SYSLOG_HEAD_H
#define SILEX_COMMON_LOG_SYSLOG_HEAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SYSLOG_HEAD_MAX 128

enum syslog_severity { /* RFC 3164 §4.1.1 */
	SYSLOG_ERROR = 3,
	SYSLOG_WARNING = 4,
	SYSLOG_NOTICE = 5,
	SYSLOG_INFO = 6,
	SYSLOG_DEBUG = 7,
};

/* Does this descriptor take datagrams? Then every message gets a head and has no line end. */
bool syslog_is_sink(int fd);
/* Returns the length; host is cut at 63 bytes. */
size_t syslog_head(char buf[SYSLOG_HEAD_MAX], enum syslog_severity severity, uint64_t unix_s,
		   const char *host);

#endif
