/*
 * table_find: the path hash and the two searches of the route table, for reader and writer.
 *
 * Whoever builds an index and whoever searches it must agree on every bit of these; that is why
 * they are one file. All functions are pure reads of what lies behind a published (or, in the
 * writer, a growing) root and allocate nothing.
 */
#ifndef SILEX_COMMON_TABLE_TABLE_FIND_H
#define SILEX_COMMON_TABLE_TABLE_FIND_H

#include <stdbool.h>
#include <stdint.h>

#include "common/table/shm_layout.h"
#include "common/str.h"

static inline const void *shm_at(const void *base, shm_ref ref)
{
	return (const char *)base + (uint64_t)ref * TABLE_UNIT;
}

/*
 * The hash of a path is chained by element, so that one pass over a request's path yields the
 * hash of each of its prefixes: path_hash("/a/b") = H("b", H("a", seed)), and a final "/" is one
 * more, empty element. path begins with "/".
 */
uint64_t path_hash(uint64_t seed, struct str path);

/* What a leaf or node says about its hash without being touched. */
static inline uint32_t trie_tag(uint64_t hash)
{
	return (uint32_t)(hash >> 32) | 1u;
}

/* The bits of the hash that choose the entry at this level; level < TRIE_DEPTH. */
static inline unsigned trie_bit(uint64_t hash, unsigned level)
{
	return (unsigned)(hash >> (level * TRIE_BITS)) & 63u;
}

/* Number of entries before this bit's. */
static inline unsigned trie_index(uint64_t map, unsigned bit)
{
	return (unsigned)__builtin_popcountll(map & ((1ull << bit) - 1));
}

static inline unsigned trie_count(const struct trie_node *n, unsigned level)
{
	return level == TRIE_DEPTH ? (unsigned)n->map : (unsigned)__builtin_popcountll(n->map);
}

/* The leaf with this hash and key (empty: the hash alone), or NULL. root may be 0. */
const struct trie_leaf *trie_find(const void *base, shm_ref root, uint64_t hash, struct str key);

/* Every leaf, in an order the hashes make, from where `from` (a hash; 0: the first) would lie, in
 * as many steps as there are levels to find it; fn returns false to stop. */
bool trie_each(const void *base, shm_ref root, uint64_t from,
	       bool (*fn)(void *arg, const struct trie_leaf *l), void *arg);

/* How a path fits into a host. */
struct path_match {
	const struct path_entry *entry; /* NULL: no path of this host fits */
	bool add_slash;                 /* it would if the request's path ended in "/" */
};

/* regex may be NULL: PATH_REGEX entries never fit then. */
struct path_match path_match(const struct host_block *h, uint64_t seed, struct str path,
			     table_regex_fn *regex, void *regex_arg);

#endif
