/* pool: see pool.h. */
#include "worker/upstream/pool.h"

#include <stdlib.h>
#include <string.h>

#include "common/check.h"

#define BUCKETS 1024u /* 2^10: bucket_of() takes the top ten bits */

struct pool {
	size_t cap, count;
	TAILQ_HEAD(, pooled) ages; /* idle longest first */
	LIST_HEAD(, pooled) buckets[BUCKETS];
};

struct pool *pool_new(size_t cap)
{
	struct pool *pool = calloc(1, sizeof(*pool));

	if (pool == NULL)
		return NULL;
	pool->cap = cap;
	TAILQ_INIT(&pool->ages);
	return pool;
}

static unsigned bucket_of(const struct pool_key *k)
{
	uint64_t ip[2], mix;

	/* Addresses are the cluster's own, not an attacker's: a multiplication spreads them. */
	memcpy(ip, k->addr.ip, sizeof(ip));
	mix = (ip[0] ^ ip[1] ^ (uint64_t)k->addr.port << 32 ^ k->protocol) * 0x9e3779b97f4a7c15ull;
	return (unsigned)(mix >> 54);
}

bool pool_key_eq(const struct pool_key *a, const struct pool_key *b)
{
	return a->protocol == b->protocol && a->profile == b->profile &&
	       addr_eq(&a->addr, &b->addr);
}

void pool_remove(struct pool *pool, struct pooled *p)
{
	if (!p->idle)
		return;
	CHECK(pool->count > 0);
	LIST_REMOVE(p, bucket);
	TAILQ_REMOVE(&pool->ages, p, age);
	p->idle = false;
	pool->count--;
}

struct pooled *pool_take(struct pool *pool, const struct pool_key *key)
{
	struct pooled *p;

	if (pool->count == 0)
		return NULL;
	LIST_FOREACH (p, &pool->buckets[bucket_of(key)], bucket) {
		if (pool_key_eq(&p->key, key)) {
			pool_remove(pool, p);
			return p;
		}
	}
	return NULL;
}

static void let_go(struct pool *pool, struct pooled *p)
{
	pool_remove(pool, p);
	p->close(p);
}

bool pool_put(struct pool *pool, struct pooled *p)
{
	CHECK(!p->idle);
	if (pool->cap == 0)
		return false;
	if (pool->count >= pool->cap)
		let_go(pool, TAILQ_FIRST(&pool->ages));
	LIST_INSERT_HEAD(&pool->buckets[bucket_of(&p->key)], p, bucket);
	TAILQ_INSERT_TAIL(&pool->ages, p, age);
	p->idle = true;
	pool->count++;
	return true;
}

void pool_sweep(struct pool *pool, bool (*stays)(void *arg, struct pooled *p), void *arg)
{
	struct pooled *p, *next;

	TAILQ_FOREACH_SAFE (p, &pool->ages, age, next) {
		if (!stays(arg, p))
			let_go(pool, p);
	}
}

size_t pool_count(const struct pool *pool)
{
	return pool->count;
}

void pool_free(struct pool *pool)
{
	struct pooled *p;

	if (pool == NULL)
		return;
	while ((p = TAILQ_FIRST(&pool->ages)) != NULL)
		let_go(pool, p);
	free(pool);
}
