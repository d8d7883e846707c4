/*
 * table_trie: the writer's half of the tries in the table: copy-on-write put and delete.
 *
 * 64-way nodes over six bits of the hash a level (layout and search: common/table/shm_layout.h,
 * common/table/table_find.h). A change copies the nodes on its way, three or four of them; nodes of
 * the transaction under way that nobody has seen yet are changed in place, so that building
 * 100,000 hosts in one transaction copies nothing twice. The shape depends on what is in it
 * only, not on the order of the changes. The trie owns its nodes; leaves belong to the caller.
 */
#ifndef SILEX_MASTER_TABLE_TABLE_TRIE_H
#define SILEX_MASTER_TABLE_TABLE_TRIE_H

#include "common/table/shm_layout.h"
#include "master/table/table_alloc.h"

/* Put leaf under its hash and key; *old becomes the leaf it replaces, or 0. *root is updated.
 * 0, or -1 with errno: then only a rollback helps. */
int trie_put(struct table_alloc *a, shm_ref *root, shm_ref leaf, shm_ref *old);
/* Take out the leaf with this hash and key; *old becomes that leaf, or 0 when there is none. */
int trie_del(struct table_alloc *a, shm_ref *root, uint64_t hash, struct str key, shm_ref *old);

#endif
