/*
 * table_named: leaves that a server name leads to: certificates' and those of TLS that is passed
 * through, for table_put_cert.c and table_put_passthrough.c.
 */
#ifndef SILEX_MASTER_TABLE_TABLE_NAMED_H
#define SILEX_MASTER_TABLE_TABLE_NAMED_H

#include <string.h>

#include "common/hash.h"
#include "common/table/table_find.h"
#include "master/table/table_writer.h"

/* The leaf of this name, in lower case, in a trie of the table; NULL: there is none. */
static inline const struct trie_leaf *named_find(const struct table_writer *w, shm_ref trie,
						 struct str name)
{
	return trie_find(w->head, trie, hash_str(name, w->head->seed), name);
}

/* A fresh leaf with the name behind its fixed part, which is cleared but for its head. 0 with errno
 * ENOSPC or ENOMEM. */
static inline shm_ref named_leaf(struct table_writer *w, size_t fixed, struct str name)
{
	size_t size = fixed + name.n;
	shm_ref ref = alloc_take(&w->alloc, ALLOC_OTHER, size);
	struct trie_leaf *l;

	if (ref == 0)
		return 0;
	l = alloc_at(&w->alloc, ref);
	memset(l, 0, fixed);
	*l = (struct trie_leaf){.hash = hash_str(name, w->head->seed),
				.size = (uint32_t)size,
				.key_n = (uint16_t)name.n,
				.key_at = (uint16_t)fixed};
	if (name.n > 0)
		memcpy((char *)l + fixed, name.p, name.n);
	return ref;
}

#endif
