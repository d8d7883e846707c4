/*
 * worker: everything one worker process owns, handed to every room by pointer.
 *
 * No globals: the loop, the table, the slot, the slabs and the settings are reached from here.
 * Only plain members, no behaviour; each room owns the member it is named for.
 */
#ifndef SILEX_WORKER_WORKER_H
#define SILEX_WORKER_WORKER_H

#include <stdbool.h>
#include <stdint.h>

#include "common/board.h"
#include "common/conf.h"
#include "common/ev.h"
#include "common/slab.h"
#include "common/slot.h"
#include "common/table_read.h"
#include "common/timer.h"

struct pool;       /* upstream/pool.h: idle connections to endpoints */
struct picker;     /* upstream/pick.h: balancing state */
struct access_log; /* access_log.h; writes to WORKER_FD_ACCESS_LOG */

struct worker {
	struct ev *ev;
	struct timer_wheel *timers;
	struct table *table;
	struct slot *slot;
	const struct slot *peers[SLOT_MAX]; /* every worker's slot read-only, own included; NULL = free */
	const struct board *board; /* the master's words: readiness, its statistics */
	const struct conf *conf;
	struct listeners *listeners; /* listener.h */
	struct slab *chunks;   /* 16 KiB buffers (chunk.h) */
	struct slab *arenas;   /* request arena chunks, 4 KiB */
	struct slab *requests;
	struct slab *clients;  /* client connections */
	struct slab *upstreams; /* upstream connections */
	struct pool *pool;
	struct picker *picker;
	struct access_log *access_log;
	uint64_t rng; /* xorshift state: ids, jitter; not for secrets */
	unsigned index;
	bool draining; /* no new keep-alive, idle connections close */
	uint64_t drain_by_ms; /* draining: when what is left is cut, ev_now_ms() */
};

#endif
