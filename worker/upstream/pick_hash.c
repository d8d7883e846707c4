/*
 * pick_hash: who has the best claim to a key (rendezvous hashing): the endpoint for which the hash
 * of key and address is highest. Every worker and every Silex comes to the same answer without
 * state; when an endpoint goes, only its own keys move, evenly to all others, and when one comes
 * it takes an even part from each. No ring comes as close, at a price of a few nanoseconds an
 * endpoint and pick. When the best is not eligible it is the second's turn, and so on.
 */
#define XXH_INLINE_ALL /* a call would cost as much as hashing an address */
#include "common/hash.h"
#include "worker/upstream/pick_int.h"

struct claim {
	uint64_t height;
	const struct table_endpoint *e;
};

static uint64_t height_of(uint64_t key, const struct table_endpoint *e)
{
	return XXH3_64bits_withSeed(&e->addr, sizeof(e->addr), key);
}

static const struct table_endpoint *best(const struct picking *k, uint64_t key)
{
	struct claim top = {0, NULL};

	for (uint32_t i = 0; i < k->c->n_endpoints; i++) {
		const struct table_endpoint *e = &k->c->endpoints[i];
		uint64_t height;

		if (!pick_eligible(k, e))
			continue;
		height = height_of(key, e);
		if (top.e == NULL || height > top.height)
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
static const struct table_endpoint *one_of(const struct picking *k, uint64_t key, uint32_t room)
{
	struct claim top[CLUSTER_SUBSET_MAX];
	uint32_t n = 0;

	for (uint32_t i = 0; i < k->c->n_endpoints; i++) {
		const struct table_endpoint *e = &k->c->endpoints[i];

		if (pick_eligible(k, e))
			n = insert(top, n, room, (struct claim){height_of(key, e), e});
	}
	return n == 0 ? NULL : top[picker_random(k->p, n)].e;
}

const struct table_endpoint *hash_next(const struct picking *k)
{
	uint64_t key = hash_str(k->ask->key, 0);
	uint32_t subset = k->ask->subset;

	if (subset <= 1)
		return best(k, key);
	return one_of(k, key, subset < CLUSTER_SUBSET_MAX ? subset : CLUSTER_SUBSET_MAX);
}
