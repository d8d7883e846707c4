/*
 * translate: from Kubernetes objects to the table, incrementally.
 *
 *      store ──event──►  graph (who depends on what)  ──flush──►  sink (the table)
 *                        Ingress ─ host, Ingress ─ cluster ─ Service, Ingress ─ class
 *
 * An event only marks what depends on the object; translate_flush() renders what is marked: one
 * EndpointSlice is one cluster, one Ingress is its hosts, whatever else there is. The rules are
 * ingress-nginx' (facts: routing §1-§6), each in the file of master/translate/ that is named for
 * it. What is refused or ignored is told by findings, each once for as long as it lasts.
 * What must not happen here: publishing (publish.h), reading files, or talking to an API.
 */
#ifndef SILEX_MASTER_TRANSLATE_TRANSLATE_H
#define SILEX_MASTER_TRANSLATE_TRANSLATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/conf/conf.h"
#include "k8s/objects/store.h"
#include "master/table/model.h"
#include "master/translate/endpoints/external.h"
#include "master/translate/finding.h"

struct cert;
struct certs;
struct users;
struct users_list;
struct table_writer;
struct translate;

/* Where the result goes: table_write.h, or a test's recorder. Each returns 0, or -1 with errno. */
struct translate_sink {
	int (*put_host)(void *arg, const struct model_host *h);
	int (*del_host)(void *arg, struct str name);
	int (*put_cluster)(void *arg, const struct model_cluster *c);
	int (*del_cluster)(void *arg, uint64_t id);
	int (*put_default)(void *arg, uint64_t cluster, const struct policy *policy);
	int (*put_maps)(void *arg, const struct policy *maps); /* may be NULL: nobody reads them */
	int (*put_stream)(void *arg, const struct model_stream *m);
	int (*put_passthrough)(void *arg, struct str name, uint64_t cluster);
	int (*del_passthrough)(void *arg, struct str name);
	int (*del_stream)(void *arg, enum transport transport, uint16_t port);
	int (*put_profile)(void *arg, const struct model_profile *p);
	int (*del_profile)(void *arg, uint64_t id);
	/* Called only with certs. */
	int (*put_cert)(void *arg, const struct model_cert *c);
	int (*del_cert)(void *arg, struct str name);
	void *arg;
	/* An Ingress that is served refers to a Secret, or does no longer: whoever fetches Secrets
	 * by name wants to know. Counted. May be NULL. */
	void (*secret_ref)(void *secrets, struct str ns, struct str name);
	void (*secret_unref)(void *secrets, struct str ns, struct str name);
	/* The same of ConfigMaps with header fields. */
	void (*configmap_ref)(void *secrets, struct str ns, struct str name);
	void (*configmap_unref)(void *secrets, struct str ns, struct str name);
	/* Is anything of that still being fetched? Then translate_settled() is called later. */
	bool (*settling)(void *secrets);
	void *secrets;
	struct certs *certs; /* where hosts' certificates come from; NULL: no HTTPS port */
	struct users *users; /* where lists of users come from; NULL: nobody has any */
};
struct translate_sink translate_to_table(struct table_writer *w);

/*
 * Takes in what the store holds already. conf is copied; store and sink must outlive it. tell is
 * called inside translate_* calls and must not call back. Out of memory is the end of the
 * process (the workers serve on): never NULL.
 */
struct translate *translate_new(const struct conf *conf, const struct store *store,
				const struct translate_sink *sink, finding_fn *tell, void *arg);
void translate_free(struct translate *t); /* NULL is ignored; the table stays as it is */

/* The other end of certs_ops.changed: marks what depends on the certificate. */
void translate_cert_changed(struct translate *t, const struct cert *c);

/* The other end of users_ops.changed, the same. */
void translate_users_changed(struct translate *t, const struct users_list *l);

/* The store's listener: store_listen(store, translate_event, t); arg is the translation. Never
 * touches the sink. */
void translate_event(void *arg, const struct obj *old, const struct obj *new);

/* The ConfigMap of --configmap, or NULL while there is none. */
const struct configmap *config_of(const struct conf *conf, const struct store *store);
/* The ConfigMap of this "namespace/name"; NULL when there is none, or ref is empty. */
const struct configmap *configmap_of(const char *ref, const struct store *store);

/* Every object that was asked for by name is there, or known not to exist. */
void translate_settled(struct translate *t);

/* After SIGHUP, or a change of the ConfigMap, whose keys are in conf already (config.h): other
 * classes, defaults, default backend. Everything is looked at anew. */
void translate_set_conf(struct translate *t, const struct conf *conf);

/*
 * Put and delete whatever is marked, as one transaction of the sink. Returns 1 when something
 * was put or deleted (publish it), 0 when there was nothing to do, -1 with the sink's errno (roll
 * back: publisher_failed()).
 */
int translate_flush(struct translate *t);
/* After -1: what could not be put, "host a.test" or "cluster ns-svc-80"; "" when not known. */
const char *translate_culprit(const struct translate *t);
/* What became of the transaction. After a roll back everything in it is marked again, and the
 * next flush repeats it. */
void translate_published(struct translate *t);
void translate_rolled_back(struct translate *t);

/* Is this Ingress served, as far as its class, namespace and annotations are concerned? */
bool translate_serves(const struct translate *t, const struct ingress *i);

/* Check endpoints actively from now on (checker.h's callback is translate_checked, with the
 * translation as its argument; flush afterwards). h is borrowed, and freed before t. */
struct checker;
void translate_use_checker(struct translate *t, struct checker *h);
void translate_checked(struct translate *t, void *cluster);

/* Keep to the zone of this Node from now on (zone.h), as far as it is known; copied, "": zones do
 * not matter. */
void translate_at_node(struct translate *t, const char *node);

/* Names of ExternalName Services are resolved from now on; x is copied, its resolver borrowed. To
 * be told of answers by translate_name_changed(). */
void translate_resolve(struct translate *t, const struct external *x);
/* Another answer: what depends on the name is looked at anew. */
void translate_name_changed(struct translate *t, struct str name);
/* Does a Service lead to this name? */
bool translate_wants_name(const struct translate *t, struct str name);

/* Ports of TCP and UDP services, as last flushed: what is to be listened on once that is published.
 * Valid until the next flush; *revision is another one whenever they are. */
const struct model_port *translate_ports(const struct translate *t, uint32_t *n,
					 uint64_t *revision);
/* A port cannot be listened on: the ConfigMap that asks for it is told about. */
void translate_port_failed(struct translate *t, const struct model_port *p, const char *why);

struct translate_info {
	uint64_t ingresses, taken; /* seen, and ours */
	uint64_t annots;           /* different ones of those: the others share (annot_share.h) */
	uint64_t hosts, clusters;
	uint64_t puts, deletes; /* calls of the sink since the start */
};
void translate_info(const struct translate *t, struct translate_info *out);

#endif
