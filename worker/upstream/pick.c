/* pick: see pick.h. */
#include "worker/upstream/pick_int.h"

#include <stdlib.h>

#include "worker/upstream/eject.h"

#define PLACES 4096u /* power of two */

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
	for (unsigned i = 0; i < PLACES; i++) {
		free(p->places[i].current);
		free(p->places[i].peers);
		free(p->places[i].names);
	}
	free(p);
}

uint32_t picker_random(struct picker *p, uint32_t below)
{
	p->rng ^= p->rng << 13;
	p->rng ^= p->rng >> 7;
	p->rng ^= p->rng << 17;
	return (uint32_t)(((p->rng >> 32) * below) >> 32);
}

uint8_t pick_level(const struct cluster_view *c)
{
	uint8_t level = ENDPOINT_DOWN;

	for (uint32_t i = 0; i < c->n_endpoints; i++)
		if (c->endpoints[i].state < level)
			level = c->endpoints[i].state;
	return level;
}

static struct round *round_of(struct picker *p, const struct cluster_view *c, uint64_t now_ms)
{
	struct round *r = &p->places[(c->id ^ c->id >> 32) & (PLACES - 1)];

	if (r->cluster != c->id || r->generation != c->generation || r->n != c->n_endpoints ||
	    (r->peers == NULL && c->balance == BALANCE_EWMA))
		round_begin(p, r, c, now_ms);
	return r;
}

bool pick_was_tried(const struct pick_ask *ask, const struct addr *a)
{
	for (unsigned i = 0; i < ask->n_tried; i++)
		if (addr_eq(&ask->tried[i], a))
			return true;
	return false;
}

bool pick_allows(const struct cluster_view *c, const struct table_endpoint *e,
		 const struct pick_ask *ask)
{
	return e->state == pick_level(c) && !eject_is_out(ask->eject, c->id, &e->addr);
}

void pick_measured(struct picker *p, const struct cluster_view *c, const struct addr *a,
		   uint64_t took_us, bool failed, uint64_t now_ms)
{
	struct round *r;

	if (c->n_endpoints == 0)
		return;
	r = round_of(p, c, now_ms);
	if (r->peers != NULL)
		ewma_measured(r->peers, r->n, a, (double)took_us, failed, now_ms);
}

static const struct table_endpoint *next(struct round *r, const struct picking *k)
{
	if (k->ask->key.p != NULL)
		return hash_next(r, k);
	return k->c->balance == BALANCE_EWMA ? ewma_next(r->peers, k) : round_next(r, k);
}

bool pick_endpoint(struct picker *p, const struct cluster_view *c, const struct pick_ask *ask,
		   struct addr *out)
{
	struct picking k = {.p = p, .c = c, .ask = ask, .may_be_out = !eject_any(ask->eject)};
	const struct table_endpoint *e;
	struct round *r;

	if (c->n_endpoints == 0)
		return false;
	r = round_of(p, c, ask->now_ms);
	k.level = r->level;
	e = next(r, &k);
	/* Rather one that fails at times than the one that just failed; and rather that than none.
	 */
	if (e == NULL) {
		k.may_be_out = true;
		e = next(r, &k);
	}
	if (e == NULL) {
		k.may_be_tried = true;
		e = next(r, &k);
	}
	if (e == NULL)
		return false;
	*out = e->addr;
	return true;
}
