/*
 * gather: the series of all slots, merged by their labels, for one scrape.
 *
 * Any worker answers for all, so what several workers count under the same labels is one line.
 * A merged series remembers where its parts lie and reads them when it is written, whole; what
 * was given to another route meanwhile is left out. All memory is this scrape's own.
 */
#ifndef SILEX_WORKER_METRICS_GATHER_H
#define SILEX_WORKER_METRICS_GATHER_H

#include <stdbool.h>
#include <stdint.h>

#include "common/stat/hist.h"
#include "common/stat/series.h"
#include "common/text.h"

struct worker;
struct gather;

struct gather *gather_new(const struct worker *w);
void gather_free(struct gather *g); /* NULL is ignored */

/* Look at some more entries: 1 there are more, 0 that was all, -1 out of memory. */
int gather_more(struct gather *g, unsigned most);

/* The merged series, 0 .. n - 1, and their labels. of_ingress: quantiles of one Ingress. */
uint32_t gather_count(const struct gather *g);
struct str gather_labels(const struct gather *g, uint32_t i, bool *of_ingress);

struct gather_hist {
	uint64_t sum, count;
	uint64_t n[BUCKETS_MAX + 1];
};
/* What is counted now. hist and quantiles: false when there is nothing. */
uint64_t gather_requests(const struct gather *g, uint32_t i);
bool gather_read_hist(const struct gather *g, uint32_t i, enum series_hist_id id,
		      struct gather_hist *out);
bool gather_read_quantiles(const struct gather *g, uint32_t i, struct hist_sum *out);

#endif
