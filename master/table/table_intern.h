/*
 * table_intern: one copy of each block that many hosts share, counted in private memory.
 *
 * Thousands of routes have the same policy; they refer to one block. The counts follow the
 * transaction: takes and drops are logged, a rollback undoes them, and a block whose count is
 * zero is disposed of when the transaction ends, not before, because the next put may want it
 * again. The end of a transaction is in two halves: intern_dispose() may fail and be rolled back,
 * intern_commit() may not.
 */
#ifndef SILEX_MASTER_TABLE_TABLE_INTERN_H
#define SILEX_MASTER_TABLE_TABLE_INTERN_H

#include <stdbool.h>
#include <stdint.h>

#include "common/table/shm_layout.h"
#include "master/table/table_alloc.h"
#include "master/table/vec.h"

struct intern_item {
	uint64_t hash;
	shm_ref ref; /* 0: empty place */
	uint32_t refs;
	bool gone; /* disposed of in this transaction */
};

struct intern {
	struct table_alloc *a;
	uint64_t seed;
	size_t skip; /* bytes at the beginning of a block that do not count as its content */
	struct intern_item *items; /* open addressing; cap is a power of two */
	size_t n, cap;
	struct vec log; /* of struct intern_step */
};

void intern_init(struct intern *in, struct table_alloc *a, uint64_t seed, size_t skip);
void intern_free(struct intern *in);

/* The block with this content, counted once more; *created when it was made now (all n bytes
 * copied). 0 with errno ENOSPC or ENOMEM. */
shm_ref intern_take(struct intern *in, const void *block, size_t n, bool *created);
/* Counted once less; n as in intern_take(). 0, or -1 with errno ENOMEM. */
int intern_drop(struct intern *in, shm_ref ref, size_t n);

/* fn(arg, ref) for each block whose count is zero; 0, or -1 with errno when fn says so. */
int intern_dispose(struct intern *in, int (*fn)(void *arg, shm_ref ref), void *arg);
void intern_commit(struct intern *in);
/* Call before alloc_rollback(). */
void intern_rollback(struct intern *in);

#endif
