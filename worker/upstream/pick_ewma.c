/*
 * pick_ewma: the faster of two at random (load-balance: ewma; facts: annotations §5). Fast is who
 * answered fast lately: the time from the try's start to the answer's head, a slower one counting
 * at once and a faster one little by little, forgotten over ten seconds (peak EWMA), so that who
 * was slow is tried again. A new endpoint starts at the mean of the others: an unknown one would
 * get everything at first.
 */
#include <stdlib.h>

#include "worker/upstream/pick_int.h"

#define DECAY_MS   10e3
#define FAILURE_US 1e6 /* what a failed try counts at least: refusing is fast */

struct ewma_peer {
	struct addr addr;
	bool known;
	double us;
	uint64_t touched_ms;
};

/* exp(-x) for x >= 0, near enough (a series' beginning, never 0), without libm. */
static double fade(double x)
{
	return 1 / (1 + x * (1 + x * (0.5 + x / 6)));
}

static double score(const struct ewma_peer *p, uint64_t now_ms)
{
	if (!p->known)
		return 0;
	return now_ms <= p->touched_ms ? p->us
				       : p->us * fade((double)(now_ms - p->touched_ms) / DECAY_MS);
}

static double mean(const struct ewma_peer *v, uint32_t n)
{
	double sum = 0;
	uint32_t known = 0;

	for (uint32_t i = 0; i < n; i++) {
		sum += v[i].known ? v[i].us : 0;
		known += v[i].known;
	}
	return known == 0 ? 0 : sum / known;
}

/* Those who stay keep what is known of them; both lists are sorted by address. */
struct ewma_peer *ewma_begin(const struct cluster_view *c, const struct ewma_peer *old,
			     uint32_t n_old, uint64_t now_ms)
{
	struct ewma_peer *v = calloc(c->n_endpoints, sizeof(*v));
	double start = mean(old, n_old);
	uint32_t at = 0;

	for (uint32_t i = 0; v != NULL && i < c->n_endpoints; i++) {
		const struct addr *a = &c->endpoints[i].addr;

		while (at < n_old && memcmp(&old[at].addr, a, sizeof(*a)) < 0)
			at++;
		if (at < n_old && addr_eq(&old[at].addr, a))
			v[i] = old[at];
		else
			v[i] = (struct ewma_peer){*a, start > 0, start, now_ms};
	}
	return v;
}

/* An eligible one at or behind a random place, not `but`. */
static const struct table_endpoint *any(const struct picking *k, const struct table_endpoint *but)
{
	const struct cluster_view *c = k->c;
	uint32_t from = picker_random(k->p, c->n_endpoints);

	for (uint32_t i = 0; i < c->n_endpoints; i++) {
		uint32_t at = from + i < c->n_endpoints ? from + i : from + i - c->n_endpoints;

		if (&c->endpoints[at] != but && pick_eligible(k, &c->endpoints[at]))
			return &c->endpoints[at];
	}
	return NULL;
}

const struct table_endpoint *ewma_next(const struct ewma_peer *v, const struct picking *k)
{
	const struct table_endpoint *a = any(k, NULL), *b = a == NULL ? NULL : any(k, a);
	uint64_t now_ms = k->ask->now_ms;

	if (b == NULL || v == NULL) /* out of memory: at random */
		return a;
	return score(&v[b - k->c->endpoints], now_ms) < score(&v[a - k->c->endpoints], now_ms) ? b
											       : a;
}

void ewma_measured(struct ewma_peer *v, uint32_t n, const struct addr *a, double us, bool failed,
		   uint64_t now_ms)
{
	double was, keep;

	for (uint32_t i = 0; i < n; i++) {
		struct ewma_peer *p = &v[i];

		if (!addr_eq(&p->addr, a))
			continue;
		if (failed && us < FAILURE_US)
			us = FAILURE_US;
		was = score(p, now_ms);
		keep = fade((double)(now_ms - p->touched_ms) / DECAY_MS);
		p->us = !p->known || us > was ? us : p->us * keep + us * (1 - keep);
		p->known = true;
		p->touched_ms = now_ms;
		return;
	}
}
