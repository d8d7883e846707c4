/*
 * pick: see pick.h.
 *
 * State per cluster lies in a direct-mapped cache: two busy clusters on one place push each
 * other out, which costs a fresh random start each time and is still an even spread.
 */
#include "worker/upstream/pick.h"

#include <stdlib.h>

#define PLACES 4096u /* power of two */

struct round {
	uint64_t cluster;
	uint64_t generation;
	uint32_t n;
	uint32_t cursor;  /* all weights alike: the next index */
	uint8_t level;    /* best endpoint_state there is */
	int32_t *current; /* weights differ: nginx' smooth weighted round robin */
};

struct picker {
	uint64_t rng;
	struct round places[PLACES];
};

struct picker *picker_new(uint64_t seed)
{
	struct picker *p = calloc(1, sizeof(*p));

	if (p != NULL)
		p->rng = seed | 1;
	return p;
}

void picker_free(struct picker *p)
{
	if (p == NULL)
		return;
	for (unsigned i = 0; i < PLACES; i++)
		free(p->places[i].current);
	free(p);
}

static uint32_t random_below(struct picker *p, uint32_t n)
{
	p->rng ^= p->rng << 13;
	p->rng ^= p->rng >> 7;
	p->rng ^= p->rng << 17;
	return (uint32_t)(((p->rng >> 32) * n) >> 32);
}

static bool weights_differ(const struct cluster_view *c)
{
	for (uint32_t i = 1; i < c->n_endpoints; i++)
		if (c->endpoints[i].weight != c->endpoints[0].weight)
			return true;
	return false;
}

uint8_t pick_level(const struct cluster_view *c)
{
	uint8_t level = ENDPOINT_DOWN;

	for (uint32_t i = 0; i < c->n_endpoints; i++)
		if (c->endpoints[i].state < level)
			level = c->endpoints[i].state;
	return level;
}

/* The endpoints are new to us. Out of memory the weights are passed over. */
static void begin_round(struct picker *p, struct round *r, const struct cluster_view *c)
{
	free(r->current);
	*r = (struct round){.cluster = c->id, .generation = c->generation, .n = c->n_endpoints};
	r->level = pick_level(c);
	r->cursor = random_below(p, c->n_endpoints);
	if (!weights_differ(c))
		return;
	r->current = malloc(c->n_endpoints * sizeof(*r->current));
	for (uint32_t i = 0; r->current != NULL && i < c->n_endpoints; i++)
		r->current[i] = (int32_t)random_below(p, c->endpoints[i].weight);
}

static struct round *round_of(struct picker *p, const struct cluster_view *c)
{
	struct round *r = &p->places[(c->id ^ c->id >> 32) & (PLACES - 1)];

	if (r->cluster != c->id || r->generation != c->generation || r->n != c->n_endpoints)
		begin_round(p, r, c);
	return r;
}

static bool eligible(const struct table_endpoint *e, uint8_t level, const struct addr *tried,
		     unsigned n)
{
	if (e->state != level)
		return false;
	for (unsigned i = 0; i < n; i++)
		if (addr_eq(&tried[i], &e->addr))
			return false;
	return true;
}

static const struct table_endpoint *next_in_turn(struct round *r, const struct cluster_view *c,
						 const struct addr *tried, unsigned n)
{
	for (uint32_t i = 0; i < c->n_endpoints; i++) {
		const struct table_endpoint *e = &c->endpoints[r->cursor];

		r->cursor = r->cursor + 1 == c->n_endpoints ? 0 : r->cursor + 1;
		if (eligible(e, r->level, tried, n))
			return e;
	}
	return NULL;
}

static const struct table_endpoint *next_by_weight(struct round *r, const struct cluster_view *c,
						   const struct addr *tried, unsigned n)
{
	const struct table_endpoint *best = NULL;
	int32_t total = 0;

	for (uint32_t i = 0; i < c->n_endpoints; i++) {
		const struct table_endpoint *e = &c->endpoints[i];

		if (!eligible(e, r->level, tried, n))
			continue;
		total += e->weight;
		r->current[i] += e->weight;
		if (best == NULL || r->current[i] > r->current[best - c->endpoints])
			best = e;
	}
	if (best != NULL)
		r->current[best - c->endpoints] -= total;
	return best;
}

bool pick_endpoint(struct picker *p, const struct cluster_view *c, const struct addr *tried,
		   unsigned n, struct addr *out)
{
	const struct table_endpoint *e;
	struct round *r;

	if (c->n_endpoints == 0)
		return false;
	r = round_of(p, c);
	e = r->current == NULL ? next_in_turn(r, c, tried, n) : next_by_weight(r, c, tried, n);
	if (e == NULL && n > 0) /* all were tried: better one of them than none */
		return pick_endpoint(p, c, NULL, 0, out);
	if (e == NULL)
		return false;
	*out = e->addr;
	return true;
}
