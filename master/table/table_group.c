/* table_group: see table_group.h. */
#include "master/table/table_group.h"

#include <string.h>

#include "common/check.h"
#include "common/table/table_find.h"
#include "master/table/table_trie.h"

struct retired_number {
	uint64_t version; /* the first without it */
	uint32_t number;
};

void groups_init(struct groups *g, struct table_alloc *a, uint64_t seed)
{
	*g = (struct groups){.a = a};
	/* The leaf's beginning holds the number: not part of what makes two groups equal. */
	intern_init(&g->blocks, a, seed, sizeof(struct trie_leaf));
}

void groups_free(struct groups *g)
{
	intern_free(&g->blocks);
	vec_free(&g->free);
	vec_free(&g->taken);
	vec_free(&g->retiring);
	vec_free(&g->retired);
	vec_free(&g->scratch);
}

/* 0 with errno ENOMEM. */
static uint32_t take_number(struct groups *g)
{
	uint32_t *place = vec_push(&g->taken, sizeof(*place));

	if (place == NULL)
		return 0;
	*place = g->free.n > 0 ? ((uint32_t *)g->free.items)[--g->free.n] : ++g->highest;
	return *place;
}

static struct group_block *build(struct groups *g, const struct str *texts)
{
	struct group_block *b;
	size_t size = sizeof(*b);
	char *to;

	for (unsigned i = 0; i < GROUP_TEXTS; i++)
		size += texts[i].n;
	g->scratch.n = 0;
	if (vec_reserve(&g->scratch, size, 1) == -1)
		return NULL;
	b = g->scratch.items;
	*b = (struct group_block){.leaf = {.size = (uint32_t)size}};
	to = (char *)(b + 1);
	for (unsigned i = 0; i < GROUP_TEXTS; i++) {
		CHECK(texts[i].n <= UINT16_MAX);
		b->n[i] = (uint16_t)texts[i].n;
		if (texts[i].n > 0)
			memcpy(to, texts[i].p, texts[i].n);
		to += texts[i].n;
	}
	return b;
}

uint32_t groups_take(struct groups *g, shm_ref *trie, const struct str *texts)
{
	struct group_block *b = build(g, texts);
	shm_ref ref, old;
	bool created;

	if (b == NULL)
		return 0;
	ref = intern_take(&g->blocks, b, b->leaf.size, &created);
	if (ref == 0)
		return 0;
	b = alloc_at(g->a, ref);
	if (!created)
		return (uint32_t)b->leaf.hash;
	b->leaf.hash = take_number(g);
	if (b->leaf.hash == 0 || trie_put(g->a, trie, ref, &old) == -1)
		return 0;
	CHECK(old == 0);
	return (uint32_t)b->leaf.hash;
}

int groups_drop(struct groups *g, shm_ref trie, uint32_t number)
{
	const struct trie_leaf *l = trie_find(g->a->base, trie, number, STR_NONE);

	CHECK(l != NULL);
	return intern_drop(&g->blocks, alloc_ref(g->a, l), l->size);
}

struct disposal {
	struct groups *g;
	shm_ref *trie;
};

static int dispose_one(void *arg, shm_ref ref)
{
	struct disposal *d = arg;
	struct groups *g = d->g;
	const struct trie_leaf *l = alloc_at(g->a, ref);
	uint32_t *place = vec_push(&g->retiring, sizeof(*place));
	shm_ref old;

	if (place == NULL)
		return -1;
	*place = (uint32_t)l->hash;
	if (trie_del(g->a, d->trie, l->hash, STR_NONE, &old) == -1)
		return -1;
	CHECK(old == ref);
	return alloc_retire(g->a, ref);
}

int groups_dispose(struct groups *g, shm_ref *trie)
{
	struct disposal d = {g, trie};

	if (intern_dispose(&g->blocks, dispose_one, &d) == -1)
		return -1;
	if (g->retired_from == g->retired.n)
		g->retired_from = g->retired.n = 0;
	return vec_reserve(&g->retired, g->retiring.n, sizeof(struct retired_number));
}

void groups_commit(struct groups *g, uint64_t version)
{
	const uint32_t *number = g->retiring.items;

	intern_commit(&g->blocks);
	for (size_t i = 0; i < g->retiring.n; i++) {
		struct retired_number *r = vec_push(&g->retired, sizeof(*r));

		CHECK(r != NULL); /* groups_dispose() made the room */
		*r = (struct retired_number){version, number[i]};
	}
	g->retiring.n = 0;
	g->taken.n = 0;
}

/* A number that finds no memory to be remembered in is never used again; that is harmless. */
static void free_number(struct groups *g, uint32_t number)
{
	uint32_t *place = vec_push(&g->free, sizeof(*place));

	if (place != NULL)
		*place = number;
}

void groups_rollback(struct groups *g)
{
	const uint32_t *number = g->taken.items;

	intern_rollback(&g->blocks);
	for (size_t i = 0; i < g->taken.n; i++)
		free_number(g, number[i]);
	g->taken.n = 0;
	g->retiring.n = 0;
}

void groups_reclaim(struct groups *g, uint64_t oldest)
{
	const struct retired_number *r = g->retired.items;

	while (g->retired_from < g->retired.n && r[g->retired_from].version <= oldest)
		free_number(g, r[g->retired_from++].number);
}
