/*
 * expo: the grammar of /metrics: Prometheus text 0.0.4, or OpenMetrics 1.0 for who asks for it.
 *
 * They differ where OpenMetrics is strict: a counter's family has the name without "_total", and
 * must have it in its samples. The names of ingress-nginx that are counters without "_total" are
 * told as "unknown" there, so that both forms give every sample the same name; so is a counter
 * whose family would have the name of another one.
 */
#ifndef SILEX_WORKER_METRICS_EXPO_H
#define SILEX_WORKER_METRICS_EXPO_H

#include <stdbool.h>

#include "common/text.h"

#define EXPO_TEXT_TYPE "text/plain; version=0.0.4; charset=utf-8"
#define EXPO_OPEN_TYPE "application/openmetrics-text; version=1.0.0; charset=utf-8"

struct expo {
	struct text t;
	bool open; /* OpenMetrics */
};

enum expo_type {
	EXPO_COUNTER,
	EXPO_COUNTER_TOTAL, /* ... whose name without "_total" is another family's */
	EXPO_GAUGE,
	EXPO_HISTOGRAM
};

/* Does the Accept field's value ask for OpenMetrics? */
bool expo_wants_open(struct str accept);

/* HELP and TYPE: once for each family, before its samples, which follow at once. */
void expo_family(struct expo *x, struct str name, enum expo_type type, struct str help);
/* name and labels ("a=\"b\",c=\"d\"", may be empty) have been written by hand: " v\n". */
void expo_value(struct expo *x, uint64_t v);
/* A whole sample; labels may be empty. */
void expo_sample(struct expo *x, struct str name, struct str labels, uint64_t v);
/* ,name="value", without the comma at the beginning of t; what a label must not hold is escaped. */
void expo_label(struct text *t, struct str name, struct str value);

#endif
