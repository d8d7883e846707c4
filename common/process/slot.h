/*
 * slot: one worker's page of shared memory, /silex.<instance>.slot.<i>.
 *
 * That worker writes it, everyone else only reads: one writer per word, so plain atomic loads
 * and stores are enough and nothing can be left locked by a crash. It holds the pins of the
 * table, the heartbeat, the statistics (stat_tbl.h), the reasons counted (reason_tbl.h),
 * histograms of latency, the panic text and a ring of the last events, which the master quotes in
 * the obituary. When its worker is dead, and only then, the master writes: slot_recycle() makes it
 * fit for the next one and keeps the counters, so that sums over all slots never fall. The master
 * trusts nothing in here: every index is bounded by the reader, texts are cleaned.
 */
#ifndef SILEX_COMMON_PROCESS_SLOT_H
#define SILEX_COMMON_PROCESS_SLOT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/limit/limit_count.h"
#include "common/stat/hist.h"
#include "common/stat/reason.h"
#include "common/stat/series.h"
#include "common/stat/stat.h"
#include "common/table/table_pins.h"

#define SLOT_MAGIC      0x53494c584f54534cull
#define SLOT_ABI        4u
#define SLOT_PANIC_MAX  512
#define SLOT_EVENTS     32
#define SLOT_EVENT_TEXT 112
#define SLOT_MAX        256 /* most workers at once */

struct slot_event {
	_Atomic uint64_t at_us; /* CLOCK_REALTIME */
	char text[SLOT_EVENT_TEXT];
};

enum slot_state {
	SLOT_FREE = 0,
	SLOT_STARTING,
	SLOT_READY,
	SLOT_DRAINING,
	SLOT_DEAD
};

struct slot {
	uint64_t magic;
	uint32_t abi;
	uint32_t index;
	uint32_t size; /* of this struct: what is counted differs between builds */
	_Alignas(64) struct table_pins pins;
	_Atomic uint64_t heartbeat_ms; /* CLOCK_MONOTONIC at the last loop bottom */
	_Atomic uint64_t turns;
	_Atomic uint32_t pid;
	_Atomic uint32_t state; /* enum slot_state, as the worker sees itself */
	_Alignas(64) _Atomic uint64_t stats[STAT_COUNT];
	_Atomic uint64_t reasons[REASON_COUNT];
	struct hist request_us;  /* whole requests, proxied ones, first byte in to last byte out */
	struct hist upstream_us; /* of these the last try: start to the end of its answer */
	struct hist live_us;  /* changes, from the master's wake-up to their adoption by the last */
	struct hist adopt_us; /* from a version's publication to its adoption here */
	_Alignas(64) _Atomic uint64_t event_head; /* next event's number */
	struct slot_event events[SLOT_EVENTS];
	char panic[SLOT_PANIC_MAX];
	struct limit_counts counts; /* requests under way, by client: limit-connections */
};

/* Behind it the series (series.h): so many pages as the board says (series_pages), not as the
 * slot or the file says, may be touched. */
#define SLOT_SERIES_AT ((sizeof(struct slot) + 4095) & ~(size_t)4095)
#define SLOT_FILE_SIZE (SLOT_SERIES_AT + SERIES_PAGES_FIRST * SERIES_PAGE) /* when created */
#define SLOT_MAPPED    (SLOT_SERIES_AT + (size_t)SERIES_PAGES_MAX * SERIES_PAGE)

static inline union series_page *slot_series(const struct slot *s)
{
	return (union series_page *)((uintptr_t)s + SLOT_SERIES_AT);
}

/* Single-writer increment: no lock prefix, never torn. */
static inline void slot_add(_Atomic uint64_t *w, uint64_t n)
{
	atomic_store_explicit(w, atomic_load_explicit(w, memory_order_relaxed) + n,
			      memory_order_relaxed);
}

static inline void stat_add(struct slot *s, enum stat_id id, uint64_t n)
{
	slot_add(&s->stats[id], n);
}

static inline void stat_sub(struct slot *s, enum stat_id id, uint64_t n)
{
	slot_add(&s->stats[id], (uint64_t)0 - n);
}

static inline void reason_count(struct slot *s, enum reason r)
{
	slot_add(&s->reasons[r], 1);
}

/* Master: create slot i of an instance, zeroed (an old one of that name is unlinked), its
 * memory reserved. Returns a read-write fd or -1 with errno (ENOSPC: /dev/shm is full).
 * slot_open: a read-only fd by name. */
int slot_create(const char *instance, unsigned i);
int slot_open(const char *instance, unsigned i);
void slot_unlink(const char *instance, unsigned i);
/* Master: room for this many pages of series. 0, or -1 with errno ENOSPC and nothing changed. */
int slot_grow(int fd, uint32_t from_pages, uint32_t pages);
/* Map it; the caller keeps fd. NULL with errno EINVAL when magic, ABI or size do not fit. */
struct slot *slot_map(int fd, bool writable);
void slot_unmap(const struct slot *s);
/* Master, when the slot's worker is dead: everything but the counters back to zero. */
void slot_recycle(struct slot *s, uint32_t state);

/* Async-signal-safe: text becomes the panic text unless there is one already. */
void slot_panic(struct slot *s, const char *text);
/* A cleaned copy of the panic text; returns its length, 0 = none. */
size_t slot_panic_read(const struct slot *s, char *buf, size_t n);

/* One line into the ring (cut to fit, control characters replaced). */
void slot_event(struct slot *s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Oldest first; bounded and cleaned whatever the slot holds. Returns how many lines. */
unsigned slot_events_read(const struct slot *s, unsigned most,
			  void (*fn)(void *arg, uint64_t at_us, const char *text), void *arg);

#endif
