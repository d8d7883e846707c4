/*
 * hist: a log-linear histogram of times, made to lie in shared memory and to be merged.
 *
 * Values below 16 have a bucket each; above, every doubling is cut into 16 buckets, so that a
 * bucket is never wider than 1/16 of its values. Values above the range land in the last bucket.
 * The layout is fixed: histograms of different processes and of different days add up bucket by
 * bucket. One writer, any number of readers; recording is one load and one store per word.
 *
 *   value  0 1 2 ... 15 | 16 17 ... 31 | 32 34 36 ... 62 | 64 68 ... | ... 2^36
 *   bucket 0 1 2 ... 15 | 16 17 ... 31 | 32 33 34 ... 47 | 48 49 ... | ... 527
 */
#ifndef SILEX_COMMON_STAT_HIST_H
#define SILEX_COMMON_STAT_HIST_H

#include <stdatomic.h>
#include <stdint.h>

#define HIST_SUB_BITS 4
#define HIST_TOP_BITS 36 /* in microseconds: 19 hours */
#define HIST_BUCKETS  (((HIST_TOP_BITS - HIST_SUB_BITS) + 1) << HIST_SUB_BITS)

struct hist {
	_Atomic uint64_t sum; /* of all values recorded */
	_Atomic uint64_t buckets[HIST_BUCKETS];
};
_Static_assert(sizeof(struct hist) == 8 + 8 * 528, "hist is part of the shared layout");

/* A private merged copy, for quantiles and exposition. Zero-initialise it. */
struct hist_sum {
	uint64_t sum;
	uint64_t count;
	uint64_t buckets[HIST_BUCKETS];
};

/* The bucket of a value. */
static inline unsigned hist_bucket(uint64_t value)
{
	unsigned top;

	if (value < (1u << HIST_SUB_BITS))
		return (unsigned)value;
	if (value >> HIST_TOP_BITS != 0)
		return HIST_BUCKETS - 1;
	top = 63u - (unsigned)__builtin_clzll(value);
	return ((top - HIST_SUB_BITS) << HIST_SUB_BITS) +
	       (unsigned)(value >> (top - HIST_SUB_BITS));
}

/* Only the histogram's one writer may call it. */
static inline void hist_record(struct hist *h, uint64_t value)
{
	_Atomic uint64_t *b = &h->buckets[hist_bucket(value)];

	atomic_store_explicit(b, atomic_load_explicit(b, memory_order_relaxed) + 1,
			      memory_order_relaxed);
	atomic_store_explicit(&h->sum, atomic_load_explicit(&h->sum, memory_order_relaxed) + value,
			      memory_order_relaxed);
}

/* Lowest value of bucket b, and the first value above it. b < HIST_BUCKETS. */
uint64_t hist_low(unsigned b);
uint64_t hist_high(unsigned b);

/* Add everything h holds now to the sum. */
void hist_merge(struct hist_sum *into, const struct hist *h);

/* The value that q (0..1) of all values do not exceed, interpolated within its bucket; 0 when
 * nothing was recorded. */
uint64_t hist_quantile(const struct hist_sum *s, double q);

/* How many values were recorded below `value`, counted in whole buckets: exact when value is a
 * power of two or below 32. */
uint64_t hist_count_below(const struct hist_sum *s, uint64_t value);

#endif
