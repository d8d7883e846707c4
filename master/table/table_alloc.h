/*
 * table_alloc: who owns which bytes of the shared table.
 *
 * Blocks come in size classes of multiples of 16 bytes. A block is free, fresh (taken by the
 * transaction under way, seen by nobody, may be modified and given back at once), live
 * (published, never modified again) or retired (unreachable from the newest version on, but a
 * reader may still see it). All of that is known in the master's private memory only: the shared
 * memory holds nothing but what the blocks say, so a crash leaves no half-linked list there.
 *
 *       take            publish           retire, publish          no reader older
 *  free -----> fresh ------------> live ------------------> retired -------------> free
 *     ^---------'  give, rollback    ^--- rollback ---'
 *
 * Each kind of block has regions of its own: what one lookup after the other touches (the hosts)
 * lies close together, which at 100,000 hosts is the difference between hitting and missing the
 * TLB.
 */
#ifndef SILEX_MASTER_TABLE_TABLE_ALLOC_H
#define SILEX_MASTER_TABLE_TABLE_ALLOC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/table/shm_layout.h"
#include "master/table/vec.h"

#define ALLOC_CLASSES 124u

enum alloc_kind {
	ALLOC_NODE,
	ALLOC_HOST,
	ALLOC_CLUSTER,
	ALLOC_OTHER,
	ALLOC_KINDS
};

struct alloc_pool {
	uint64_t at, end; /* what is left of its newest region, in bytes from the base */
	struct vec free[ALLOC_CLASSES]; /* of shm_ref */
};

struct table_alloc {
	char *base;       /* the mapping, max_bytes long */
	int fd;           /* borrowed; to grow */
	uint64_t max;     /* bytes, at most */
	uint64_t file;    /* bytes reserved */
	uint64_t top;     /* bytes ever handed out: the first byte never used */
	uint64_t used;    /* bytes of blocks that are not free */
	uint64_t waiting; /* bytes of retired blocks */
	uint64_t lost;    /* bytes that could not be put on a free list (ENOMEM), for ever */
	uint64_t copied;  /* bytes taken by all transactions together */
	uint8_t *meta;    /* by unit: class + 1 of the block that begins there, and META_FRESH */
	uint8_t *kinds;   /* by page: enum alloc_kind of the region it is in */
	struct alloc_pool pools[ALLOC_KINDS];
	bool came_back;      /* a block became free since neighbours were joined */
	struct vec fresh;    /* of shm_ref, some given back since */
	struct vec retiring; /* of shm_ref: by the transaction under way */
	struct vec retired;  /* of struct retired, oldest first */
	size_t retired_from; /* first that still waits */
};

/* base is mapped max bytes long, of which file are reserved. 0, or -1 with errno ENOMEM. */
int alloc_init(struct table_alloc *a, char *base, int fd, uint64_t max, uint64_t file);
void alloc_free(struct table_alloc *a);

/* A fresh block of at least n bytes, not cleared; 0 with errno ENOSPC or ENOMEM. */
shm_ref alloc_take(struct table_alloc *a, enum alloc_kind kind, size_t n);
/* Not reachable from the next version on. A fresh block is free at once, a live one is retired
 * by the next publication. 0, or -1 with errno ENOMEM. */
int alloc_retire(struct table_alloc *a, shm_ref ref);
/* May be modified: nobody has seen it. */
bool alloc_is_fresh(const struct table_alloc *a, shm_ref ref);

/* Room to end a transaction, so that alloc_commit() cannot fail. 0, or -1 with errno ENOMEM. */
int alloc_prepare(struct table_alloc *a);
/* Everything fresh is live, everything retired waits until no reader is older than version. */
void alloc_commit(struct table_alloc *a, uint64_t version);
void alloc_rollback(struct table_alloc *a);
/* Free what was retired by versions <= oldest, the oldest any reader may be looking at. */
void alloc_reclaim(struct table_alloc *a, uint64_t oldest);

static inline void *alloc_at(const struct table_alloc *a, shm_ref ref)
{
	return a->base + (uint64_t)ref * TABLE_UNIT;
}

static inline shm_ref alloc_ref(const struct table_alloc *a, const void *block)
{
	return (shm_ref)((size_t)((const char *)block - a->base) / TABLE_UNIT);
}

#endif
