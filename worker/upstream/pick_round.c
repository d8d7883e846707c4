/* pick_round: round robin, with weights and slow start; see pick.h. */
#include <stdlib.h>

#include "worker/upstream/pick_int.h"

#define SCALE      64 /* of weights, so that a part of weight 1 is a number */
#define RAMP_STEPS 32 /* a slow start is so many weights long */

/* What e has of its weight: 1 to SCALE. *growing: not all yet. */
static int32_t share(const struct cluster_view *c, const struct table_endpoint *e, uint64_t now_ms,
		     bool *growing)
{
	uint32_t whole = c->opts->slow_start_ms / TABLE_SINCE_MS;
	int32_t age = (int32_t)((uint32_t)(now_ms / TABLE_SINCE_MS) - e->since);

	if (e->since == 0 || age >= (int64_t)whole)
		return SCALE;
	*growing = true;
	if (age < (int32_t)(whole / 10))
		age = (int32_t)(whole / 10);
	return age <= 0 ? 1 : (int32_t)((int64_t)age * SCALE / whole) + 1;
}

static bool weights_differ(const struct cluster_view *c)
{
	for (uint32_t i = 1; i < c->n_endpoints; i++)
		if (c->endpoints[i].weight != c->endpoints[0].weight)
			return true;
	return false;
}

static bool any_growing(const struct cluster_view *c, uint64_t now_ms)
{
	bool growing = false;

	if (c->opts->slow_start_ms == 0)
		return false;
	for (uint32_t i = 0; i < c->n_endpoints; i++)
		(void)share(c, &c->endpoints[i], now_ms, &growing);
	return growing;
}

static void weigh(struct round *r, const struct cluster_view *c, uint64_t now_ms)
{
	uint32_t step = c->opts->slow_start_ms / RAMP_STEPS;
	bool growing = false;

	for (uint32_t i = 0; i < c->n_endpoints; i++)
		r->weight[i] =
		    c->endpoints[i].weight * share(c, &c->endpoints[i], now_ms, &growing);
	r->weigh_ms = growing ? now_ms + (step < TABLE_SINCE_MS ? TABLE_SINCE_MS : step) : 0;
}

/* The endpoints are new to us. Out of memory the weights are passed over. */
void round_begin(struct picker *p, struct round *r, const struct cluster_view *c, uint64_t now_ms)
{
	struct ewma_peer *peers = NULL;
	bool known = r->cluster == c->id && r->peers != NULL;

	if (c->balance == BALANCE_EWMA)
		peers = ewma_begin(c, r->peers, known ? r->n : 0, now_ms);
	free(r->current);
	free(r->peers);
	free(r->names);
	*r = (struct round){.cluster = c->id, .generation = c->generation, .n = c->n_endpoints};
	r->peers = peers;
	r->level = pick_level(c);
	r->cursor = picker_random(p, c->n_endpoints);
	if (!weights_differ(c) && !any_growing(c, now_ms))
		return;
	r->current = calloc(c->n_endpoints, 2 * sizeof(*r->current));
	if (r->current == NULL)
		return;
	r->weight = r->current + c->n_endpoints;
	weigh(r, c, now_ms);
	for (uint32_t i = 0; i < c->n_endpoints; i++)
		r->current[i] = (int32_t)picker_random(p, (uint32_t)r->weight[i]);
}

static void weigh_again(struct round *r, const struct picking *k)
{
	weigh(r, k->c, k->ask->now_ms);
	if (r->weigh_ms != 0 || weights_differ(k->c))
		return;
	free(r->current); /* everybody has the same weight now */
	r->current = r->weight = NULL;
}

static const struct table_endpoint *next_in_turn(struct round *r, const struct picking *k)
{
	const struct cluster_view *c = k->c;

	for (uint32_t i = 0; i < c->n_endpoints; i++) {
		const struct table_endpoint *e = &c->endpoints[r->cursor];

		r->cursor = r->cursor + 1 == c->n_endpoints ? 0 : r->cursor + 1;
		if (pick_eligible(k, e))
			return e;
	}
	return NULL;
}

static const struct table_endpoint *next_by_weight(struct round *r, const struct picking *k)
{
	const struct cluster_view *c = k->c;
	const struct table_endpoint *best = NULL;
	int32_t total = 0;

	for (uint32_t i = 0; i < c->n_endpoints; i++) {
		const struct table_endpoint *e = &c->endpoints[i];

		if (!pick_eligible(k, e))
			continue;
		total += r->weight[i];
		r->current[i] += r->weight[i];
		if (best == NULL || r->current[i] > r->current[best - c->endpoints])
			best = e;
	}
	if (best != NULL)
		r->current[best - c->endpoints] -= total;
	return best;
}

const struct table_endpoint *round_next(struct round *r, const struct picking *k)
{
	if (r->weigh_ms != 0 && k->ask->now_ms >= r->weigh_ms)
		weigh_again(r, k);
	return r->current == NULL ? next_in_turn(r, k) : next_by_weight(r, k);
}
