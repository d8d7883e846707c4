/*
 * access_line: what one line of the access log says. Pure formatting: no descriptor, no clock.
 */
#ifndef SILEX_WORKER_LOG_ACCESS_LINE_H
#define SILEX_WORKER_LOG_ACCESS_LINE_H

#include <stdint.h>

#include "common/text.h"

struct request;

/* The moment a line is written. */
struct access_now {
	uint64_t us;         /* the loop's clock, as in struct request */
	uint64_t unix_ms;    /* the same moment of CLOCK_REALTIME */
	struct str local;    /* "23/Nov/2026:17:23:37 +0000", as nginx' $time_local */
	struct str iso_secs; /* "2026-11-23T17:23:37" */
};
#define ACCESS_LOCAL_LEN 26
#define ACCESS_ISO_LEN   19

/* The two texts of a second; UTC, since a worker has no time zone files. */
void access_time_local(uint64_t unix_s, char buf[ACCESS_LOCAL_LEN + 1]);
void access_time_iso(uint64_t unix_s, char buf[ACCESS_ISO_LEN + 1]);

/* One line with its newline, never more than ACCESS_LINE_MAX bytes, whatever r holds. */
void access_line_upstreaminfo(struct text *t, const struct request *r,
			      const struct access_now *now);
void access_line_json(struct text *t, const struct request *r, const struct access_now *now);

#endif
