/*
 * translate: events in, marks; flush, and what became of it. See translate.h.
 *
 * Where it goes to: to_table.c. Names that are looked up: names.c.
 */
#include "master/translate/translate.h"

#include <errno.h>
#include <stdio.h>

#include "common/log/log.h"
#include "k8s/settings/config.h"
#include "master/basic/users.h"
#include "master/translate/auth/auth.h"
#include "master/translate/fcgi.h"
#include "master/translate/mirror/mirror.h"
#include "master/translate/graph/graph_mem.h"
#include "master/translate/named.h"
#include "master/translate/policy_make.h"
#include "master/translate/state.h"
#include "master/translate/endpoints/zone.h"

/* --- configuration ------------------------------------------------------------------------- */

static uint32_t ms32(uint64_t ms)
{
	return ms > UINT32_MAX ? UINT32_MAX : (uint32_t)ms;
}

const struct configmap *configmap_of(const char *ref, const struct store *store)
{
	struct str ns, name;
	const struct obj *o;

	if (!named_split_full(str_from(ref), &ns, &name))
		return NULL;
	o = store_get(store, OBJ_CONFIGMAP, ns, name);
	return o == NULL ? NULL : obj_configmap(o);
}

const struct configmap *config_of(const struct conf *conf, const struct store *store)
{
	return configmap_of(conf->configmap, store);
}

static void set_defaults(struct translate *t)
{
	struct policy *p = &t->defaults.policy;
	const struct conf *c = &t->conf;

	annots_defaults(&t->defaults);
	t->defaults.ssl_redirect = c->ssl_redirect;
	t->defaults.force_ssl_redirect = c->force_ssl_redirect;
	t->defaults.preserve_trailing_slash = c->preserve_trailing_slash;
	p->body_max_bytes = c->proxy_body_size;
	p->connect_ms = ms32(c->proxy_connect_timeout_ms);
	p->send_ms = ms32(c->proxy_send_timeout_ms);
	p->read_ms = ms32(c->proxy_read_timeout_ms);
	p->head_max_bytes = (uint32_t)c->proxy_buffer_size;
	p->next_tries = (uint16_t)c->proxy_next_upstream_tries;
	p->next_ms = ms32(c->proxy_next_upstream_timeout_ms);
	if (c->disable_access_log)
		p->flags |= POLICY_NO_ACCESS_LOG;
	config_apply(config_of(c, t->store), NULL, &t->defaults, NULL, NULL);
	headers_conf_changed(t);
	of_all_conf_changed(t);
	t->nobody_queued = true;
}

/* default-backend-service is a namespace/name; its first port counts. */
static void set_default_backend(struct translate *t)
{
	struct g_cluster *before = t->default_cluster;
	struct str ns, name;
	const struct port_ref first = {.number = 0};

	t->default_queued = true;
	t->default_cluster = NULL;
	if (named_split_full(str_from(t->conf.default_backend_service), &ns, &name)) {
		t->default_cluster = graph_cluster(&t->graph, ns, name, &first);
		t->default_cluster->held = true;
	}
	if (before == NULL || before == t->default_cluster)
		return;
	before->held = false;
	graph_mark_cluster(&t->graph, before, false);
}

static void attach_again(struct translate *t, struct g_ingress *i)
{
	ingress_detach(t, i);
	ingress_attach(t, i);
}

static void mark_all_clusters(struct translate *t)
{
	for (struct g_cluster *c = graph_cluster_first(&t->graph); c != NULL;
	     c = graph_cluster_next(c))
		graph_mark_cluster(&t->graph, c, true);
}

void translate_set_conf(struct translate *t, const struct conf *conf)
{
	t->conf = *conf;
	set_defaults(t);
	set_default_backend(t);
	tls_conf_changed(t);
	streams_changed(t);
	for (struct g_ingress *i = graph_ingress_first(&t->graph); i != NULL;
	     i = graph_ingress_next(i))
		attach_again(t, i);
	mark_all_clusters(t);
}

/* --- events -------------------------------------------------------------------------------- */

static void ingress_changed(struct translate *t, const struct obj *old, const struct obj *new)
{
	const struct obj *any = new != NULL ? new : old;
	struct g_ingress *i = graph_ingress_find(&t->graph, any->ns, any->name);

	if (i != NULL)
		ingress_detach(t, i); /* while its object is still there */
	if (new != NULL)
		ingress_attach(t, graph_ingress_add(&t->graph, obj_ingress(new)));
	else if (i != NULL)
		graph_ingress_remove(&t->graph, i);
}

/* Only Ingresses for which the answer changes are touched. */
static void class_changed(struct translate *t, struct str name)
{
	struct g_class *c = graph_class_find(&t->graph, name);
	struct g_ingress *i;

	if (c == NULL)
		return;
	LIST_FOREACH (i, &c->ingresses, of_class)
		if (ingress_verdict_changed(t, i))
			attach_again(t, i);
}

/* Its labels may be of a selector. */
static void namespace_changed(struct translate *t, struct str name)
{
	if (t->conf.watch_namespace_selector[0] == '\0')
		return;
	for (struct g_ingress *i = graph_ingress_first(&t->graph); i != NULL;
	     i = graph_ingress_next(i))
		if (str_eq(i->ing->o.ns, name) && ingress_verdict_changed(t, i))
			attach_again(t, i);
}

static void slice_changed(struct translate *t, const struct obj *o)
{
	const struct endpoint_slice *s;

	if (o == NULL)
		return;
	s = obj_slice(o);
	if (s->service.n > 0)
		graph_mark_service(&t->graph, o->ns, s->service);
}

static void say_zone(const struct translate *t)
{
	if (t->endpoints.zone.n > 0)
		log_info("endpoints of this zone are preferred, where hints allow",
			 LOG_STR("zone", t->endpoints.zone), LOG_Z("node", t->node));
	else
		log_warn("the node's zone is not known: endpoints of all zones are used alike",
			 LOG_Z("node", t->node), LOG_Z("label", ZONE_LABEL));
}

/* Our Node, of which only the zone matters: its status changes every few minutes. */
static bool take_zone(struct translate *t, const struct obj *node)
{
	struct str zone = zone_of_node(node);

	if (str_eq(zone, t->endpoints.zone))
		return false;
	(void)snprintf(t->zone, sizeof(t->zone), STR_FMT, STR_ARG(zone));
	t->endpoints.zone = str_from(t->zone);
	mark_all_clusters(t);
	return true;
}

static void node_changed(struct translate *t, struct str name, const struct obj *node)
{
	if (str_eq(name, str_from(t->node)) && take_zone(t, node))
		say_zone(t);
}

void translate_at_node(struct translate *t, const char *node)
{
	(void)snprintf(t->node, sizeof(t->node), "%s", node);
	(void)take_zone(t, store_get(t->store, OBJ_NODE, STR_NONE, str_from(node)));
	if (*node != '\0')
		say_zone(t);
}

/* One with header fields. (The settings' own comes by translate_set_conf().) */
static void configmap_changed(struct translate *t, const struct obj *o)
{
	if (headers_named(t, o)) {
		struct conf same = t->conf;

		translate_set_conf(t, &same);
		return;
	}
	for (struct g_ingress *i = graph_ingress_first(&t->graph); i != NULL;
	     i = graph_ingress_next(i))
		if (named_is(i, o))
			attach_again(t, i);
}

void translate_users_changed(struct translate *t, const struct users_list *l)
{
	for (struct g_ingress *i = graph_ingress_first(&t->graph); i != NULL;
	     i = graph_ingress_next(i))
		if (i->users == l)
			attach_again(t, i);
}

void translate_settled(struct translate *t)
{
	if (t->headers.waits) {
		struct conf same = t->conf;

		translate_set_conf(t, &same);
		return;
	}
	for (struct g_ingress *i = graph_ingress_first(&t->graph); i != NULL;
	     i = graph_ingress_next(i))
		if (named_waits(i) || i->users_wait)
			attach_again(t, i);
}

void translate_event(void *arg, const struct obj *old, const struct obj *new)
{
	struct translate *t = arg;
	const struct obj *any = new != NULL ? new : old;

	switch ((enum obj_kind)any->kind) {
	case OBJ_INGRESS:
		ingress_changed(t, old, new);
		return;
	case OBJ_CLASS:
		class_changed(t, any->name);
		return;
	case OBJ_SERVICE:
		graph_mark_service(&t->graph, any->ns, any->name);
		return;
	case OBJ_SLICE:
		slice_changed(t, old); /* the label may have moved to another Service */
		slice_changed(t, new);
		return;
	case OBJ_NAMESPACE:
		namespace_changed(t, any->name);
		return;
	case OBJ_SECRET:
		tls_secret_changed(t, any);
		up_tls_secret_changed(t, any);
		client_tls_secret_changed(t, any);
		if (t->sink.users != NULL)
			users_secret_changed(t->sink.users, any);
		return;
	case OBJ_NODE:
		node_changed(t, any->name, new);
		return;
	case OBJ_CONFIGMAP:
		if (streams_concern(t, any))
			streams_changed(t);
		configmap_changed(t, any);
		return;
	case OBJ_KINDS:
		return;
	}
}

void translate_use_checker(struct translate *t, struct checker *h)
{
	t->checker = h;
}

void translate_checked(struct translate *t, void *cluster)
{
	graph_mark_cluster(&t->graph, cluster, true);
}

/* --- life ---------------------------------------------------------------------------------- */

struct translate *translate_new(const struct conf *conf, const struct store *store,
				const struct translate_sink *sink, finding_fn *tell, void *arg)
{
	struct translate *t = mem_zalloc(sizeof(*t));

	t->store = store;
	t->sink = *sink;
	t->findings = (struct findings){tell, arg};
	t->tls.certs = sink->certs;
	graph_init(&t->graph);
	up_tls_init(t);
	translate_set_conf(t, conf);
	for (const struct obj *o = store_first(store, OBJ_INGRESS); o != NULL; o = store_next(o))
		ingress_changed(t, NULL, o);
	return t;
}

void translate_free(struct translate *t)
{
	if (t == NULL)
		return;
	tls_free(t);
	client_tls_free(t);
	streams_free(t);
	for (struct g_ingress *i = graph_ingress_first(&t->graph); i != NULL;
	     i = graph_ingress_next(i)) {
		snippets_detach(i);
		named_detach(t, i);
		auth_detach(t, i);
		mirror_detach(t, i);
		annots_unshare(&t->shares, i->annots);
	}
	up_tls_free(t);
	headers_free(t);
	of_all_free(t);
	graph_free(&t->graph);
	endpoints_free(&t->endpoints);
	free(t);
}

/* --- flush --------------------------------------------------------------------------------- */

/* What the server itself answers: header fields hold for it too, access lists do not. */
static struct policy *default_policy(const struct translate *t)
{
	struct annots a;

	annots_defaults(&a);
	a.policy = t->defaults.policy;
	a.request_headers = t->defaults.request_headers;
	a.response_headers = t->defaults.response_headers;
	a.made.path_program = of_all_program(t, OF_ALL_PATH);
	return policy_make(&a, STR("/"), STR_NONE, NULL, (struct policy_canary_of){0});
}

static int flush_default(struct translate *t)
{
	const struct g_cluster *c = t->default_cluster;
	struct policy *policy;
	int rc;

	if (!t->default_queued)
		return 0;
	t->default_queued = false;
	t->default_touched = true;
	t->wrote = true;
	t->puts++;
	policy = default_policy(t);
	rc = t->sink.put_default(t->sink.arg, c != NULL && c->n_endpoints > 0 ? c->id : 0, policy);
	free(policy);
	return rc;
}

static int failed(struct translate *t, const char *what, struct str name)
{
	int saved = errno;

	(void)snprintf(t->culprit, sizeof(t->culprit), "%s " STR_FMT, what,
		       STR_ARG(name.n > 0 ? name : STR("*")));
	errno = saved;
	return -1;
}

const char *translate_culprit(const struct translate *t)
{
	return t->culprit;
}

int translate_flush(struct translate *t)
{
	struct g_cluster *c;
	struct g_host *h;

	t->wrote = false;
	while ((c = graph_next_cluster(&t->graph)) != NULL)
		if (cluster_render(t, c) == -1)
			return failed(t, "cluster", c->name);
	if (flush_default(t) == -1 || tls_flush_default(t) == -1 || streams_flush(t) == -1 ||
	    up_tls_flush(t) == -1 || of_all_flush_maps(t) == -1)
		return -1;
	while ((h = graph_next_host(&t->graph)) != NULL)
		if (host_render(t, h) == -1)
			return failed(t, "host", h->name);
	if (nobody_flush(t) == -1)
		return failed(t, "host", STR_NONE);
	return t->wrote ? 1 : 0;
}

void translate_published(struct translate *t)
{
	t->default_touched = false;
	tls_published(t);
	streams_published(t);
	up_tls_published(t);
	graph_published(&t->graph);
}

void translate_rolled_back(struct translate *t)
{
	t->default_queued |= t->default_touched;
	t->default_touched = false;
	tls_rolled_back(t);
	streams_rolled_back(t);
	up_tls_rolled_back(t);
	t->nobody_queued = t->snippets.maps_queued = true;
	graph_rolled_back(&t->graph);
}

bool translate_serves(const struct translate *t, const struct ingress *i)
{
	/* Finding changes nothing, but hands out what may be changed. */
	const struct g_ingress *g =
	    graph_ingress_find((struct graph *)(uintptr_t)&t->graph, i->o.ns, i->o.name);

	return g != NULL && g->taken;
}

void translate_info(const struct translate *t, struct translate_info *out)
{
	*out = (struct translate_info){
	    .ingresses = t->graph.n_ingresses,
	    .taken = t->graph.n_taken,
	    .annots = t->shares.n,
	    .hosts = t->graph.n_hosts,
	    .clusters = t->graph.n_clusters,
	    .puts = t->puts,
	    .deletes = t->deletes,
	};
}
