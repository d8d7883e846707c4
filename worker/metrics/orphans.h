/*
 * orphans: orphan_ingress{namespace,ingress,type}: Ingresses one of whose paths leads to a Service
 * that does not exist ("no-service") or has no endpoint ("no-endpoint").
 *
 * Read from the table at each scrape, some hosts a turn. A series exists only while its Ingress is
 * an orphan (value 1), each once whatever its paths, and at most ORPHANS_MAX of them.
 */
#ifndef SILEX_WORKER_METRICS_ORPHANS_H
#define SILEX_WORKER_METRICS_ORPHANS_H

#include <stdbool.h>
#include <stdint.h>

#include "worker/metrics/nginx.h"

#define ORPHANS_MAX   1024u
#define ORPHANS_SLOTS 2048u /* power of two, above that */

struct orphans {     /* of one scrape; zero at first */
	uint64_t at; /* table_each_path() */
	bool begun;
	uint32_t n;
	uint64_t seen[ORPHANS_SLOTS]; /* hashes; 0: free */
};

/* The next hosts; true when there are more. */
bool orphans_write(struct orphans *o, const struct nginx_metrics *n, struct expo *x);

#endif
