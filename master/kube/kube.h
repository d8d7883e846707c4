/*
 * kube: the API server, as the master uses it: objects come from it into the store, and what
 * Silex has to say goes back as Events and Ingress status.
 *
 * The wiring only: how one talks to it is k8s/api/. Nothing the API server does stops or ends
 * anything here; when it is away, the store keeps what it has and the board says so (health.h).
 * What must not happen here: translating, publishing.
 */
#ifndef SILEX_MASTER_KUBE_KUBE_H
#define SILEX_MASTER_KUBE_KUBE_H

#include <stdbool.h>

#include "common/net/addr.h"
#include "common/process/board.h"
#include "common/conf/conf.h"
#include "common/loop/ev.h"
#include "k8s/objects/store.h"
#include "master/translate/finding.h"

struct kube;

struct kube_ops {
	void (*changed)(void *arg); /* the store has changed: publish soon */
	void (*synced)(void *arg);  /* every kind's first picture is in the store; once */
	/* The Secrets that were referred to meanwhile are there too, as far as they exist; once
	 * after kube_settle(). */
	void (*settled)(void *arg);
	/* ... and so are those referred to since then. */
	void (*settled_again)(void *arg);
	/* Is this Ingress served? Asked before its status is written. */
	bool (*serves)(void *arg, const struct ingress *i);
};

/* Is the API server wanted as a source: kubeconfig or apiserver-host given, or no manifests? */
bool kube_wanted(const struct conf *conf);

/* Everything is borrowed. NULL with the reason logged. */
struct kube *kube_new(struct ev *ev, const struct conf *conf, struct store *store,
		      struct board *board, const struct kube_ops *ops, void *arg);
/* Begin to read. 0, or -1 with the reason logged. */
int kube_start(struct kube *k);
void kube_free(struct kube *k); /* NULL is ignored */

/* The translation has taken in the first picture: settled() follows when the Secrets it refers to
 * are there, or after KUBE_SETTLE_MS. From here on this replica may become the leader. */
#define KUBE_SETTLE_MS 5000u
void kube_settle(struct kube *k);

/* The store's listener tells of Ingresses: the Sync Event, and a look at the status. */
void kube_ingress_changed(struct kube *k, const struct obj *old, const struct obj *new,
			  bool served);
/* The ConfigMap in use: the Event that ingress-nginx writes about it. */
void kube_config_changed(struct kube *k, const struct obj *old, const struct obj *new);
/* A Warning Event on the object. Notes, and objects that are not of the API, are passed over. */
void kube_found(struct kube *k, const struct finding *f);

/* The API server's address, when it is known by one; else family 0. */
struct addr kube_address(const struct kube *k);

/* The node whose zone counts; "": none does, or it is not known. Settled before synced(). */
const char *kube_node(const struct kube *k);

/* As source_secret_again(). */
void kube_secret_again(struct kube *k, struct str ns, struct str name);
/* As source_secret_ref() and its opposite. */
void kube_secret_ref(void *kube, struct str ns, struct str name);
void kube_secret_unref(void *kube, struct str ns, struct str name);
void kube_configmap_ref(void *kube, struct str ns, struct str name);
void kube_configmap_unref(void *kube, struct str ns, struct str name);
/* Is one of these still being fetched? */
bool kube_settling(void *kube);

/* An orderly end: the status is cleared if wanted, the Lease given up; done(arg) follows, perhaps
 * from within. */
void kube_stop(struct kube *k, bool clear_status, void (*done)(void *arg), void *arg);

#endif
