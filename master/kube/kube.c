/* kube: see kube.h. */
#include "master/kube/kube.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/check.h"
#include "common/log/log.h"
#include "common/loop/timer.h"
#include "common/version.h"
#include "k8s/write/events.h"
#include "k8s/watch/source.h"
#include "master/kube/health.h"
#include "master/kube/leader.h"
#include "master/kube/pod.h"
#include "master/kube/whereabouts.h"

#define SECRETS_SHARE 10u                        /* times kube-api-qps: watches by name are small */
#define COMPONENT     "nginx-ingress-controller" /* what dashboards and scripts select Events by */

struct kube {
	struct ev *ev;
	const struct conf *conf;
	struct store *store;
	struct access *access;
	struct api_client *client, *secrets_client;
	struct source *source;
	struct events *events;
	struct leader *leader;
	struct health *health;
	struct whereabouts *whereabouts; /* NULL: nobody asks */
	struct pod pod;
	bool synced, settling, settled;
	bool node_known; /* ... as far as it ever will be */
	struct timer settle_limit;
	const struct kube_ops *ops;
	void *arg;
};

bool kube_wanted(const struct conf *conf)
{
	return conf->manifests[0] == '\0' || conf->kubeconfig[0] != '\0' ||
	       conf->apiserver_host[0] != '\0';
}

/* ---- what the source tells ----------------------------------------------------------- */

static void on_changed(void *arg)
{
	struct kube *k = arg;

	k->ops->changed(k->arg);
}

static void on_synced(void *arg)
{
	struct kube *k = arg;

	log_info("API server: everything is read",
		 LOG_U64("ingresses", store_count(k->store, OBJ_INGRESS)),
		 LOG_U64("services", store_count(k->store, OBJ_SERVICE)),
		 LOG_U64("slices", store_count(k->store, OBJ_SLICE)));
	k->synced = true;
	k->ops->synced(k->arg);
}

static void settle_now(struct kube *k)
{
	if (k->settled) {
		k->ops->settled_again(k->arg);
		return;
	}
	k->settled = true;
	timer_cancel(ev_timers(k->ev), &k->settle_limit);
	health_look(k->health); /* before anybody is told that we are ready */
	k->ops->settled(k->arg);
	leader_start(k->leader);
}

static void on_settled(void *arg)
{
	struct kube *k = arg;

	if (k->settling)
		settle_now(k);
}

static void on_settle_limit(struct timer *t)
{
	struct kube *k = container_of(t, struct kube, settle_limit);

	log_warn("not every Secret is read yet, serving begins without them");
	settle_now(k);
}

void kube_settle(struct kube *k)
{
	k->settling = true;
	if (source_settled(k->source))
		settle_now(k);
	else
		timer_set(ev_timers(k->ev), &k->settle_limit, ev_now_ms(k->ev) + KUBE_SETTLE_MS);
}

static void on_refused(void *arg, const char *object, const char *why)
{
	(void)arg;
	log_warn("API server: an object is not taken", LOG_Z("object", object), LOG_Z("why", why));
}

/* On our own pod: the only object the owner of the role is sure to look at. */
static void on_forbidden(void *arg, const char *why)
{
	struct kube *k = arg;
	struct event_about about = {
	    .api_version = "v1",
	    .kind = "Pod",
	    .ns = str_from(k->pod.ns),
	    .name = str_from(k->pod.name),
	};

	if (about.name.n > 0 && about.ns.n > 0)
		events_emit(k->events, &about, true, "Forbidden", why);
}

static const struct source_ops source_ops = {
    .changed = on_changed,
    .synced = on_synced,
    .settled = on_settled,
    .forbidden = on_forbidden,
    .refused = on_refused,
};

/* ---- what is told -------------------------------------------------------------------- */

static bool serves(void *arg, const struct ingress *i)
{
	struct kube *k = arg;

	return k->ops->serves(k->arg, i);
}

/* Our own writing of the status is no change worth telling. */
static bool was_edited(const struct obj *old, const struct obj *new)
{
	if (old == NULL || old->generation == 0 || old->generation != new->generation)
		return true;
	if (old->annotations.n != new->annotations.n)
		return true;
	for (uint32_t i = 0; i < old->annotations.n; i++)
		if (!str_eq(old->annotations.kv[i].key, new->annotations.kv[i].key) ||
		    !str_eq(old->annotations.kv[i].value, new->annotations.kv[i].value))
			return true;
	return false;
}

void kube_ingress_changed(struct kube *k, const struct obj *old, const struct obj *new, bool served)
{
	struct event_about about;

	if (new == NULL || new->file.n > 0 || !served || !k->settled)
		return;
	leader_look_soon(k->leader);
	if (k->conf->disable_sync_events || !was_edited(old, new))
		return;
	about = events_about(new);
	events_emit(k->events, &about, false, "Sync", "Scheduled for sync");
}

void kube_config_changed(struct kube *k, const struct obj *old, const struct obj *new)
{
	struct event_about about = events_about(new);
	char text[400];

	if (new->file.n > 0)
		return;
	(void)snprintf(text, sizeof(text), "ConfigMap " STR_FMT "/" STR_FMT, STR_ARG(new->ns),
		       STR_ARG(new->name));
	events_emit(k->events, &about, false, old == NULL ? "CREATE" : "UPDATE", text);
}

void kube_found(struct kube *k, const struct finding *f)
{
	const struct obj *o = store_get(k->store, f->kind, f->ns, f->name);
	struct event_about about;

	if (f->level == FINDING_NOTE || o == NULL || o->file.n > 0)
		return;
	about = events_about(o);
	events_emit(k->events, &about, true, f->reason, f->text);
}

struct addr kube_address(const struct kube *k)
{
	struct str url = str_from(k->access->server), host;
	struct addr a = {0};
	ptrdiff_t scheme = str_chr(url, ':'), end;

	host = str_from_at(url, (size_t)scheme + 3); /* access.c writes "scheme://" */
	if (str_starts(host, STR("["))) {
		host = str_from_at(host, 1);
		end = str_chr(host, ']');
	} else {
		end = str_chr(host, ':');
	}
	if (!addr_parse(end == -1 ? host : str_head(host, (size_t)end), 0, &a))
		a.family = 0;
	return a;
}

void kube_secret_ref(void *kube, struct str ns, struct str name)
{
	struct kube *k = kube;

	source_secret_ref(k->source, ns, name);
}

void kube_secret_unref(void *kube, struct str ns, struct str name)
{
	struct kube *k = kube;

	source_secret_unref(k->source, ns, name);
}

void kube_secret_again(struct kube *k, struct str ns, struct str name)
{
	source_secret_again(k->source, ns, name);
}

void kube_configmap_ref(void *kube, struct str ns, struct str name)
{
	struct kube *k = kube;

	source_configmap_ref(k->source, ns, name);
}

void kube_configmap_unref(void *kube, struct str ns, struct str name)
{
	struct kube *k = kube;

	source_configmap_unref(k->source, ns, name);
}

bool kube_settling(void *kube)
{
	const struct kube *k = kube;

	return !source_settled(k->source);
}

/* ---- life ---------------------------------------------------------------------------- */

static int find_access(struct kube *k)
{
	struct access_options opt = {
	    .kubeconfig = k->conf->kubeconfig,
	    .apiserver_host = k->conf->apiserver_host,
	    .ca_file = k->conf->certificate_authority,
	};
	char err[ACCESS_ERROR_MAX];

	k->access = access_find(&opt, err);
	if (k->access == NULL)
		log_error("no access to a Kubernetes API", LOG_Z("why", err));
	return k->access == NULL ? -1 : 0;
}

static int make_parts(struct kube *k, struct board *board)
{
	const struct conf *c = k->conf;

	pod_read(&k->pod, k->access->ns);
	k->client = api_client_new(k->ev, k->access, "silex/" SILEX_VERSION,
				   (uint32_t)c->kube_api_qps, (uint32_t)c->kube_api_burst);
	/* When the keys process dies all its keys are read again, while handshakes wait. */
	k->secrets_client = api_client_new(k->ev, k->access, "silex/" SILEX_VERSION,
					   (uint32_t)c->kube_api_qps * SECRETS_SHARE,
					   (uint32_t)c->kube_api_burst * SECRETS_SHARE);
	if (k->client == NULL || k->secrets_client == NULL)
		return -1;
	k->events = events_new(k->ev, k->client, COMPONENT, k->pod.identity);
	k->leader = leader_new(k->ev, k->client, k->store, c, &k->pod, serves, k);
	k->health = health_new(k->ev, board);
	return k->events == NULL || k->leader == NULL || k->health == NULL ? -1 : 0;
}

struct kube *kube_new(struct ev *ev, const struct conf *conf, struct store *store,
		      struct board *board, const struct kube_ops *ops, void *arg)
{
	struct kube *k = calloc(1, sizeof(*k));

	if (k == NULL)
		return NULL;
	k->ev = ev;
	k->conf = conf;
	k->store = store;
	k->ops = ops;
	k->arg = arg;
	timer_init(&k->settle_limit, on_settle_limit);
	if (find_access(k) == -1) {
		kube_free(k);
		return NULL;
	}
	if (make_parts(k, board) == -1) {
		log_error("cannot prepare the API client", LOG_ERRNO(errno));
		kube_free(k);
		return NULL;
	}
	return k;
}

static int start_source(struct kube *k)
{
	struct source_conf sc = {
	    .ns = k->conf->watch_namespace,
	    .all_secrets = k->conf->watch_all_secrets,
	    .namespaces = k->conf->watch_namespace_selector[0] != '\0',
	    .node = kube_node(k),
	    .configmaps = {k->conf->configmap, k->conf->tcp_services_configmap,
			   k->conf->udp_services_configmap},
	    .idle_ms = (uint32_t)k->conf->kube_watch_idle_ms,
	};

	k->source = source_new(k->ev, k->client, k->secrets_client, k->store, &sc, &source_ops, k);
	if (k->source == NULL) {
		log_error("cannot watch the API server", LOG_ERRNO(errno));
		return -1;
	}
	health_watch(k->health, k->source, k->events, k->leader);
	return 0;
}

static void on_whereabouts(void *arg)
{
	struct kube *k = arg;

	k->node_known = true;
	if (k->whereabouts != NULL) /* else kube_start() goes on itself, and tells of failure */
		(void)start_source(k);
}

int kube_start(struct kube *k)
{
	log_info("watching the API server", LOG_Z("server", k->access->server),
		 LOG_Z("replica", k->pod.identity));
	if (!k->conf->enable_topology_aware_routing)
		return start_source(k);
	k->whereabouts = whereabouts_new(k->ev, k->client, &k->pod, on_whereabouts, k);
	if (k->whereabouts == NULL) {
		log_error("cannot watch the API server", LOG_ERRNO(errno));
		return -1;
	}
	return k->node_known ? start_source(k) : 0;
}

const char *kube_node(const struct kube *k)
{
	return k->conf->enable_topology_aware_routing ? k->pod.node : "";
}

void kube_stop(struct kube *k, bool clear_status, void (*done)(void *arg), void *arg)
{
	leader_stop(k->leader, clear_status, done, arg);
}

void kube_free(struct kube *k)
{
	if (k == NULL)
		return;
	timer_cancel(ev_timers(k->ev), &k->settle_limit);
	whereabouts_free(k->whereabouts);
	health_free(k->health);
	leader_free(k->leader);
	source_free(k->source);
	events_free(k->events);
	api_client_free(k->client);
	api_client_free(k->secrets_client);
	access_free(k->access);
	free(k);
}
