/*
 * table_group: the statistics groups, and their numbers.
 *
 * A route counts under (namespace, Ingress, service, host, path). Workers and metrics know it by
 * a small number that stays the same as long as any route of the table has it, and is given away
 * again only when no reader can still see the old meaning. Groups are interned like policies;
 * the numbers follow the transaction like the blocks do.
 */
#ifndef SILEX_MASTER_TABLE_TABLE_GROUP_H
#define SILEX_MASTER_TABLE_TABLE_GROUP_H

#include "master/table/table_intern.h"

struct groups {
	struct table_alloc *a;
	struct intern blocks;
	uint32_t highest;    /* number ever given */
	struct vec free;     /* of uint32_t, all four */
	struct vec taken;    /* by the transaction under way */
	struct vec retiring; /* by the transaction under way */
	struct vec retired;  /* of struct retired_number, oldest first */
	size_t retired_from;
	struct vec scratch; /* of bytes: the block to look for */
};

void groups_init(struct groups *g, struct table_alloc *a, uint64_t seed);
void groups_free(struct groups *g);

/* The number of the group with these texts (GROUP_TEXTS of them, each below 65,536 bytes),
 * counted once more. 0 with errno. *trie is the groups' trie of the growing root. */
uint32_t groups_take(struct groups *g, shm_ref *trie, const struct str *texts);
/* Counted once less. 0, or -1 with errno. */
int groups_drop(struct groups *g, shm_ref trie, uint32_t number);

/* The end of a transaction, as in table_intern.h and table_alloc.h. */
int groups_dispose(struct groups *g, shm_ref *trie);
void groups_commit(struct groups *g, uint64_t version);
void groups_rollback(struct groups *g);
void groups_reclaim(struct groups *g, uint64_t oldest);

/* How many groups there are. */
static inline uint64_t groups_count(const struct groups *g)
{
	return g->blocks.n;
}

#endif
