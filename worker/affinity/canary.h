/*
 * canary: does this request go to the canary of its path? (facts: annotations §6)
 *
 * In this order: who belongs to the primary by its affinity cookie stays there, who belongs to the
 * canary stays with it; then the header, then the cookie, then chance. One canary a path.
 */
#ifndef SILEX_WORKER_AFFINITY_CANARY_H
#define SILEX_WORKER_AFFINITY_CANARY_H

#include "common/table/table_read.h"
#include "worker/request/request.h"

/*
 * *c is the primary's cluster. When the canary takes the request *c becomes its cluster, which
 * r->route.cluster then names, too. What was decided stays for the request's other tries.
 */
void canary_decide(struct request *r, struct cluster_view *c);

#endif
