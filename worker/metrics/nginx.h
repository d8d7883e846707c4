/*
 * nginx: the families nginx_ingress_controller_*, with the names, labels and bounds that the
 * official dashboards ask for (facts: metrics §D), and process_*, from what Silex counts.
 */
#ifndef SILEX_WORKER_METRICS_NGINX_H
#define SILEX_WORKER_METRICS_NGINX_H

#include "worker/metrics/expo.h"
#include "worker/metrics/gather.h"

struct nginx_metrics {
	const struct worker *w;
	const struct gather *g;
	char constant[768]; /* the labels that all have */
	struct str labels;  /* of that what is used */
	uint32_t excluded;  /* bit 1 << family: not written (exclude-socket-metrics) */
};

void nginx_metrics_init(struct nginx_metrics *n, const struct worker *w, const struct gather *g);

/* build_info, reloads, leader, process figures: one short page. */
void nginx_write_controller(const struct nginx_metrics *n, struct expo *x);

/* The families made of series, one after another: the head, and then every series' samples. */
#define NGINX_FAMILIES (1 + SERIES_HISTS + 1) /* requests, the histograms, quantiles */
void nginx_write_family(const struct nginx_metrics *n, struct expo *x, unsigned family);
void nginx_write_series(const struct nginx_metrics *n, struct expo *x, unsigned family,
			uint32_t series);

/* ssl_expire_time_seconds (0) and ssl_certificate_info (1): some names a call from *at on; true
 * when there are more. */
#define NGINX_CERT_FAMILIES 2
bool nginx_write_certs(const struct nginx_metrics *n, struct expo *x, unsigned family,
		       uint32_t *at);

#endif
