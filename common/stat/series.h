/*
 * series: what a worker counts for each route, in shared memory behind its slot (slot.h).
 *
 *   slot | page 0: head | list of entries | buckets of one | quantiles of one | list | ...
 *
 * A series is (statistics group, method, status). Its entry counts its requests; as long as there
 * is room it also has a page of histograms, and every group one of quantiles. What finds no room
 * counts in the one series SERIES_OTHER, so memory and /metrics are bounded and no count is lost.
 * The worker only ever adds pages; the master makes the object longer (series_pages on the board
 * says how long), so a full /dev/shm is never a SIGBUS. Counts outlive the worker: its successor
 * in the slot finds and continues them.
 *
 * Entries name a group by number and by a hash of its texts, never by text: a reader asks the
 * table, and what the table does not know any more is not shown. An entry of a number that was
 * given to somebody else is cleared: identity goes to 0 first, so a reader that finds the same
 * identity before and after has read one series. Readers bound every index.
 */
#ifndef SILEX_COMMON_STAT_SERIES_H
#define SILEX_COMMON_STAT_SERIES_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/stat/buckets.h"
#include "common/table/table_read.h"

#define SERIES_PAGE        1024u
#define SERIES_PAGES_FIRST 64u
#define SERIES_PAGES_MAX   65536u
#define SERIES_MAGIC       0x5345524945533031ull
#define SERIES_PER_LIST    31u

enum series_hist_id {
	SERIES_REQUEST_TIME,
	SERIES_RESPONSE_TIME,
	SERIES_HEADER_TIME,
	SERIES_CONNECT_TIME,
	SERIES_REQUEST_SIZE,
	SERIES_RESPONSE_SIZE,
	SERIES_BYTES_SENT,
	SERIES_HISTS
};

struct series_hist {
	_Atomic uint64_t sum;                /* microseconds or bytes */
	_Atomic uint64_t n[BUCKETS_MAX + 1]; /* not cumulative */
};

struct series_hists {
	struct series_hist h[SERIES_HISTS];
	uint64_t zero[2];
};
_Static_assert(sizeof(struct series_hists) == SERIES_PAGE, "a page");

/* Two buckets of hist.h in one, request time in microseconds up to nine hours. */
#define SERIES_QUANTILES (SERIES_PAGE / 4)
struct series_quantiles {
	_Atomic uint32_t n[SERIES_QUANTILES]; /* stays at its largest value */
};
_Static_assert(sizeof(struct series_quantiles) == SERIES_PAGE, "a page");

struct series_entry {
	_Atomic uint64_t key; /* series_key(); 0 = never used. Never changes afterwards */
	_Atomic uint64_t identity;
	_Atomic uint64_t requests;
	_Atomic uint32_t page; /* series_hists, or series_quantiles of SERIES_IS_GROUP; 0 = none */
	uint32_t zero;
};

struct series_list {
	_Atomic uint32_t next; /* page of the next list, 0 = the last */
	uint32_t zero[7];
	struct series_entry entry[SERIES_PER_LIST];
};
_Static_assert(sizeof(struct series_list) == SERIES_PAGE, "a page");

struct series_head {
	uint64_t magic;
	_Atomic uint64_t bounds; /* hash of the bounds its histograms were counted with */
	_Atomic uint32_t used;   /* pages, this one included */
	_Atomic uint32_t first;  /* page of the first list */
};

union series_page {
	struct series_head head;
	struct series_list list;
	struct series_hists hists;
	struct series_quantiles quantiles;
};
_Static_assert(sizeof(union series_page) == SERIES_PAGE, "a page");

#define SERIES_IS_GROUP 0xffffu     /* as method: the group's own entry */
#define SERIES_OTHER    0xffffffffu /* as group: all that found no room */

static inline uint64_t series_key(uint32_t group, unsigned method, unsigned status)
{
	return (uint64_t)group << 32 | (uint64_t)(uint16_t)method << 16 | (uint16_t)status;
}
static inline uint32_t series_group(uint64_t key)
{
	return (uint32_t)(key >> 32);
}
static inline unsigned series_method(uint64_t key)
{
	return (unsigned)(key >> 16) & 0xffff;
}
static inline unsigned series_status(uint64_t key)
{
	return (unsigned)key & 0xffff;
}

/* Who the group of this number is in the table's version in use: never 0 for a group there is,
 * 0 for one there is not. Numbers 0 and SERIES_OTHER always exist. */
uint64_t series_identity(const struct table *t, uint32_t group, struct group_view *g);

struct conf;
/* The bounds of all histograms, from conf; false when one key of it is bad (its name in *key). */
struct series_bounds {
	struct buckets of[SERIES_HISTS];
	uint64_t hash;
};
bool series_bounds_parse(struct series_bounds *b, const struct conf *c, const char **key);

/* The pages that all series of this configuration can need, at most SERIES_PAGES_MAX. */
uint32_t series_pages_most(const struct conf *c);

/*
 * The reader: fn for every entry of a slot's pages, of which the first n_pages may be touched.
 * at: where to go on, zero-initialised; false at the end. `most` entries a call.
 */
struct series_walk {
	uint32_t list;  /* page */
	uint32_t lists; /* seen: a ring cannot hold us */
	unsigned i;
	bool begun;
};
bool series_walk(struct series_walk *at, const union series_page *pages, uint32_t n_pages,
		 unsigned most, void (*fn)(void *arg, const struct series_entry *e), void *arg);

#endif
