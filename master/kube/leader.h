/*
 * leader: the one replica that writes Ingress status, and what it writes (facts: routing §12).
 *
 *   lease won ──► find our addresses ──► write the Ingresses that say otherwise ──► wait ──┐
 *                        ▲                                                                 │
 *                        └── status-update-interval, or soon after an Ingress changed ─────┘
 *
 * Without the Lease nothing is written; when it is lost, what waits is dropped. On an orderly end
 * the last replica clears what it wrote, and gives the Lease up so that nobody has to wait.
 */
#ifndef SILEX_MASTER_KUBE_LEADER_H
#define SILEX_MASTER_KUBE_LEADER_H

#include <stdbool.h>

#include "common/conf/conf.h"
#include "common/loop/ev.h"
#include "k8s/api/client.h"
#include "k8s/write/status.h"
#include "k8s/objects/store.h"
#include "master/kube/pod.h"

struct leader;

/* serves(arg, ingress): is it ours? Everything but conf is borrowed. NULL with errno. */
struct leader *leader_new(struct ev *ev, struct api_client *client, const struct store *store,
			  const struct conf *conf, const struct pod *pod,
			  bool (*serves)(void *arg, const struct ingress *i), void *arg);
void leader_free(struct leader *l); /* NULL is ignored */

/* The first picture is there: run for the Lease. */
void leader_start(struct leader *l);
/* An Ingress or the published Service changed: look soon. */
void leader_look_soon(struct leader *l);
bool leader_is(const struct leader *l);
void leader_stats(const struct leader *l, struct status_stats *out);
/* Clear the status if `clear` and nobody else serves, release the Lease, then done(arg), in any
 * case after LEADER_STOP_MS. done may be called from within. */
#define LEADER_STOP_MS 10000u
void leader_stop(struct leader *l, bool clear, void (*done)(void *arg), void *arg);

#endif
