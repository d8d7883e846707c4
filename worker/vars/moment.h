/*
 * moment: the time of day, read once a turn and put into words once a second.
 *
 * UTC: a worker has no time zone files. Owned by the worker, so that everything that is written
 * about one turn carries one time.
 */
#ifndef SILEX_WORKER_VARS_MOMENT_H
#define SILEX_WORKER_VARS_MOMENT_H

#include <stdbool.h>
#include <stdint.h>

#include "common/str.h"

struct moment {
	uint64_t us;         /* the loop's clock, as in struct request */
	uint64_t unix_ms;    /* the same moment of CLOCK_REALTIME */
	struct str local;    /* "23/Nov/2026:17:23:37 +0000", as nginx' $time_local */
	struct str iso_secs; /* "2026-11-23T17:23:37" */
};
#define MOMENT_LOCAL_LEN 26
#define MOMENT_ISO_LEN   19

struct moment_clock { /* all zero at first */
	struct moment now;
	uint64_t second; /* of the two texts */
	bool known;
	char local[MOMENT_LOCAL_LEN + 1];
	char iso[MOMENT_ISO_LEN + 1];
};

/* The moment of the turn whose clock shows loop_us; valid until the next call. */
const struct moment *moment_read(struct moment_clock *c, uint64_t loop_us);

/* The two texts of a second. */
void moment_local(uint64_t unix_s, char buf[MOMENT_LOCAL_LEN + 1]);
void moment_iso(uint64_t unix_s, char buf[MOMENT_ISO_LEN + 1]);

#endif
