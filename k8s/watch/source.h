/*
 * source: the API server as a source of objects, beside the manifests directory.
 *
 * Owns one reflector a kind, and one for each single object that is watched by name: the
 * ConfigMaps given by flag, and the Secrets that Ingresses refer to. Secrets nobody refers to are
 * never asked for, so that the role can be narrowed to names (facts: what-users-use B8).
 *
 * Secrets come over connections of their own. Libraries keep what they received in buffers for as
 * long as a connection lives, so soon after something came (SOURCE_RENEW_MS of quiet, at most ten
 * times that) the watches of Secrets move to new connections and the old ones are closed: their
 * memory is given back, and thereby wiped (master/keys/wipe_free.h).
 */
#ifndef SILEX_K8S_WATCH_SOURCE_H
#define SILEX_K8S_WATCH_SOURCE_H

#include <stdbool.h>

#include "common/loop/ev.h"
#include "k8s/api/client.h"
#include "k8s/watch/reflector.h"
#include "k8s/objects/store.h"

#define SOURCE_RENEW_MS 500u

struct source;

struct source_conf {
	const char *ns;            /* --watch-namespace; "": all */
	bool all_secrets;          /* watch every Secret instead of those referred to */
	bool namespaces;           /* Namespaces too, for --watch-namespace-selector */
	const char *node;          /* this Node too; "": none */
	const char *configmaps[3]; /* "namespace/name" or "" */
	uint32_t idle_ms;          /* as reflector_new() */
};

struct source_ops {
	void (*changed)(void *arg); /* the store has changed: publish soon */
	void (*synced)(void *arg);  /* every kind's first picture is there; once */
	void (*settled)(void *arg); /* ... and every Secret referred to; each time it becomes so */
	void (*forbidden)(void *arg, const char *why); /* the rule the role lacks */
	void (*refused)(void *arg, const char *object, const char *why);
};

/* The clients, store and ops are borrowed; conf is copied. secrets: a client nothing else uses.
 * Starts at once. NULL with errno. */
struct source *source_new(struct ev *ev, struct api_client *client, struct api_client *secrets,
			  struct store *store, const struct source_conf *conf,
			  const struct source_ops *ops, void *arg);
void source_free(struct source *s); /* the store keeps what it has; NULL is ignored */

/* An Ingress refers to this Secret, or has ceased to; counted. The Secret is then in the store
 * when it exists; it leaves the store when, at the end of the loop's turn, nobody refers to it any
 * more. Both may be called from the store's listener. */
void source_secret_ref(struct source *s, struct str ns, struct str name);
void source_secret_unref(struct source *s, struct str ns, struct str name);

/* Read this Secret again although it has not changed: it is put into the store once more. For one
 * that is not watched it means nothing. May be called from the store's listener. */
void source_secret_again(struct source *s, struct str ns, struct str name);

/* The same of a ConfigMap that the settings or an annotation name. */
void source_configmap_ref(struct source *s, struct str ns, struct str name);
void source_configmap_unref(struct source *s, struct str ns, struct str name);

bool source_synced(const struct source *s);
bool source_settled(const struct source *s);
/* fn for each reflector, for /readyz?verbose and metrics. */
void source_each(const struct source *s, void (*fn)(void *arg, const struct reflector *r),
		 void *arg);

#endif
