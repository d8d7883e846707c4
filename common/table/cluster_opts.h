/*
 * cluster_opts: how a cluster's endpoints are picked and judged, beside where they are.
 *
 * From silex.conf, the Service's silex.dev/ annotations and those of the oldest Ingress that uses
 * it (master/translate/); lies in the table with the cluster. Fixed-width members only, units in
 * the names; all zero: nothing is asked for.
 */
#ifndef SILEX_COMMON_TABLE_CLUSTER_OPTS_H
#define SILEX_COMMON_TABLE_CLUSTER_OPTS_H

#include <stdint.h>

struct cluster_opts {
	uint32_t slow_start_ms; /* a new endpoint's weight grows for this long; 0: off */
	uint32_t eject_ms;      /* the first ejection of an endpoint; each further twice as long, */
	uint32_t eject_max_ms;  /* up to this */
	uint16_t eject_after;   /* failures in a row; 0: nobody is ejected */
	uint8_t eject_share;    /* percent of the endpoints that may be out, 1 to 100 */
	uint8_t eject_5xx;      /* 1: answers with a status of 5xx are failures */
};
_Static_assert(sizeof(struct cluster_opts) == 16, "options are part of the shared layout");

#endif
