/*
 * log_line: one event as one line of text or JSON. Pure: bytes in, bytes out.
 */
#ifndef SILEX_COMMON_LOG_LOG_LINE_H
#define SILEX_COMMON_LOG_LOG_LINE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/log/log.h"

struct log_head {
	uint64_t at_ms; /* CLOCK_REALTIME */
	pid_t pid;
	enum log_level level;
	uint32_t suppressed; /* lines of this site left out before this one */
	const char *role;
	const char *what;
};

/* Writes the line with its final newline into out[LOG_LINE_MAX], no NUL; returns its length.
 * Control bytes, quotes, backslashes and non-ASCII bytes never come out raw. */
size_t log_line(char *out, enum log_format format, const struct log_head *head,
		const struct log_field *fields);

#endif
