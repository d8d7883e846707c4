/* hist: see hist.h. The reader's side. */
#include "common/stat/hist.h"

uint64_t hist_low(unsigned b)
{
	unsigned octave = b >> HIST_SUB_BITS;
	uint64_t sub = b & ((1u << HIST_SUB_BITS) - 1);

	if (octave == 0)
		return sub;
	return (sub + (1u << HIST_SUB_BITS)) << (octave - 1);
}

uint64_t hist_high(unsigned b)
{
	return hist_low(b + 1);
}

void hist_merge(struct hist_sum *into, const struct hist *h)
{
	into->sum += atomic_load_explicit(&h->sum, memory_order_relaxed);
	for (unsigned b = 0; b < HIST_BUCKETS; b++) {
		uint64_t n = atomic_load_explicit(&h->buckets[b], memory_order_relaxed);

		into->buckets[b] += n;
		into->count += n;
	}
}

uint64_t hist_quantile(const struct hist_sum *s, double q)
{
	double rank = q * (double)s->count;
	double below = 0;

	for (unsigned b = 0; b < HIST_BUCKETS; b++) {
		double here = (double)s->buckets[b];
		double last = (double)(hist_high(b) - hist_low(b) - 1);

		if (here > 0 && below + here >= rank) {
			double part = rank <= below ? 0 : (rank - below) / here;

			return hist_low(b) + (uint64_t)(part * last);
		}
		below += here;
	}
	return 0;
}

uint64_t hist_count_below(const struct hist_sum *s, uint64_t value)
{
	uint64_t n = 0;

	for (unsigned b = 0; b < HIST_BUCKETS && hist_high(b) <= value; b++)
		n += s->buckets[b];
	return n;
}
