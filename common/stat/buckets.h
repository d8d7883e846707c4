/*
 * buckets: the upper bounds of a Prometheus histogram, from "0.005,0.01,0.5".
 *
 * A bound is kept as the whole number that is compared (microseconds or bytes) and as the text
 * that stands in the label le, which is the user's own: dashboards select by that text.
 */
#ifndef SILEX_COMMON_STAT_BUCKETS_H
#define SILEX_COMMON_STAT_BUCKETS_H

#include <stdbool.h>
#include <stdint.h>

#include "common/str.h"

#define BUCKETS_MAX     16 /* bounds; the counts are one more, for +Inf */
#define BUCKET_TEXT_MAX 16

struct buckets {
	unsigned n;
	uint64_t bound[BUCKETS_MAX]; /* a value belongs to the first bound it does not exceed */
	char text[BUCKETS_MAX][BUCKET_TEXT_MAX];
};

/* Rising positive decimal numbers, separated by commas, each multiplied by scale (1000000:
 * seconds to microseconds). False when they are not, or are more than BUCKETS_MAX. */
bool buckets_parse(struct buckets *b, struct str list, uint64_t scale);

/* Which count a value belongs to: 0 .. n. */
static inline unsigned buckets_find(const struct buckets *b, uint64_t value)
{
	unsigned i = 0;

	if (value > b->bound[b->n - 1])
		return b->n;
	while (value > b->bound[i])
		i++;
	return i;
}

#endif
