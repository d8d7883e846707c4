/* table_intern: see table_intern.h. The key of an item is the content of its block. */
#include "master/table/table_intern.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/check.h"
#include "common/hash.h"
#include "common/table/table_find.h"

struct intern_step {
	uint64_t hash;
	shm_ref ref;
	int16_t delta; /* +1 or -1 */
	bool created;  /* the item exists because of this step */
};

void intern_init(struct intern *in, struct table_alloc *a, uint64_t seed, size_t skip)
{
	*in = (struct intern){.a = a, .seed = seed, .skip = skip};
}

void intern_free(struct intern *in)
{
	free(in->items);
	vec_free(&in->log);
	*in = (struct intern){.a = NULL};
}

static uint64_t content_hash(const struct intern *in, const void *block, size_t n)
{
	return hash_str(str_make((const char *)block + in->skip, n - in->skip), in->seed);
}

static struct intern_item *by_ref(const struct intern *in, uint64_t hash, shm_ref ref)
{
	for (size_t i = hash & (in->cap - 1);; i = (i + 1) & (in->cap - 1)) {
		if (in->items[i].ref == 0)
			return NULL;
		if (in->items[i].ref == ref)
			return &in->items[i];
	}
}

/* The item with this content, or the empty place where it belongs. */
static struct intern_item *by_content(const struct intern *in, uint64_t hash, const void *block,
				      size_t n)
{
	for (size_t i = hash & (in->cap - 1);; i = (i + 1) & (in->cap - 1)) {
		struct intern_item *it = &in->items[i];
		const char *there = alloc_at(in->a, it->ref);

		if (it->ref == 0)
			return it;
		if (it->hash == hash &&
		    memcmp(there + in->skip, (const char *)block + in->skip, n - in->skip) == 0)
			return it;
	}
}

static int grow(struct intern *in)
{
	size_t old_cap = in->cap, cap = old_cap == 0 ? 16 : old_cap * 2;
	struct intern_item *old = in->items, *items = calloc(cap, sizeof(*items));

	if (items == NULL) {
		errno = ENOMEM;
		return -1;
	}
	in->items = items;
	in->cap = cap;
	for (size_t i = 0; i < old_cap; i++) {
		size_t to = old[i].hash & (cap - 1);

		if (old[i].ref == 0)
			continue;
		while (items[to].ref != 0)
			to = (to + 1) & (cap - 1);
		items[to] = old[i];
	}
	free(old);
	return 0;
}

/* Take an item out and close the gap, so that every probe still ends at an empty place. */
static void forget(struct intern *in, struct intern_item *it)
{
	size_t mask = in->cap - 1, hole = (size_t)(it - in->items);

	for (size_t i = (hole + 1) & mask; in->items[i].ref != 0; i = (i + 1) & mask) {
		size_t home = in->items[i].hash & mask;

		if (((i - home) & mask) < ((i - hole) & mask))
			continue; /* its home is behind the hole: it stays reachable */
		in->items[hole] = in->items[i];
		hole = i;
	}
	in->items[hole] = (struct intern_item){.ref = 0};
	in->n--;
}

static int log_step(struct intern *in, uint64_t hash, shm_ref ref, int16_t delta, bool created)
{
	struct intern_step *s = vec_push(&in->log, sizeof(*s));

	if (s == NULL)
		return -1;
	*s = (struct intern_step){hash, ref, delta, created};
	return 0;
}

shm_ref intern_take(struct intern *in, const void *block, size_t n, bool *created)
{
	uint64_t hash = content_hash(in, block, n);
	struct intern_item *it;
	shm_ref ref;

	*created = false;
	if ((in->n + 1) * 4 > in->cap * 3 && grow(in) == -1)
		return 0;
	it = by_content(in, hash, block, n);
	ref = it->ref;
	if (ref == 0) {
		ref = alloc_take(in->a, ALLOC_OTHER, n);
		if (ref == 0)
			return 0;
		memcpy(alloc_at(in->a, ref), block, n);
	}
	if (log_step(in, hash, ref, 1, it->ref == 0) == -1)
		return 0;
	if (it->ref == 0) {
		*it = (struct intern_item){.hash = hash, .ref = ref};
		in->n++;
		*created = true;
	}
	it->refs++;
	return ref;
}

int intern_drop(struct intern *in, shm_ref ref, size_t n)
{
	uint64_t hash = content_hash(in, alloc_at(in->a, ref), n);
	struct intern_item *it = by_ref(in, hash, ref);

	CHECK(it != NULL && it->refs > 0);
	if (log_step(in, hash, ref, -1, false) == -1)
		return -1;
	it->refs--;
	return 0;
}

int intern_dispose(struct intern *in, int (*fn)(void *arg, shm_ref ref), void *arg)
{
	const struct intern_step *s = in->log.items;

	for (size_t i = 0; i < in->log.n; i++) {
		struct intern_item *it = by_ref(in, s[i].hash, s[i].ref);

		CHECK(it != NULL);
		if (it->refs != 0 || it->gone)
			continue;
		if (fn(arg, it->ref) == -1)
			return -1;
		it->gone = true;
	}
	return 0;
}

void intern_commit(struct intern *in)
{
	const struct intern_step *s = in->log.items;

	for (size_t i = 0; i < in->log.n; i++) {
		struct intern_item *it = by_ref(in, s[i].hash, s[i].ref);

		if (it != NULL && it->gone)
			forget(in, it);
	}
	in->log.n = 0;
}

void intern_rollback(struct intern *in)
{
	const struct intern_step *s = in->log.items;

	/* Backwards: what made an item is then the last step that needs it. */
	for (size_t i = in->log.n; i-- > 0;) {
		struct intern_item *it = by_ref(in, s[i].hash, s[i].ref);

		CHECK(it != NULL);
		it->refs = (uint32_t)((int64_t)it->refs - s[i].delta);
		it->gone = false;
		if (s[i].created)
			forget(in, it);
	}
	in->log.n = 0;
}
