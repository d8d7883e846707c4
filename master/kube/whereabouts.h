/*
 * whereabouts: the name of the node this pod runs on, for whoever must know where that is
 * (--enable-topology-aware-routing).
 *
 * NODE_NAME of the environment says it; without it our Pod is read once. As long as the API server
 * is away it is asked again; when it refuses, that is said, and the node stays unknown.
 */
#ifndef SILEX_MASTER_KUBE_WHEREABOUTS_H
#define SILEX_MASTER_KUBE_WHEREABOUTS_H

#include "common/loop/ev.h"
#include "k8s/api/client.h"
#include "master/kube/pod.h"

struct whereabouts;

/* found(arg) is called once, when pod->node is the node's name, or will stay empty; perhaps from
 * within. pod is borrowed and written to. NULL with errno ENOMEM, nothing is called then. */
struct whereabouts *whereabouts_new(struct ev *ev, struct api_client *client, struct pod *pod,
				    void (*found)(void *arg), void *arg);
void whereabouts_free(struct whereabouts *w); /* NULL is ignored */

#endif
