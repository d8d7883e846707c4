/*
 * table_find: see table_find.h.
 *
 * A lookup in 100,000 hosts is three or four nodes and one host block, nearly each of them a
 * cache miss, and the misses are the whole cost. So a node's entry carries half of the leaf's hash:
 * a name that is not there is refused without touching anything else.
 */
#define XXH_INLINE_ALL /* a call would cost as much as hashing a short name */
#include "common/hash.h"
#include "common/table/table_find.h"

/* One element of a path, on top of the hash of what is before it. */
static inline uint64_t element_hash(uint64_t before, const char *p, size_t n)
{
	return hash_str(str_make(p, n), before);
}

static inline size_t element_end(struct str path, size_t at)
{
	const char *slash = at < path.n ? memchr(path.p + at, '/', path.n - at) : NULL;

	return slash == NULL ? path.n : (size_t)(slash - path.p);
}

uint64_t path_hash(uint64_t seed, struct str path)
{
	uint64_t h = seed;
	size_t end;

	for (size_t at = 1;; at = end + 1) {
		end = element_end(path, at);
		h = element_hash(h, path.p + at, end - at);
		if (end >= path.n)
			return h;
	}
}

static inline bool leaf_is(const struct trie_leaf *l, uint64_t hash, struct str key)
{
	return l->hash == hash && str_eq(leaf_key(l), key);
}

/* Level TRIE_DEPTH: different names, the same 64 bits of hash. */
static const struct trie_leaf *find_equal_hashes(const void *base, const struct trie_node *node,
						 uint64_t hash, struct str key)
{
	for (uint64_t i = 0; i < node->map; i++) {
		const struct trie_leaf *l = shm_at(base, node->entry[i].ref);

		if (leaf_is(l, hash, key))
			return l;
	}
	return NULL;
}

const struct trie_leaf *trie_find(const void *base, shm_ref root, uint64_t hash, struct str key)
{
	shm_ref at = root;

	if (root == 0)
		return NULL;
	for (unsigned level = 0; level < TRIE_DEPTH; level++) {
		const struct trie_node *node = shm_at(base, at);
		unsigned bit = trie_bit(hash, level);
		const struct trie_entry *e;

		if ((node->map >> bit & 1) == 0)
			return NULL;
		e = &node->entry[trie_index(node->map, bit)];
		if (e->tag != 0) {
			const struct trie_leaf *l = shm_at(base, e->ref);

			if (e->tag != trie_tag(hash))
				return NULL;
			__builtin_prefetch((const char *)l +
					   64); /* the first path, the endpoints */
			return leaf_is(l, hash, key) ? l : NULL;
		}
		at = e->ref;
		/* Which of the node's lines holds the entry is known only when its first has come.
		 */
		__builtin_prefetch((const char *)shm_at(base, at) + 64);
		__builtin_prefetch((const char *)shm_at(base, at) + 128);
	}
	return find_equal_hashes(base, shm_at(base, at), hash, key);
}

/* In the walk's order: by the first of a level's bits, from the low end, that differ. */
static bool comes_before(uint64_t a, uint64_t b)
{
	unsigned level;

	if (a == b)
		return false;
	level = (unsigned)__builtin_ctzll(a ^ b) / TRIE_BITS;
	return trie_bit(a, level) < trie_bit(b, level);
}

struct walk {
	const void *base;
	uint64_t from;
	bool (*fn)(void *arg, const struct trie_leaf *l);
	void *arg;
};

/* edge: what comes before w->from lies below this node, too. */
static bool each_below(const struct walk *w, shm_ref at, unsigned level, bool edge)
{
	const struct trie_node *node = shm_at(w->base, at);
	unsigned n = trie_count(node, level), i = 0;

	if (edge && level < TRIE_DEPTH) {
		unsigned bit = trie_bit(w->from, level);

		i = trie_index(node->map, bit);
		edge = (node->map >> bit & 1) != 0;
	}
	for (; i < n; i++, edge = false) {
		const struct trie_entry *e = &node->entry[i];
		const struct trie_leaf *l;

		if (e->tag == 0) {
			if (!each_below(w, e->ref, level + 1, edge))
				return false;
			continue;
		}
		l = shm_at(w->base, e->ref);
		if (!(edge && comes_before(l->hash, w->from)) && !w->fn(w->arg, l))
			return false;
	}
	return true;
}

bool trie_each(const void *base, shm_ref root, uint64_t from,
	       bool (*fn)(void *arg, const struct trie_leaf *l), void *arg)
{
	struct walk w = {base, from, fn, arg};

	return root == 0 || each_below(&w, root, 0, from != 0);
}

/* The path of this kind that reads `text`, or `text` and "/" with slash set. */
static const struct path_entry *find_path(const struct host_block *h, uint64_t hash,
					  struct str text, bool slash, enum path_kind kind)
{
	const struct path_slot *slots = host_slots(h);
	uint32_t mask = host_n_slots(h) - 1;

	for (uint32_t i = (uint32_t)hash & mask;; i = (i + 1) & mask) {
		const struct path_entry *e;

		if (slots[i].entry == PATH_SLOT_EMPTY)
			return NULL;
		if (slots[i].tag != (uint32_t)(hash >> 32))
			continue;
		e = &host_paths(h)[slots[i].entry];
		if (e->kind == kind && e->text_n == text.n + slash &&
		    memcmp((const char *)h + e->text_at, text.p, text.n) == 0 &&
		    (!slash || ((const char *)h)[e->text_at + text.n] == '/'))
			return e;
	}
}

/* Is there a reason to answer with a redirect to path + "/"? */
static const struct path_entry *find_with_slash(const struct host_block *h, uint64_t hash,
						struct str path, const struct path_entry *prefix)
{
	if (prefix != NULL)
		return prefix; /* PATH_SLASH_ONLY, or it would have fitted */
	if ((h->flags & HOST_EXACT_SLASH) == 0)
		return NULL;
	return find_path(h, element_hash(hash, path.p, 0), path, true, PATH_EXACT);
}

static const struct path_entry *find_regex(const struct host_block *h, struct str path,
					   table_regex_fn *regex, void *arg)
{
	const uint32_t *order = host_regexes(h);

	for (uint32_t i = 0; regex != NULL && i < h->n_regex; i++) {
		const struct path_entry *e = &host_paths(h)[order[i]];

		if (regex(arg, path_text(h, e), path))
			return e;
	}
	return NULL;
}

/*
 * The longest prefix that ends at an element boundary before the end of path. *whole becomes the
 * hash of all of path, and *has_whole false when path is longer than any path of this host.
 */
static const struct path_entry *find_prefix(const struct host_block *h, uint64_t seed,
					    struct str path, uint64_t *whole, bool *has_whole)
{
	const struct path_entry *best = h->root == PATH_NONE ? NULL : &host_paths(h)[h->root];
	uint64_t hash = seed;
	size_t end;

	*has_whole = false;
	if (h->slots_log2 == 0 || path.n == 0 || path.p[0] != '/')
		return best;
	for (size_t at = 1;; at = end + 1) {
		const struct path_entry *e;

		end = element_end(path, at);
		if (end > h->text_max)
			return best;
		hash = element_hash(hash, path.p + at, end - at);
		if (end == path.n)
			break;
		e = find_path(h, hash, str_make(path.p, end), false, PATH_PREFIX);
		best = e != NULL ? e : best;
	}
	*whole = hash;
	*has_whole = true;
	return best;
}

struct path_match path_match(const struct host_block *h, uint64_t seed, struct str path,
			     table_regex_fn *regex, void *regex_arg)
{
	uint64_t hash = 0;
	bool has_whole;
	const struct path_entry *prefix = find_prefix(h, seed, path, &hash, &has_whole);
	const struct path_entry *e;

	if (has_whole) {
		e = find_path(h, hash, path, false, PATH_EXACT);
		if (e != NULL)
			return (struct path_match){e, false};
	}
	if (h->n_regex != 0) {
		e = find_regex(h, path, regex, regex_arg);
		if (e != NULL)
			return (struct path_match){e, false};
	}
	if (has_whole) {
		e = find_path(h, hash, path, false, PATH_PREFIX);
		if (e != NULL && (e->flags & PATH_SLASH_ONLY) == 0)
			return (struct path_match){e, false};
		e = find_with_slash(h, hash, path, e);
		if (e != NULL)
			return (struct path_match){e, true};
	}
	return (struct path_match){prefix, false};
}
