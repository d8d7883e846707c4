/*
 * table_trie: see table_trie.h.
 *
 * Both changes are recursive over at most TRIE_DEPTH + 1 levels. Each level answers with the
 * reference its parent must hold now: the same one when the node could be changed in place.
 */
#include "master/table/table_trie.h"

#include <string.h>

#include "common/check.h"
#include "common/table/table_find.h"

struct change {
	struct table_alloc *a;
	uint64_t hash;
	struct str key;
	shm_ref leaf; /* put: the new one */
	shm_ref old;  /* what it replaces, or what was taken out */
};

static const struct trie_leaf *leaf_at(const struct table_alloc *a, shm_ref ref)
{
	return alloc_at(a, ref);
}

static bool leaf_has(const struct table_alloc *a, shm_ref ref, uint64_t hash, struct str key)
{
	const struct trie_leaf *l = leaf_at(a, ref);

	return l->hash == hash && str_eq(leaf_key(l), key);
}

static struct trie_entry leaf_entry(const struct change *c, shm_ref leaf)
{
	return (struct trie_entry){leaf, trie_tag(leaf_at(c->a, leaf)->hash)};
}

/* A node with a single entry. */
static shm_ref node_of_one(struct change *c, unsigned level, struct trie_entry e, uint64_t hash)
{
	shm_ref ref = alloc_take(c->a, ALLOC_NODE, trie_node_bytes(1));
	struct trie_node *n;

	if (ref == 0)
		return 0;
	n = alloc_at(c->a, ref);
	n->map = level == TRIE_DEPTH ? 1 : 1ull << trie_bit(hash, level);
	n->entry[0] = e;
	return ref;
}

/* The node with entry i changed to e. */
static shm_ref node_set(struct change *c, shm_ref ref, unsigned level, unsigned i,
			struct trie_entry e)
{
	const struct trie_node *from = alloc_at(c->a, ref);
	size_t bytes = trie_node_bytes(trie_count(from, level));
	struct trie_node *to;
	shm_ref copy = ref;

	if (!alloc_is_fresh(c->a, ref)) {
		copy = alloc_take(c->a, ALLOC_NODE, bytes);
		if (copy == 0 || alloc_retire(c->a, ref) == -1)
			return 0;
		memcpy(alloc_at(c->a, copy), from, bytes);
	}
	to = alloc_at(c->a, copy);
	to->entry[i] = e;
	return copy;
}

/* The node with one more entry at place i; map is its new map. */
static shm_ref node_insert(struct change *c, shm_ref ref, unsigned level, uint64_t map, unsigned i,
			   struct trie_entry e)
{
	const struct trie_node *from = alloc_at(c->a, ref);
	unsigned n = trie_count(from, level);
	shm_ref copy = alloc_take(c->a, ALLOC_NODE, trie_node_bytes(n + 1));
	struct trie_node *to;

	if (copy == 0)
		return 0;
	to = alloc_at(c->a, copy);
	to->map = map;
	memcpy(to->entry, from->entry, i * sizeof(e));
	to->entry[i] = e;
	memcpy(to->entry + i + 1, from->entry + i, (n - i) * sizeof(e));
	return alloc_retire(c->a, ref) == -1 ? 0 : copy;
}

/* The node without entry i, which has others. */
static shm_ref node_remove(struct change *c, shm_ref ref, unsigned level, uint64_t map, unsigned i)
{
	const struct trie_node *from = alloc_at(c->a, ref);
	unsigned n = trie_count(from, level);
	shm_ref copy = alloc_take(c->a, ALLOC_NODE, trie_node_bytes(n - 1));
	struct trie_node *to;

	if (copy == 0)
		return 0;
	to = alloc_at(c->a, copy);
	to->map = map;
	memcpy(to->entry, from->entry, i * sizeof(to->entry[0]));
	memcpy(to->entry + i, from->entry + i + 1, (n - i - 1) * sizeof(to->entry[0]));
	return alloc_retire(c->a, ref) == -1 ? 0 : copy;
}

static shm_ref put_below(struct change *c, shm_ref ref, unsigned level);

/* Where a leaf with the same bits sits already: replace it, or push it one level down. */
static shm_ref put_beside(struct change *c, shm_ref ref, unsigned level, unsigned i)
{
	const struct trie_node *n = alloc_at(c->a, ref);
	struct trie_entry there = n->entry[i];
	shm_ref below;

	if (leaf_has(c->a, there.ref, c->hash, c->key)) {
		c->old = there.ref;
		return node_set(c, ref, level, i, leaf_entry(c, c->leaf));
	}
	below = node_of_one(c, level + 1, there, leaf_at(c->a, there.ref)->hash);
	if (below != 0)
		below = put_below(c, below, level + 1);
	return below == 0 ? 0 : node_set(c, ref, level, i, (struct trie_entry){below, 0});
}

static shm_ref put_equal_hash(struct change *c, shm_ref ref)
{
	const struct trie_node *n = alloc_at(c->a, ref);
	unsigned count = (unsigned)n->map;

	for (unsigned i = 0; i < count; i++) {
		if (leaf_has(c->a, n->entry[i].ref, c->hash, c->key)) {
			c->old = n->entry[i].ref;
			return node_set(c, ref, TRIE_DEPTH, i, leaf_entry(c, c->leaf));
		}
	}
	return node_insert(c, ref, TRIE_DEPTH, n->map + 1, count, leaf_entry(c, c->leaf));
}

static shm_ref put_below(struct change *c, shm_ref ref, unsigned level)
{
	const struct trie_node *n = alloc_at(c->a, ref);
	unsigned bit, i;
	shm_ref below;

	if (level == TRIE_DEPTH)
		return put_equal_hash(c, ref);
	bit = trie_bit(c->hash, level);
	i = trie_index(n->map, bit);
	if ((n->map >> bit & 1) == 0)
		return node_insert(c, ref, level, n->map | 1ull << bit, i, leaf_entry(c, c->leaf));
	if (n->entry[i].tag != 0)
		return put_beside(c, ref, level, i);
	below = put_below(c, n->entry[i].ref, level + 1);
	if (below == 0 || below == n->entry[i].ref)
		return below == 0 ? 0 : ref;
	return node_set(c, ref, level, i, (struct trie_entry){below, 0});
}

int trie_put(struct table_alloc *a, shm_ref *root, shm_ref leaf, shm_ref *old)
{
	const struct trie_leaf *l = leaf_at(a, leaf);
	struct change c = {.a = a, .hash = l->hash, .key = leaf_key(l), .leaf = leaf};
	shm_ref to =
	    *root == 0 ? node_of_one(&c, 0, leaf_entry(&c, leaf), c.hash) : put_below(&c, *root, 0);

	if (to == 0)
		return -1;
	*root = to;
	*old = c.old;
	return 0;
}

/* What is left of a node after a delete. */
struct rest {
	bool failed;
	bool empty;
	struct trie_entry entry; /* for the parent: the node, or its only leaf pulled up */
};

static const struct rest rest_failed = {.failed = true};

static struct rest rest_node(shm_ref ref)
{
	return ref == 0 ? rest_failed : (struct rest){.entry = {ref, 0}};
}

/* The node without entry i: gone when that was all, pulled up when one leaf is left. */
static struct rest remove_entry(struct change *c, shm_ref ref, unsigned level, unsigned i)
{
	const struct trie_node *n = alloc_at(c->a, ref);
	unsigned count = trie_count(n, level);
	uint64_t map =
	    level == TRIE_DEPTH ? n->map - 1 : n->map & ~(1ull << trie_bit(c->hash, level));
	struct trie_entry other = n->entry[count == 2 ? 1 - i : 0];

	if (count == 1 || (count == 2 && other.tag != 0 && level > 0)) {
		if (alloc_retire(c->a, ref) == -1)
			return rest_failed;
		return (struct rest){.empty = count == 1, .entry = other};
	}
	return rest_node(node_remove(c, ref, level, map, i));
}

/* Entry i is e from now on; a node whose only entry became a leaf is pulled up as well. */
static struct rest replace_entry(struct change *c, shm_ref ref, unsigned level, unsigned i,
				 struct trie_entry e)
{
	const struct trie_node *n = alloc_at(c->a, ref);

	if (e.tag == 0 && e.ref == n->entry[i].ref)
		return rest_node(ref);
	if (e.tag != 0 && level > 0 && trie_count(n, level) == 1) {
		if (alloc_retire(c->a, ref) == -1)
			return rest_failed;
		return (struct rest){.entry = e};
	}
	return rest_node(node_set(c, ref, level, i, e));
}

static struct rest del_equal_hash(struct change *c, shm_ref ref)
{
	const struct trie_node *n = alloc_at(c->a, ref);

	for (unsigned i = 0; i < (unsigned)n->map; i++) {
		if (leaf_has(c->a, n->entry[i].ref, c->hash, c->key)) {
			c->old = n->entry[i].ref;
			return remove_entry(c, ref, TRIE_DEPTH, i);
		}
	}
	return rest_node(ref);
}

static struct rest del_below(struct change *c, shm_ref ref, unsigned level)
{
	const struct trie_node *n = alloc_at(c->a, ref);
	struct rest below;
	unsigned bit, i;

	if (level == TRIE_DEPTH)
		return del_equal_hash(c, ref);
	bit = trie_bit(c->hash, level);
	i = trie_index(n->map, bit);
	if ((n->map >> bit & 1) == 0)
		return rest_node(ref);
	if (n->entry[i].tag != 0) {
		if (!leaf_has(c->a, n->entry[i].ref, c->hash, c->key))
			return rest_node(ref);
		c->old = n->entry[i].ref;
		return remove_entry(c, ref, level, i);
	}
	below = del_below(c, n->entry[i].ref, level + 1);
	if (below.failed)
		return below;
	CHECK(!below.empty); /* a node below the root has at least two leaves under it */
	return replace_entry(c, ref, level, i, below.entry);
}

int trie_del(struct table_alloc *a, shm_ref *root, uint64_t hash, struct str key, shm_ref *old)
{
	struct change c = {.a = a, .hash = hash, .key = key};
	struct rest r;

	*old = 0;
	if (*root == 0)
		return 0;
	r = del_below(&c, *root, 0);
	if (r.failed)
		return -1;
	*root = r.empty ? 0 : r.entry.ref;
	*old = c.old;
	return 0;
}
