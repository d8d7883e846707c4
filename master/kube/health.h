/*
 * health: how well the API server is followed, into the board, from where the workers show it in
 * /metrics and /readyz?verbose. Looked at twice a second; nothing depends on it.
 */
#ifndef SILEX_MASTER_KUBE_HEALTH_H
#define SILEX_MASTER_KUBE_HEALTH_H

#include "common/process/board.h"
#include "common/loop/ev.h"
#include "k8s/write/events.h"
#include "k8s/watch/source.h"
#include "master/kube/leader.h"

#define HEALTH_EVERY_MS 500u

struct health;

struct health *health_new(struct ev *ev, struct board *board); /* NULL with errno ENOMEM */
/* Begin; everything is borrowed until health_free(). */
void health_watch(struct health *h, const struct source *source, const struct events *events,
		  const struct leader *leader);
/* Something is different now: look at once. */
void health_look(struct health *h);
void health_free(struct health *h); /* NULL is ignored */

#endif
