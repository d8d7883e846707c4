/*
 * eject: endpoints that failed several times in a row get no requests for a while (passive
 * health; the active one is master/check/checker.h).
 *
 * Every worker judges by what it saw itself. The other way, workers telling the master, who would
 * publish a state for all, would make the failures of one worker's path everybody's, let a worker
 * that was taken over silence endpoints for the whole node, and be slower than the failures it is
 * to spare; what it would save is a few failed tries in each other worker, which are tried
 * elsewhere anyway. So there is no shared word, no message and no lock.
 *
 * Only endpoints that failed lately are in here. A worker without such pays one load a pick and
 * one a finished request; one with them pays a look-up of eight neighbouring entries.
 *
 * An endpoint is out for eject_ms, then twice that, ... up to eject_max_ms, and comes back by
 * itself; it is forgiven when it then serves for as long as it was out. At most eject_share percent
 * of a cluster's endpoints that could be picked are out, though one may be in any cluster of two or
 * more; never all.
 */
#ifndef SILEX_WORKER_UPSTREAM_EJECT_H
#define SILEX_WORKER_UPSTREAM_EJECT_H

#include <stdbool.h>
#include <stdint.h>

#include "common/loop/ev.h"
#include "common/process/slot.h"
#include "common/table/table_read.h"

struct eject;

/* Counts in slot. NULL: ENOMEM. */
struct eject *eject_new(struct ev *ev, struct slot *slot);
void eject_free(struct eject *e); /* NULL is ignored */

/* Is anybody of any cluster out? e NULL: nobody is. */
bool eject_any(const struct eject *e);
/* Is it out? e NULL: nobody is. */
bool eject_is_out(const struct eject *e, uint64_t cluster, const struct addr *a);
/* When it comes back, by the loop's clock; 0: it is not out. */
uint64_t eject_until_ms(const struct eject *e, uint64_t cluster, const struct addr *a);
/* A request to this endpoint failed, by its own fault (eject_outcome()); c->opts says what
 * follows. */
void eject_failed(struct eject *e, const struct cluster_view *c, const struct addr *a);
void eject_succeeded(struct eject *e, uint64_t cluster, const struct addr *a);

enum eject_outcome {
	EJECT_NEITHER, /* says nothing about the endpoint: the client went away, ... */
	EJECT_FAILURE,
	EJECT_SUCCESS,
	EJECT_5XX, /* an answer, and a failure where eject_5xx says so */
};
/* How a try ended: why (REASON_NONE: whole), the status (0: none came), and whether it was on a
 * pooled connection that brought no byte, which says nothing. */
enum eject_outcome eject_outcome(enum reason why, uint16_t status, bool stale);

#endif
