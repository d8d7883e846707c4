/*
 * board: the master's own page of shared memory, /silex.<instance>.board.
 *
 * The master writes it, everyone else only reads: whether the instance is ready (workers answer
 * /readyz from it), the master's statistics (board_stat_tbl.h, part of /metrics), and which
 * process lives in which slot. A master started anew after a crash finds the workers of its
 * predecessor here, and takes pids from here, never from a slot, because a slot is written by
 * the process that parses attackers' bytes. `silex show` reads it too.
 *
 * Counters of dead workers need no totals of their own: the counters of a slot survive the
 * worker (slot_recycle clears all but them) and its successor in the slot counts on. A reader
 * sums every slot that exists, and the sum never falls.
 */
#ifndef SILEX_COMMON_PROCESS_BOARD_H
#define SILEX_COMMON_PROCESS_BOARD_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/conf/conf.h"
#include "common/process/slot.h"
#include "common/stat/stat.h"

#define BOARD_MAGIC   0x53494c5842524431ull
#define BOARD_ABI     3u
#define BOARD_LISTENS 16 /* most listening sockets */

enum board_stat {
#define STAT(id, name, kind, help) BOARD_##id,
#include "common/stat/board_stat_tbl.h"
#undef STAT
	BOARD_STAT_COUNT
};
extern const struct stat_text board_stat_texts[BOARD_STAT_COUNT];

struct board_worker {
	_Atomic uint32_t pid;      /* 0 = nobody */
	_Atomic uint32_t state;    /* enum slot_state, as the master sees it */
	_Atomic uint64_t start;    /* /proc/PID/stat field 22: tells a pid from its reuse */
	_Atomic uint64_t since_ms; /* CLOCK_REALTIME of the spawn */
};

struct board {
	uint64_t magic;
	uint32_t abi;
	uint32_t size;
	_Atomic uint32_t master_pid;
	_Atomic uint32_t ready; /* 1: first complete table live in all workers, and not draining */
	_Atomic uint32_t slots; /* slots [0, n) exist */
	_Atomic uint32_t stopping;   /* 1: /healthz fails so that balancers leave */
	_Atomic uint64_t started_ms; /* CLOCK_REALTIME */
	/* Who we are, for the constant labels of /metrics: POD_NAME and POD_NAMESPACE. */
	char pod_name[256], pod_namespace[64];
	_Atomic uint64_t published_us;           /* CLOCK_MONOTONIC of the newest version */
	_Atomic uint32_t series_pages[SLOT_MAX]; /* behind each slot (slot.h) */
	_Alignas(64) _Atomic uint64_t stats[BOARD_STAT_COUNT];
	_Alignas(64) struct board_worker workers[SLOT_MAX];
	/* Workers of a predecessor that died: serving on until ours are READY. */
	_Alignas(64) struct board_worker orphans[SLOT_MAX];
	_Alignas(64) struct conf conf; /* in use, for `silex show conf` */
};

struct board_fds {
	int read_only; /* to hand to workers */
	int lock;      /* its flock() says that the instance is running; kept for life */
};

/*
 * Master: create it anew, zeroed, and hold its lock. An old one is unlinked, so read it first.
 * The mapping, or NULL with errno. board_running(): does a living master hold this instance?
 */
struct board *board_create(const char *instance, struct board_fds *fds);
bool board_running(const char *instance);
void board_unlink(const char *instance);
/* Read-only by name (predecessor's, `silex show`), or from a descriptor. NULL with errno: ENOENT,
 * EINVAL when magic, ABI or size do not fit. The caller keeps fd. */
const struct board *board_open(const char *instance);
const struct board *board_map(int fd);
void board_unmap(const struct board *b);

static inline void board_add(struct board *b, enum board_stat id, uint64_t n)
{
	slot_add(&b->stats[id], n);
}

#endif
