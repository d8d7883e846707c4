/*
 * pick: which endpoint of a cluster gets the next request.
 *
 * Round robin, smooth over weights (an endpoint of weight 3 beside one of weight 1 gets
 * a a b a, never a a a b). Every worker goes its own round from a random start, so that workers
 * need no shared counter and do not march in step. READY endpoints only; TERMINATING ones when
 * there is no other; DOWN ones as the last resort, since a health check may err.
 *
 * load-balance ewma: the faster of two at random (pick_ewma.c). A key, if there is one: who has the
 * best claim to it (pick_hash.c); a pick that is tried again goes to who has the next best.
 *
 * Slow start, with round robin: an endpoint that became ready less than slow_start_ms ago has a
 * tenth of its weight at first, growing evenly. Weights are reckoned anew a few dozen times in that
 * time, not at every pick; when all have theirs, picking is as cheap as before.
 */
#ifndef SILEX_WORKER_UPSTREAM_PICK_H
#define SILEX_WORKER_UPSTREAM_PICK_H

#include <stdbool.h>
#include <stdint.h>

#include "common/net/addr.h"
#include "common/table/table_read.h"

struct eject;
struct picker;

/* seed: random, different in every worker. NULL: ENOMEM. */
struct picker *picker_new(uint64_t seed);
void picker_free(struct picker *p);

struct pick_ask {
	const struct addr *tried; /* not one of these while there is another */
	unsigned n_tried;
	uint64_t now_ms;           /* the loop's clock */
	const struct eject *eject; /* nor who is ejected; NULL: nobody is */
	struct str key;            /* .p NULL: the cluster's own way */
	uint32_t subset;           /* so many may have the key, one of them at random; 0, 1: one */
};

/* False when the cluster has no endpoint. */
bool pick_endpoint(struct picker *p, const struct cluster_view *c, const struct pick_ask *ask,
		   struct addr *out);

/* Would it be picked if its turn came: of the best state there is, and not ejected? */
bool pick_allows(const struct cluster_view *c, const struct table_endpoint *e,
		 const struct pick_ask *ask);
bool pick_was_tried(const struct pick_ask *ask, const struct addr *a);

/* How long a try at this endpoint took until the answer's head came, or until it failed. Only
 * BALANCE_EWMA wants to know. */
void pick_measured(struct picker *p, const struct cluster_view *c, const struct addr *a,
		   uint64_t took_us, bool failed, uint64_t now_ms);

/* At random, below `below`; not for secrets. */
uint32_t picker_random(struct picker *p, uint32_t below);

/* The enum endpoint_state that picking is confined to: the best that any endpoint has. */
uint8_t pick_level(const struct cluster_view *c);

#endif
