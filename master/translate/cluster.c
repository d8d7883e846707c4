/*
 * cluster: one Service and port, as Ingresses name it, into the table. See state.h.
 *
 * A Service that is missing or has no endpoint is a cluster with none: its routes answer 503, and
 * the first endpoint costs one small change. Its protocol and balancing come from the oldest
 * Ingress that uses the cluster, affinity from the oldest that asks for it (facts: routing §2).
 * Ports of TCP and UDP services (streams.c) lead to the same clusters; their connections are closed
 * where a route answers 503.
 */
#include <errno.h>
#include <stdlib.h>

#include "master/balance/balance.h"
#include "master/balance/service_opts.h"
#include "master/check/checker.h"
#include "master/translate/auth/auth.h"
#include "master/translate/state.h"

/* The oldest Ingress that uses it; NULL: only the default backend does. */
static const struct g_ingress *oldest_use(const struct g_cluster *c)
{
	const struct g_ingress *oldest = NULL;
	const struct g_use *u;

	LIST_FOREACH (u, &c->uses, of_cluster)
		if (oldest == NULL || obj_age_cmp(&u->ingress->ing->o, &oldest->ing->o) < 0)
			oldest = u->ingress;
	return oldest;
}

static const struct annots *annots_of(const struct g_ingress *i)
{
	return i == NULL ? NULL : i->annots;
}

/* The oldest that wants affinity, and is no canary: those have their primary's. */
static const struct g_ingress *oldest_sticky(const struct g_cluster *c)
{
	const struct g_ingress *oldest = NULL;
	const struct g_use *u;

	LIST_FOREACH (u, &c->uses, of_cluster)
		if (u->ingress->annots->affinity == AFFINITY_COOKIE &&
		    !u->ingress->annots->canary &&
		    (oldest == NULL || obj_age_cmp(&u->ingress->ing->o, &oldest->ing->o) < 0))
			oldest = u->ingress;
	return oldest;
}

static enum cluster_protocol protocol_of(const struct g_cluster *c)
{
	const struct g_ingress *i = oldest_use(c);

	if (c->port.asks != PORT_ASKS_NOTHING)
		return c->port.asks == PORT_ASKS_HTTPS ? CLUSTER_HTTPS : CLUSTER_HTTP;
	return i == NULL ? CLUSTER_HTTP : (enum cluster_protocol)i->annots->protocol;
}

/* Who to tell: the oldest Ingress that uses it, or the Service itself for the default backend. */
static const struct obj *concerned(const struct g_cluster *c, struct obj *service)
{
	const struct g_ingress *oldest = oldest_use(c);

	if (oldest != NULL)
		return &oldest->ing->o;
	*service =
	    (struct obj){.kind = OBJ_SERVICE, .ns = c->service->ns, .name = c->service->name};
	return service;
}

static const struct {
	enum finding_level level;
	const char *reason;
	const char *text;
} states[] = {
    [ENDPOINTS_FOUND] = {0, NULL, NULL},
    [ENDPOINTS_NONE_READY] = {FINDING_WARN, "NoEndpoints",
			      "has no ready endpoint; it answers 503 until a pod is ready"},
    [ENDPOINTS_NO_SERVICE] = {FINDING_WARN, "NoService",
			      "does not exist; it answers 503 until it is created"},
    [ENDPOINTS_NO_PORT] = {FINDING_WARN, "NoServicePort",
			   "has no such port; it answers 503: name one of its ports by number or "
			   "by name"},
    [ENDPOINTS_EXTERNAL_WAITING] = {0, NULL, NULL},
    [ENDPOINTS_EXTERNAL_UNKNOWN] = {FINDING_WARN, "ExternalName",
				    "is of type ExternalName and its name cannot be resolved; it "
				    "answers 503: correct spec.externalName, or the name servers"},
    [ENDPOINTS_EXTERNAL_OFF] = {FINDING_REFUSED, "ExternalName",
				"is of type ExternalName, which --disable-svc-external-name "
				"refuses; it answers 503"},
    [ENDPOINTS_EXTERNAL_REFUSED] = {FINDING_REFUSED, "ExternalName",
				    "is of type ExternalName and leads to a loopback or link-local "
				    "address or the API server; it answers 503: allow it with "
				    "--external-name-allow-local"},
};

static void tell(struct translate *t, struct g_cluster *c, enum endpoints_state s)
{
	struct obj service;

	if (states[s].reason == NULL)
		return;
	finding_about(&t->findings, &c->found, states[s].level, states[s].reason,
		      concerned(c, &service), "backend " STR_FMT " (namespace/service/port) %s%s",
		      STR_ARG(c->key), states[s].text,
		      c->n_streams > 0 ? " (of its TCP or UDP ports, connections are closed)" : "");
}

/* service-upstream: the oldest Ingress, or the ConfigMap, wants the cluster IP. */
static bool wants_service_ip(const struct translate *t, const struct g_cluster *c)
{
	const struct annots *oldest = annots_of(oldest_use(c));

	return oldest != NULL ? oldest->service_upstream : t->defaults.service_upstream;
}

/* Returns enum cluster_flag. */
static uint32_t find_endpoints(struct translate *t, struct g_cluster *c)
{
	enum endpoints_state s;
	struct obj service;

	if (c->port.asks != PORT_ASKS_NOTHING) {
		auth_tell_cluster(t, c, auth_endpoints(t, c, &oldest_use(c)->ing->o));
		return 0;
	}
	if (wants_service_ip(t, c)) {
		if (endpoints_of_service(&t->endpoints, t->store, c->service->ns, c->service->name,
					 &c->port))
			return 0;
		finding_about(&t->findings, &c->found, FINDING_WARN, "ServiceUpstream",
			      concerned(c, &service),
			      "backend " STR_FMT " (namespace/service/port) has no cluster IP, or "
			      "no such port; its endpoints are used: remove service-upstream",
			      STR_ARG(c->key));
	}
	s = endpoints_find(&t->endpoints, t->store, &t->conf, c->service->ns, c->service->name,
			   &c->port);
	tell(t, c, s);
	return s == ENDPOINTS_NO_SERVICE || s == ENDPOINTS_NO_PORT ? CLUSTER_NO_SERVICE : 0;
}

struct reading {
	struct translate *t;
	struct g_cluster *c;
	const struct obj *service;
	const char *reason;
};

static void tell_value(void *arg, struct str annotation, const char *why)
{
	const struct reading *to = arg;

	finding_about(&to->t->findings, &to->c->found, FINDING_WARN, to->reason, to->service,
		      "annotation " STR_FMT " %s; the default is used", STR_ARG(annotation), why);
}

/* Have the endpoints checked as the Service asks for, and learn who is down. */
static void check(struct translate *t, struct g_cluster *c)
{
	const struct obj *o = store_get(t->store, OBJ_SERVICE, c->service->ns, c->service->name);
	struct reading to = {t, c, o, "HealthCheck"};
	struct check_spec spec;

	if (t->checker == NULL || o == NULL || c->port.asks != PORT_ASKS_NOTHING ||
	    c->port.protocol != PORT_TCP || c->port.cluster_ip)
		return;
	check_spec_defaults(&spec, &t->conf);
	check_spec_read(&spec, o, tell_value, &to);
	checker_watch(t->checker, c, c->key, &spec, t->endpoints.v, t->endpoints.n);
}

static struct cluster_opts opts_of(struct translate *t, struct g_cluster *c)
{
	const struct obj *o = store_get(t->store, OBJ_SERVICE, c->service->ns, c->service->name);
	struct reading to = {t, c, o, "ServiceAnnotation"};
	struct cluster_opts opts;

	service_opts_defaults(&opts, &t->conf);
	if (o != NULL)
		service_opts_read(&opts, o, tell_value, &to);
	return opts;
}

static void tell_balance(void *arg, struct str annotation, const char *why)
{
	const struct reading *to = arg;

	finding_about(&to->t->findings, &to->c->found, FINDING_WARN, "AnnotationParsingFailed",
		      &oldest_use(to->c)->ing->o, "annotation " STR_FMT ": " STR_FMT,
		      STR_ARG(annotation), STR_ARG(str_from(why)));
}

/* What the Ingresses that use it say; *hold is to be freed. Findings only when it is rendered. */
static struct model_cluster settings_of(struct translate *t, struct g_cluster *c, bool tells,
					void **hold)
{
	struct reading to = {t, c, NULL, NULL};
	struct model_cluster m = {.id = c->id, .name = c->name, .protocol = protocol_of(c)};
	bool asks = c->port.asks != PORT_ASKS_NOTHING;
	const struct annots *oldest = asks ? NULL : annots_of(oldest_use(c));

	balance_make(&m, oldest != NULL ? oldest : &t->defaults,
		     asks ? NULL : annots_of(oldest_sticky(c)), tells ? tell_balance : NULL, &to,
		     hold);
	return m;
}

static uint64_t digest_of(const struct translate *t, const struct g_cluster *c,
			  const struct model_cluster *m)
{
	bool asked = c->port.asks != PORT_ASKS_NOTHING;

	return balance_digest(m) ^ (asked ? auth_uses(c) : wants_service_ip(t, c));
}

static bool same_settings(struct translate *t, struct g_cluster *c)
{
	void *hold;
	struct model_cluster m = settings_of(t, c, false, &hold);
	bool same = digest_of(t, c, &m) == c->digest;

	free(hold);
	return same;
}

static int put(struct translate *t, struct g_cluster *c)
{
	void *hold;
	struct model_cluster m = settings_of(t, c, true, &hold);
	uint16_t subset = m.opts.subset;
	int rc;

	m.flags |= find_endpoints(t, c);
	m.endpoints = t->endpoints.v;
	m.n_endpoints = t->endpoints.n;
	m.opts = opts_of(t, c);
	m.opts.subset = subset;
	check(t, c);
	/* The default backend without endpoints gives way to the built-in 404. */
	if (c == t->default_cluster && (c->n_endpoints > 0) != (m.n_endpoints > 0))
		t->default_queued = true;
	c->n_endpoints = m.n_endpoints;
	c->digest = digest_of(t, c, &m);
	c->mark.live = true;
	c->stale = false;
	t->wrote = true;
	t->puts++;
	rc = t->sink.put_cluster(t->sink.arg, &m);
	free(hold);
	return rc;
}

static int del(struct translate *t, struct g_cluster *c)
{
	c->n_endpoints = 0;
	c->stale = true; /* should somebody use it again before this is published */
	if (t->checker != NULL)
		checker_forget(t->checker, c);
	if (!c->mark.live)
		return 0;
	c->mark.live = false;
	t->wrote = true;
	t->deletes++;
	return t->sink.del_cluster(t->sink.arg, c->id);
}

int cluster_render(struct translate *t, struct g_cluster *c)
{
	bool used = graph_cluster_used(c);
	int rc = 0;

	if (used && !c->stale && same_settings(t, c))
		return 0; /* its users changed, it did not */
	finding_begin(&c->found);
	rc = used ? put(t, c) : del(t, c);
	finding_end(&c->found);
	return rc;
}
