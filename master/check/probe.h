/*
 * probe: one check of one endpoint, on the loop and never waiting.
 *
 * Connect; for HTTP send a GET and read the status line, nothing else of the answer is looked at
 * (it is drained up to a bound, so that the endpoint does not see a reset). What the endpoint
 * sends goes through 13 bytes of state and no parser: the master has no business with more.
 */
#ifndef SILEX_MASTER_CHECK_PROBE_H
#define SILEX_MASTER_CHECK_PROBE_H

#include <stdbool.h>

#include "common/net/addr.h"
#include "common/loop/ev.h"
#include "common/str.h"
#include "common/loop/timer.h"

struct probe;

struct probe_ask {
	struct addr to;
	uint32_t timeout_ms;
	struct str request; /* borrowed until the end; empty: a connection is enough */
	uint16_t low, high; /* statuses that are good */
};

/* The probe is over and may be started again or freed. why: NULL = good, else what was wrong. */
typedef void probe_fn(struct probe *p, const char *why);

#define PROBE_LINE 12 /* "HTTP/1.1 200" */

struct probe {
	struct ev *ev; /* NULL: not under way */
	struct ev_fd watch;
	struct timer deadline;
	probe_fn *done;
	struct probe_ask ask;
	int fd;
	bool connected;
	bool judged; /* the status line is here: why is decided */
	unsigned drained;
	const char *why;
	unsigned n;
	char line[PROBE_LINE];
};

/* p is zero or over. done is never called inside. 0, or -1 with errno: no descriptor, no memory. */
int probe_start(struct probe *p, struct ev *ev, const struct probe_ask *ask, probe_fn *done);
/* No-op when it is not under way. done is not called. */
void probe_cancel(struct probe *p);

#endif
