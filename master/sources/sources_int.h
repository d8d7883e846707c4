/* sources_int: what the parts of sources share; see sources.h. Nobody else includes it. */
#ifndef SILEX_MASTER_SOURCES_SOURCES_INT_H
#define SILEX_MASTER_SOURCES_SOURCES_INT_H

#include "common/loop/timer.h"
#include "k8s/objects/store.h"
#include "master/certs/certs.h"
#include "master/check/checker.h"
#include "master/kube/kube.h"
#include "master/sources/sources.h"
#include "master/translate/translate.h"

struct sources {
	struct ev *ev;
	const struct conf *conf; /* as given */
	struct conf effective;   /* and what the ConfigMap says over it */
	struct finding_scope config_found;
	struct table_writer *table;
	struct publisher *publisher;
	struct board *board;
	struct store *store;
	struct translate *translate; /* NULL while READING */
	struct checker *checker;
	struct manifests *manifests; /* NULL: not a source */
	struct kube *kube;           /* NULL: not a source */
	struct resolver *resolver;
	struct certs *certs;     /* NULL: there is no HTTPS port */
	struct users *users;     /* lists of users for passwords */
	struct stapler *stapler; /* NULL: OCSP responses are not wanted */
	bool manifests_read, kube_read, settled, live;
	uint64_t ports_told;    /* revision of the ports that ops->ports was told of */
	unsigned patience_left; /* turns of it */
	struct timer retry, patience;
	const struct sources_ops *ops;
	void *arg;
};

/* What is marked goes into the transaction, which is published; nothing before all is live. */
void sources_flush(struct sources *s);
/* A finding_fn; arg is the sources. */
void sources_found(void *arg, const struct finding *f);
/* All objects are there (kube_ops.settled); arg is the sources. */
void sources_settled(void *arg);
void sources_settled_again(void *arg);
/* Every source that exists is read whole? Then the translation begins, once. */
void sources_begin(struct sources *s);
/* The keys process takes keys, and the auth process lists, however many there are: before the first
 * table, wait on. */
void sources_wait_for_secrets(struct sources *s);
/* Have they all of them? */
bool sources_secrets_settled(const struct sources *s);
/* Publish the first complete table. Once. */
void sources_go_live(struct sources *s);

/* sources_conf.c. What counts is computed anew; what was found about it stays open until the
 * second, which hands it on. */
void sources_set_effective(struct sources *s);
void sources_use_effective(struct sources *s);
/* Both, and between them the translation hears of it: always when the ConfigMap changed, which
 * holds defaults of annotations, too; after SIGHUP, which mostly finds the settings that were
 * there, only if they are others, so that no route is looked at in vain. */
void sources_settings_changed(struct sources *s, bool configmap);
/* Is o the ConfigMap of --configmap? */
bool sources_is_config(const struct sources *s, const struct obj *o);

/* sources_feeds.c. 0, or -1 with the reason logged. */
int sources_open_resolver(struct sources *s);
int sources_open_manifests(struct sources *s);
int sources_open_kube(struct sources *s);
/* -1: memory is out. */
int sources_open_certs(struct sources *s, struct keys *keys);
void sources_open_users(struct sources *s, const struct users_process *to);
void sources_open_checker(struct sources *s);

#endif
