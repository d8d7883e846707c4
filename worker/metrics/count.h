/*
 * count: this worker's series (common/stat/series.h): found or made, and counted.
 *
 * A request is told who it counts for when it is routed, because the number of a group may mean
 * somebody else when it ends; the counting is done when it ends. The way to an entry is private
 * memory: one hash lookup, and none of the table as long as its version stays.
 */
#ifndef SILEX_WORKER_METRICS_COUNT_H
#define SILEX_WORKER_METRICS_COUNT_H

#include <stdint.h>

#include "common/stat/series.h"

struct counter;
struct request;
struct worker;

/* Takes up what the predecessor in the slot counted. NULL with errno; EINVAL: bounds in conf. */
struct counter *counter_new(const struct worker *w);

/* The identity that r->route.group counts for: 0 when the request is not counted at all (a host
 * no Ingress names, unless metrics-per-undefined-host). */
uint64_t counter_identity(struct counter *c, const struct request *r);
/* A request has ended: r->series was set by counter_identity(). */
void counter_record(struct counter *c, const struct request *r);

const struct series_bounds *counter_bounds(const struct counter *c);

#endif
