/*
 * watchdog: does this worker still turn its loop?
 *
 * What counts is that the heartbeat in its slot changes, never its value: a worker cannot claim
 * to be alive in the future, and a clock that jumped proves nothing. Nor is it enough to beat: one
 * that holds on to an old version of the table keeps memory from being used again, until there is
 * none. A worker that hangs is sent SIGABRT first, for its last words and a core, then SIGKILL.
 */
#ifndef SILEX_MASTER_WORKERS_WATCHDOG_H
#define SILEX_MASTER_WORKERS_WATCHDOG_H

#include <stdbool.h>
#include <stdint.h>

#define WATCHDOG_KILL_MS 2000 /* from SIGABRT to SIGKILL: time to write a core */

enum watchdog_act {
	WATCHDOG_FINE,
	WATCHDOG_ABORT, /* told once: send SIGABRT */
	WATCHDOG_KILL,  /* send SIGKILL */
};

struct watchdog {
	uint64_t beat;       /* as last seen */
	uint64_t seen_ms;    /* when it last changed */
	uint64_t pin;        /* the oldest version it uses, as last seen */
	uint64_t pinned_ms;  /* when that last changed, or was the newest */
	uint64_t aborted_ms; /* when WATCHDOG_ABORT was told; 0 = not */
};

struct watchdog_sight {  /* of a worker now */
	uint64_t beat;   /* heartbeat in its slot */
	uint64_t pin;    /* table_pins_oldest(): UINT64_MAX when it uses nothing */
	uint64_t newest; /* version published */
};

/* Start to count now: a new worker, or the master itself was stopped for a while. */
void watchdog_reset(struct watchdog *d, uint64_t now_ms);
enum watchdog_act watchdog_judge(struct watchdog *d, const struct watchdog_sight *sight,
				 uint64_t now_ms, uint64_t timeout_ms);

#endif
