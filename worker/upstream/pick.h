/*
 * pick: which endpoint of a cluster gets the next request.
 *
 * Round robin, smooth over weights (an endpoint of weight 3 beside one of weight 1 gets
 * a a b a, never a a a b). Every worker goes its own round from a random start, so that workers
 * need no shared counter and do not march in step. READY endpoints only; TERMINATING ones when
 * there is no other; DOWN ones as the last resort, since a health check may err.
 *
 * Slow start: an endpoint that became ready less than slow_start_ms ago has a tenth of its
 * weight at first, growing evenly. Weights are reckoned anew a few dozen times in that time, not
 * at every pick; when all have theirs, picking is as cheap as before.
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
};

/* False when the cluster has no endpoint. */
bool pick_endpoint(struct picker *p, const struct cluster_view *c, const struct pick_ask *ask,
		   struct addr *out);

/* The enum endpoint_state that picking is confined to: the best that any endpoint has. */
uint8_t pick_level(const struct cluster_view *c);

#endif
