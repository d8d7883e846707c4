/*
 * pick_hash: who has the best claim to a key (rendezvous hashing): the endpoint for which the hash
 * of key and address is highest. Every worker and every Silex comes to the same answer without
 * state; when an endpoint goes, only its own keys move, evenly to all others, and when one comes
 * it takes an even part from each. No ring comes as close. An endpoint's own hash is made once, so
 * that a pick costs a dozen instructions an endpoint. When the best is not eligible it is the
 * second's turn, and so on.
 */
#define XXH_INLINE_ALL /* a call would cost as much as hashing an address */
#include "common/hash.h"
#include "worker/upstream/pick_int.h"

#include <stdlib.h>

struct claim {
	uint64_t height;
	const struct table_endpoint *e;
};

/* Key and address, mixed so that every bit of either moves every bit of it (the end of
 * MurmurHash3). */
static uint64_t height_of(uint64_t key, uint64_t name)
{
	uint64_t h = key ^ name;

	h = (h ^ h >> 33) * 0xff51afd7ed558ccdull;
	h = (h ^ h >> 33) * 0xc4ceb9fe1a85ec53ull;
	return h ^ h >> 33;
}

/* Unseeded: every worker and every Silex must come to the same. NULL: memory is out. */
static const uint64_t *names_of(struct round *r, const struct cluster_view *c)
{
	if (r->names != NULL)
		return r->names;
	r->names = calloc(c->n_endpoints, sizeof(*r->names));
	for (uint32_t i = 0; r->names != NULL && i < c->n_endpoints; i++)
		r->names[i] = XXH3_64bits(&c->endpoints[i].addr, sizeof(c->endpoints[i].addr));
	return r->names;
}

static const struct table_endpoint *best(const struct picking *k, const uint64_t *names,
					 uint64_t key)
{
	struct claim top = {0, NULL};

	for (uint32_t i = 0; i < k->c->n_endpoints; i++) {
		const struct table_endpoint *e = &k->c->endpoints[i];
		uint64_t height = height_of(key, names[i]);

		if ((top.e == NULL || height > top.height) && pick_eligible(k, e))
			top = (struct claim){height, e};
	}
	return top.e;
}

/* Into the list of the n highest so far, room of them at most. */
static uint32_t insert(struct claim *top, uint32_t n, uint32_t room, struct claim one)
{
	uint32_t at = n;

	while (at > 0 && top[at - 1].height < one.height)
		at--;
	if (at == room)
		return n;
	for (uint32_t i = n < room ? n : room - 1; i > at; i--)
		top[i] = top[i - 1];
	top[at] = one;
	return n < room ? n + 1 : n;
}

/* One of the `room` best at random. */
static const struct table_endpoint *one_of(const struct picking *k, const uint64_t *names,
					   uint64_t key, uint32_t room)
{
	struct claim top[CLUSTER_SUBSET_MAX];
	uint32_t n = 0;

	for (uint32_t i = 0; i < k->c->n_endpoints; i++) {
		const struct table_endpoint *e = &k->c->endpoints[i];

		if (pick_eligible(k, e))
			n = insert(top, n, room, (struct claim){height_of(key, names[i]), e});
	}
	return n == 0 ? NULL : top[picker_random(k->p, n)].e;
}

const struct table_endpoint *hash_next(struct round *r, const struct picking *k)
{
	const uint64_t *names = names_of(r, k->c);
	uint64_t key = hash_str(k->ask->key, 0);
	uint32_t subset = k->ask->subset;

	if (names == NULL)
		return round_next(r, k);
	if (subset <= 1)
		return best(k, names, key);
	return one_of(k, names, key, subset < CLUSTER_SUBSET_MAX ? subset : CLUSTER_SUBSET_MAX);
}
