/*
 * checker: which endpoints are down, found out by asking them; once per node, not once per worker.
 *
 * The translation says whom to watch whenever it renders a cluster, and learns in the same call
 * who is down; a change is told through the callback, which makes it render the cluster again.
 * Traffic in flight notices nothing: a state is one byte of the table. That a cluster whose
 * endpoints are all down is still tried is the picker's business (worker/upstream/pick.h).
 * New endpoints count as well until they fail: Kubernetes has called them ready.
 */
#ifndef SILEX_MASTER_CHECK_CHECKER_H
#define SILEX_MASTER_CHECK_CHECKER_H

#include "common/process/board.h"
#include "common/loop/ev.h"
#include "common/table/table_read.h"
#include "master/check/check_spec.h"

struct checker;

/* owner's endpoints have changed: watch them again. */
typedef void checker_changed_fn(void *arg, void *owner);

/* Counts on board (NULL: nowhere). Out of memory is the end of the process. */
struct checker *checker_new(struct ev *ev, struct board *board, checker_changed_fn *changed,
			    void *arg);
void checker_free(struct checker *h); /* NULL is ignored */

/*
 * Watch exactly these endpoints for owner, as spec says; those known already keep what is known
 * of them. v is sorted by address, without two alike. Endpoints that are down get the state
 * ENDPOINT_DOWN; terminating ones are not asked any more. name: for the log, copied.
 */
void checker_watch(struct checker *h, void *owner, struct str name, const struct check_spec *spec,
		   struct table_endpoint *v, uint32_t n);
/* Nothing of owner is watched any more. No-op when nothing was. */
void checker_forget(struct checker *h, const void *owner);

#endif
