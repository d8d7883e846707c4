/*
 * pick_int: what the ways of picking share; see pick.h. Only files pick*.c include it.
 */
#ifndef SILEX_WORKER_UPSTREAM_PICK_INT_H
#define SILEX_WORKER_UPSTREAM_PICK_INT_H

#include "common/table/cluster_kind.h"
#include "worker/upstream/eject.h"
#include "worker/upstream/pick.h"

/*
 * What is known of one cluster. Lies in a direct-mapped cache: two busy clusters on one place
 * push each other out, which costs a fresh random start each time and is still an even spread.
 */
struct ewma_peer; /* pick_ewma.c */

struct round {
	uint64_t cluster;
	uint64_t generation;
	uint32_t n;
	uint32_t cursor; /* all weights alike: the next index */
	uint8_t level;   /* best endpoint_state there is */
	int32_t
	    *current;    /* weights differ: n of nginx' smooth weighted round robin, NULL = alike */
	int32_t *weight; /* ... n effective weights, in the same memory */
	uint64_t *names; /* hashes of the n addresses, once a key was asked for */
	struct ewma_peer *peers; /* BALANCE_EWMA: n of them */
	uint64_t weigh_ms;       /* when they are to be reckoned anew; 0: they stay */
};

/* One pick under way. */
struct picking {
	struct picker *p;
	const struct cluster_view *c;
	const struct pick_ask *ask;
	uint8_t level;
	bool may_be_out;   /* nobody is ejected, or there is nobody else */
	bool may_be_tried; /* there is nobody else */
};

static inline bool pick_eligible(const struct picking *k, const struct table_endpoint *e)
{
	if (e->state != k->level)
		return false;
	if (!k->may_be_tried && k->ask->n_tried > 0 && pick_was_tried(k->ask, &e->addr))
		return false;
	return k->may_be_out || !eject_is_out(k->ask->eject, k->c->id, &e->addr);
}

/* Round robin. NULL: nobody is eligible. */
void round_begin(struct picker *p, struct round *r, const struct cluster_view *c, uint64_t now_ms);
const struct table_endpoint *round_next(struct round *r, const struct picking *k);

/* The faster of two; v: the peers. NULL: at random. */
struct ewma_peer *ewma_begin(const struct cluster_view *c, const struct ewma_peer *old,
			     uint32_t n_old, uint64_t now_ms);
const struct table_endpoint *ewma_next(const struct ewma_peer *v, const struct picking *k);
void ewma_measured(struct ewma_peer *v, uint32_t n, const struct addr *a, double us, bool failed,
		   uint64_t now_ms);

/* By k->ask->key. */
const struct table_endpoint *hash_next(struct round *r, const struct picking *k);

#endif
