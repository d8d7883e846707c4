/*
 * publish: when a transaction goes live.
 *
 * At once when the last publication is older than the quiet time, so that a single change costs
 * no waiting; otherwise when the quiet time is over, so that a storm of changes becomes one
 * version. Also drives reclamation. A publication that fails (ENOSPC) is rolled back: the old
 * version stays, the owner is told and must put everything again that it wants to be live.
 */
#ifndef SILEX_MASTER_TABLE_PUBLISH_H
#define SILEX_MASTER_TABLE_PUBLISH_H

#include <stdint.h>

#include "common/loop/ev.h"
#include "master/table/table_write.h"

#define PUBLISH_QUIET_MS 2

struct publisher;

/* Called after each attempt: version > 0 is live now; version 0: nothing changed, err says why. */
typedef void publish_fn(void *arg, uint64_t version, int err);

/* Borrows w and ev. NULL with errno ENOMEM. */
struct publisher *publisher_new(struct table_writer *w, struct ev *ev, unsigned quiet_ms,
				publish_fn *fn, void *arg);
void publisher_free(struct publisher *p); /* what is not published yet stays unpublished */

/* Something was put or deleted, by what the loop's present turn brought: how long a change is
 * under way is counted from this turn's wake-up. Publishes now or arms the timer; fn may run inside
 * the call. */
void publisher_changed(struct publisher *p);
/* Publish whatever is pending now: the first complete table, shutdown. */
void publisher_flush(struct publisher *p);
/* An errno from a put: rolls the transaction back and tells fn, as if the publication failed. */
void publisher_failed(struct publisher *p, int err);

#endif
