/*
 * log: the error log. One event is one line and one write(2), as key=value text or JSON.
 *
 *     log_warn("worker died", LOG_U64("pid", pid), LOG_STR("host", host));
 *
 * The text is a constant of ours, every variable goes through a typed field, and control bytes,
 * quotes and non-ASCII bytes are escaped: nobody can forge a line or a field. A site that
 * repeats more than LOG_BURST times in a second is suppressed and its count told afterwards.
 * Writing never blocks for ever: what does not fit in a full pipe is dropped and counted.
 * Not thread-safe (no process of ours has threads), not async-signal-safe.
 */
#ifndef SILEX_COMMON_LOG_LOG_H
#define SILEX_COMMON_LOG_LOG_H

#include <stdbool.h>
#include <stdint.h>

#include "common/net/addr.h"
#include "common/str.h"

enum log_level {
	LOG_LEVEL_ERROR,
	LOG_LEVEL_WARN,
	LOG_LEVEL_INFO,
	LOG_LEVEL_DEBUG
};
enum log_format {
	LOG_FORMAT_TEXT,
	LOG_FORMAT_JSON
};

#define LOG_BURST    10   /* lines of one site in one second */
#define LOG_LINE_MAX 4096 /* longer lines are cut, with "..." */

enum log_type {
	LOG_T_END,
	LOG_T_STR,
	LOG_T_U64,
	LOG_T_I64,
	LOG_T_ADDR
};

struct log_field {
	const char *key; /* a literal of [a-z0-9_] */
	enum log_type type;
	union {
		struct str s;
		uint64_t u;
		int64_t i;
		const struct addr *addr;
	};
};

/* One per call site: what rate limiting remembers. */
struct log_site {
	uint64_t window_ms;
	uint32_t in_window;
	uint32_t suppressed;
};

#define LOG_STR(k, v)  ((struct log_field){.key = (k), .type = LOG_T_STR, .s = (v)})
#define LOG_Z(k, v)    ((struct log_field){.key = (k), .type = LOG_T_STR, .s = str_from(v)})
#define LOG_U64(k, v)  ((struct log_field){.key = (k), .type = LOG_T_U64, .u = (uint64_t)(v)})
#define LOG_I64(k, v)  ((struct log_field){.key = (k), .type = LOG_T_I64, .i = (int64_t)(v)})
#define LOG_ADDR(k, v) ((struct log_field){.key = (k), .type = LOG_T_ADDR, .addr = (v)})
/* The text of an errno value, e.g. LOG_ERRNO(errno). */
#define LOG_ERRNO(e) LOG_Z("error", strerror(e))

#define LOG_AT(level, what, ...)                                                       \
	do {                                                                           \
		static struct log_site log_site_here;                                  \
		if (log_enabled(level))                                                \
			log_event(&log_site_here, (level), (what),                     \
				  (const struct log_field[]){                          \
				      __VA_ARGS__ __VA_OPT__(, ){.type = LOG_T_END}}); \
	} while (0)
#define log_error(...) LOG_AT(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warn(...)  LOG_AT(LOG_LEVEL_WARN, __VA_ARGS__)
#define log_info(...)  LOG_AT(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...) LOG_AT(LOG_LEVEL_DEBUG, __VA_ARGS__)

/* role ("master", "worker 3") is copied, cut at 31 bytes. Until called: info, text, stderr. */
void log_setup(const char *role, enum log_level level, enum log_format format);
void log_set_level(enum log_level level);
/* "stderr" or a path (O_APPEND, created 0640). 0, or -1 with errno and the old log in use. */
int log_open(const char *target);
/* SIGUSR1: open the same target again. Same return. Nothing to do for stderr. */
int log_reopen(void);
/* Log to a descriptor somebody else opened (a sandboxed worker): not closed by this room. One that
 * takes datagrams is syslog: each line is a message with a head (syslog_head.h). */
void log_use_fd(int fd);
/* The same, and it is this room's to close. */
void log_take_fd(int fd);
int log_fd(void);

bool log_enabled(enum log_level level);
/* Use the macros. fields ends with LOG_T_END. */
void log_event(struct log_site *site, enum log_level level, const char *what,
	       const struct log_field *fields);
/* Lines that could not be written since the start. */
uint64_t log_lost(void);

#endif
