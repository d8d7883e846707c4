/*
 * pool: idle connections to endpoints, per worker.
 *
 * Keyed by address, protocol and TLS profile, so that what was opened under one profile is never
 * used under another; the one used last is taken first, so
 * that the others can age and leave. Bounded by upstream-keepalive-connections: the one idle
 * longest makes room. Taking and putting is a list operation, never a system call: each idle
 * connection watches its own descriptor and leaves the pool when the origin closes it.
 * The pool knows nothing of what is pooled but struct pooled.
 */
#ifndef SILEX_WORKER_UPSTREAM_POOL_H
#define SILEX_WORKER_UPSTREAM_POOL_H

#include <bsd/sys/queue.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/net/addr.h"

struct pool;
struct pooled;

struct pool_key {
	struct addr addr;
	uint32_t protocol; /* enum cluster_protocol of this connection: never AUTO */
	uint64_t profile;  /* generation of the TLS profile (tls_upstream.h); 0: none */
};
_Static_assert(sizeof(struct pool_key) == 32, "a key is hashed as its bytes: no holes");

bool pool_key_eq(const struct pool_key *a, const struct pool_key *b);

/* Embedded in a connection. */
struct pooled {
	struct pool_key key;
	bool idle;                       /* it is in the pool */
	uint64_t cluster;                /* whose endpoint it was picked as */
	uint64_t version;                /* table version in which it was one for certain */
	void (*close)(struct pooled *p); /* called when the pool has let it go */
	LIST_ENTRY(pooled) bucket;
	TAILQ_ENTRY(pooled) age;
};

/* cap 0: nothing is ever pooled. NULL: ENOMEM. */
struct pool *pool_new(size_t cap);
void pool_free(struct pool *pool); /* closes all */

/* The most recently used idle connection, out of the pool now; NULL. */
struct pooled *pool_take(struct pool *pool, const struct pool_key *key);
/* False when nothing is pooled: the caller closes. May close the one idle longest. */
bool pool_put(struct pool *pool, struct pooled *p);
/* An idle one leaves on its own (closed by the origin, too old). No-op when it is not idle. */
void pool_remove(struct pool *pool, struct pooled *p);

/* Close every idle connection for which `stays` is false. */
void pool_sweep(struct pool *pool, bool (*stays)(void *arg, struct pooled *p), void *arg);
size_t pool_count(const struct pool *pool);

#endif
