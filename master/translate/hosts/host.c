/*
 * host: one host name with the paths of all Ingresses that have a rule for it, into the table
 * (facts: routing §2, §3, §6). See state.h.
 *
 * Precedence, first wins: for the catch-all the Ingresses that are nothing but a defaultBackend;
 * then every rule by age of its Ingress; then, for a named host, the defaultBackend of its oldest
 * Ingress at "/". Where nothing claims "/" the table's default backend answers.
 */
#include <errno.h>
#include <stdlib.h>

#include "master/translate/hosts/alias.h"
#include "master/translate/hosts/canary.h"
#include "master/translate/graph/graph_mem.h"
#include "master/translate/hosts/paths.h"
#include "master/translate/policy_make.h"
#include "master/translate/regex_check.h"
#include "master/translate/state.h"
#include "master/translate/hosts/www.h"

struct rendering {
	struct translate *t;
	struct g_host *host;
	struct g_ingress **by_age;
	uint32_t n_ingresses;
	struct canaries canaries; /* apart from the others */
	struct claim *claims;
	uint32_t n_claims, cap_claims;
	bool regex;                      /* every path of this host is one (facts: routing §5) */
	bool www;                        /* nothing but the other name of a host */
	const struct g_ingress *no_www;  /* wanted that, in vain */
	struct str app_root;             /* of the oldest Ingress that has one; for "/" */
	const struct g_ingress *snippet; /* ... that has a server-snippet */
	struct policy *server;           /* ... which means this */
	const struct g_ingress *up_tls;  /* the oldest Ingress that has proxy-ssl-* */
	struct policy **made;            /* to be freed */
	uint32_t n_made, cap_made;
};

static int age_cmp(const void *a, const void *b)
{
	const struct g_ingress *const *x = a, *const *y = b;

	return obj_age_cmp(&(*x)->ing->o, &(*y)->ing->o);
}

static void gather(struct rendering *r)
{
	const struct g_link *l;
	uint32_t n = 0, i = 0;

	LIST_FOREACH (l, &r->host->links, of_host)
		n++;
	r->by_age = mem_zalloc(n * sizeof(struct g_ingress *));
	LIST_FOREACH (l, &r->host->links, of_host)
		if (l->why != LINK_ALIAS)
			r->by_age[i++] = l->ingress;
	qsort(r->by_age, i, sizeof(struct g_ingress *), age_cmp);
	r->n_ingresses = canaries_part(&r->canaries, r->by_age, i);
	n = www_part(r->host->name, r->by_age, r->n_ingresses);
	r->www = n == 0 && r->n_ingresses > 0;
	r->no_www = n > 0 && n < r->n_ingresses ? r->by_age[n] : NULL;
	r->n_ingresses = r->www ? 1 : n;
}

static const char *shown_host(const struct g_host *h)
{
	return h->name.n == 0 ? "*" : h->name.p;
}

/* --- policies ------------------------------------------------------------------------------ */

static struct policy **room(struct rendering *r)
{
	if (r->n_made == r->cap_made) {
		r->cap_made = r->cap_made == 0 ? 16 : r->cap_made * 2;
		r->made = reallocarray(r->made, r->cap_made, sizeof(*r->made));
		CHECK(r->made != NULL);
	}
	return &r->made[r->n_made++];
}

static void tell_too_large(struct rendering *r, const struct g_ingress *i, struct str path,
			   uint32_t size)
{
	finding_about(&r->t->findings, &r->host->found, FINDING_REFUSED, "PolicyTooLarge",
		      &i->ing->o,
		      "path " STR_FMT " of host %s answers 503: what its annotations and the "
		      "ConfigMap ask for takes %u bytes, and %u may be taken: shorten its lists, "
		      "header fields or snippet",
		      STR_ARG(str_head(path, 200)), shown_host(r->host), size, POLICY_ROUTED_MAX);
}

static const struct policy *policy_of(struct rendering *r, const struct g_ingress *i,
				      struct str path, struct policy_canary_of canary)
{
	bool root = r->regex || path.n <= 1;
	struct str app_root = root ? r->app_root : STR_NONE;
	struct policy_up_tls up_tls;
	bool secured = up_tls_option(r->t, i, r->up_tls, &up_tls);
	struct policy **made;

	if (app_root.n == 0 && !secured && canary.rules == NULL && !policy_has_options(i->annots))
		return &i->annots->policy;
	made = room(r);
	*made = policy_make(i->annots, path.n == 0 ? STR("/") : path, app_root,
			    secured ? &up_tls : NULL, canary);
	if ((*made)->size > POLICY_ROUTED_MAX)
		tell_too_large(r, i, path, (*made)->size);
	return *made;
}

static bool wants_regex(const struct rendering *r, const struct g_ingress *i)
{
	for (uint32_t n = 0; n < i->ing->n_rules; n++) {
		const struct ingress_rule *rule = &i->ing->rules[n];

		for (uint32_t p = 0; p < rule->n_paths && str_eq(rule->host, r->host->name); p++)
			if (policy_wants_regex(i->annots, rule->paths[p].path))
				return true;
	}
	return false;
}

/* What one Ingress decides for the whole host. */
static void look_ahead(struct rendering *r)
{
	if (r->www)
		return;
	for (uint32_t n = 0; n < r->n_ingresses; n++) {
		r->regex = r->regex || wants_regex(r, r->by_age[n]);
		if (r->app_root.n == 0)
			r->app_root = r->by_age[n]->annots->app_root;
		if (r->snippet == NULL && r->by_age[n]->host_snippet)
			r->snippet = r->by_age[n];
		if (r->up_tls == NULL && r->by_age[n]->profile != NULL)
			r->up_tls = r->by_age[n];
	}
}

/* --- claims -------------------------------------------------------------------------------- */

static void claim(struct rendering *r, struct g_ingress *i, struct str path, bool exact,
		  const struct ingress_backend *b, struct policy_canary_of canary)
{
	const struct g_cluster *c =
	    b->service.n == 0
		? NULL
		: graph_cluster_find(&r->t->graph, i->ing->o.ns, b->service, &b->port);

	if (r->n_claims == r->cap_claims) {
		r->cap_claims = r->cap_claims == 0 ? 16 : r->cap_claims * 2;
		r->claims = reallocarray(r->claims, r->cap_claims, sizeof(*r->claims));
		CHECK(r->claims != NULL);
	}
	r->claims[r->n_claims++] = (struct claim){
	    .path = path,
	    .exact = exact,
	    .owner = i,
	    .to = {.cluster = c == NULL ? 0 : c->id,
		   .policy = policy_of(r, i, path, canary),
		   .ns = i->ing->o.ns,
		   .ingress = i->ing->o.name,
		   .service = b->service,
		   .canary = canary.name},
	};
}

static void claim_default(struct rendering *r, struct g_ingress *i)
{
	if (i->ing->default_backend.service.n == 0)
		return; /* a resource: told below, and the global default answers */
	claim(r, i, STR("/"), false, &i->ing->default_backend,
	      canary_of_default(&r->canaries, r->t, r->host, i));
	r->claims[r->n_claims - 1].to.default_backend = true;
}

static void tell_resource(struct rendering *r, struct g_ingress *i, struct str path)
{
	finding_about(&r->t->findings, &r->host->found, FINDING_REFUSED, "ResourceBackend",
		      &i->ing->o,
		      "path " STR_FMT " of host %s has a backend that is no Service; it answers "
		      "503: set backend.service",
		      STR_ARG(path), shown_host(r->host));
}

static bool is_regex(struct rendering *r, struct g_ingress *i, struct str path)
{
	char err[REGEX_ERROR_MAX];

	if (regex_check(path, err))
		return true;
	finding_about(&r->t->findings, &r->host->found, FINDING_REFUSED, "BadRegex", &i->ing->o,
		      "path %.*s of host %s is no regular expression (%s) and is not served: "
		      "rewrite-target or use-regex makes every path of the host one",
		      path.n < 200 ? (int)path.n : 200, path.n > 0 ? path.p : "",
		      shown_host(r->host), err);
	return false;
}

static void claim_rules(struct rendering *r, struct g_ingress *i)
{
	for (uint32_t n = 0; n < i->ing->n_rules; n++) {
		const struct ingress_rule *rule = &i->ing->rules[n];

		if (!str_eq(rule->host, r->host->name))
			continue;
		for (uint32_t p = 0; p < rule->n_paths; p++) {
			const struct ingress_path *path = &rule->paths[p];

			if (path->backend.service.n == 0)
				tell_resource(r, i, path->path);
			if (r->regex && !is_regex(r, i, path->path))
				continue;
			claim(r, i, path->path, path->type == PATH_EXACT_TYPE, &path->backend,
			      canary_of_path(&r->canaries, r->t, r->host, i, path));
		}
	}
}

static bool is_catch_all(const struct g_ingress *i)
{
	return i->ing->has_default && i->ing->n_rules == 0;
}

/* "/" is redirected even where no path is "/"; only ever "/" itself. */
static void claim_app_root(struct rendering *r)
{
	const struct ingress_backend nobody = {.resource = true};

	if (r->app_root.n == 0 || r->regex)
		return;
	for (uint32_t n = 0; n < r->n_claims; n++)
		if (r->claims[n].path.n <= 1)
			return;
	claim(r, r->by_age[0], STR("/"), true, &nobody, (struct policy_canary_of){0});
}

/* Nothing but the other name of a host: everything goes there. */
static void claim_www(struct rendering *r)
{
	const struct ingress_backend nobody = {.resource = true};
	char buf[WWW_HOST_MAX];
	struct policy **made;

	claim(r, r->by_age[0], STR("/"), false, &nobody, (struct policy_canary_of){0});
	made = room(r);
	*made = policy_make_www(r->by_age[0]->annots, www_other(r->host->name, buf));
	r->claims[0].to.policy = *made;
}

static void claim_all(struct rendering *r)
{
	bool named = r->host->name.n > 0;

	if (r->www) {
		claim_www(r);
		return;
	}
	for (uint32_t n = 0; n < r->n_ingresses && !named; n++)
		if (is_catch_all(r->by_age[n]))
			claim_default(r, r->by_age[n]);
	for (uint32_t n = 0; n < r->n_ingresses; n++)
		claim_rules(r, r->by_age[n]);
	if (named && r->by_age[0]->ing->has_default)
		claim_default(r, r->by_age[0]);
	claim_app_root(r);
}

/* --- conflicts ----------------------------------------------------------------------------- */

static void lost(void *arg, const struct claim *loser, const struct claim *winner)
{
	struct rendering *r = arg;
	const struct g_ingress *of = loser->owner;
	const struct obj *by;

	if (winner == NULL) {
		finding_about(&r->t->findings, &r->host->found, FINDING_REFUSED, "PathNeverMatches",
			      &of->ing->o,
			      "path %.*s of host %s can never match, because \"//\", \"/./\" and "
			      "\"/../\" are resolved before: write it without them",
			      loser->path.n < 200 ? (int)loser->path.n : 200, loser->path.p,
			      shown_host(r->host));
		return;
	}
	if (loser->to.default_backend && r->host->name.n > 0)
		return; /* a "/" of one's own is no conflict with the default */
	by = &((const struct g_ingress *)winner->owner)->ing->o;
	finding_about(&r->t->findings, &r->host->found, FINDING_REFUSED, "PathTaken", &of->ing->o,
		      "path %.*s of host %s belongs to Ingress " STR_FMT "/" STR_FMT
		      ", which is older or comes first: remove one of the two",
		      loser->path.n < 200 ? (int)loser->path.n : 200, loser->path.p,
		      shown_host(r->host), STR_ARG(by->ns), STR_ARG(by->name));
}

/* --- into the table ------------------------------------------------------------------------ */

static int put_as(struct rendering *r, struct g_host *h, struct model_host *m)
{
	struct translate *t = r->t;

	t->wrote = true;
	t->puts++;
	t->nobody_queued |= h->name.n == 0;
	m->name = h->name;
	h->mark.live = true;
	if (t->sink.put_host(t->sink.arg, m) == 0)
		return 0;
	if (errno != EINVAL)
		return -1;
	/* One host that the table cannot hold must not stop all others. */
	finding_about(&t->findings, &r->host->found, FINDING_REFUSED, "HostRefused",
		      &r->by_age[0]->ing->o,
		      "host %s does not fit into the route table; it stays as it was: a name or "
		      "path is too long",
		      shown_host(h));
	return 0;
}

/* The same under every other name of the host, as far as it is nobody else's. */
static int put_aliases(struct rendering *r, struct model_host *m)
{
	struct translate *t = r->t;
	struct alias_walk walk = {0};
	struct g_host *h;
	int rc = 0;

	while (rc == 0 && (h = alias_next(t, r->host, &walk)) != NULL) {
		finding_begin(&h->found);
		alias_tell(t, h);
		finding_end(&h->found);
		rc = tls_render_alias(t, h, r->host, r->by_age, r->n_ingresses, &m->has_cert);
		if (rc == 0)
			rc = passthrough_render(t, h, NULL, 0);
		if (rc == 0)
			rc = put_as(r, h, m);
	}
	return rc;
}

static int put(struct rendering *r, const struct model_path *paths, uint32_t n)
{
	struct model_tls tls;
	struct model_host m = {.server = r->server,
			       .has_cert = tls_wanted(r->t, r->host, r->by_age, r->n_ingresses),
			       .paths = paths,
			       .n_paths = n};

	if (client_tls_model(r->t, r->host, r->by_age, r->n_ingresses, &tls))
		m.tls = &tls;
	if (put_as(r, r->host, &m) == -1)
		return -1;
	return r->www ? 0 : put_aliases(r, &m);
}

static int del(struct translate *t, struct g_host *h)
{
	if (!h->mark.live)
		return 0;
	h->mark.live = false;
	t->nobody_queued |= h->name.n == 0;
	t->wrote = true;
	t->deletes++;
	if (tls_render(t, h, NULL, 0) == -1 || passthrough_render(t, h, NULL, 0) == -1)
		return -1;
	return t->sink.del_host(t->sink.arg, h->name);
}

static void tell_no_www(struct rendering *r)
{
	finding_about(&r->t->findings, &r->host->found, FINDING_WARN, "HostTaken",
		      &r->no_www->ing->o,
		      "from-to-www-redirect has no effect, because host %s has rules of its own: "
		      "remove the annotation or those rules",
		      shown_host(r->host));
}

/* What the host's own server-snippet means, the ConfigMap's behind it; or the latter alone. */
static void make_server(struct rendering *r)
{
	const struct g_ingress *i = r->snippet;
	bool closed = r->t->snippets.closed;

	if (i != NULL)
		r->server = policy_make_host(&r->t->defaults, i->annots->made.host_program,
					     i->host_refused || closed);
	else if (!r->www && of_all_has_host(r->t))
		r->server =
		    policy_make_host(&r->t->defaults, of_all_program(r->t, OF_ALL_HOST), closed);
}

static int render_paths(struct rendering *r)
{
	struct model_path *paths;
	uint32_t n;
	int rc, saved;

	gather(r);
	if (r->n_ingresses == 0) { /* nothing but canaries: they serve nothing of their own */
		canaries_tell(&r->canaries, r->t, r->host);
		free(r->by_age);
		return del(r->t, r->host);
	}
	if (r->no_www != NULL)
		tell_no_www(r);
	look_ahead(r);
	claim_all(r);
	make_server(r);
	paths = mem_zalloc((r->n_claims + 1) * sizeof(*paths));
	n = (r->regex ? paths_grant_regex : paths_grant)(r->claims, r->n_claims, paths, lost, r);
	canaries_tell(&r->canaries, r->t, r->host);
	rc = put(r, paths, n);
	if (rc == 0)
		rc = tls_render(r->t, r->host, r->by_age, r->n_ingresses);
	if (rc == 0)
		rc = passthrough_render(r->t, r->host, r->by_age, r->n_ingresses);
	saved = errno;
	free(paths);
	while (r->n_made > 0)
		free(r->made[--r->n_made]);
	free(r->made);
	free(r->server);
	free(r->claims);
	free(r->by_age);
	errno = saved;
	return rc;
}

int host_render(struct translate *t, struct g_host *h)
{
	struct rendering r = {.t = t, .host = h};
	struct g_host *of = alias_of(h);
	int rc;

	if (of != NULL) { /* it is put with that one */
		graph_mark_host(&t->graph, of);
		return 0;
	}
	h->alias_of = 0;
	finding_begin(&h->found);
	alias_tell(t, h);
	rc = LIST_EMPTY(&h->links) ? del(t, h) : render_paths(&r);
	finding_end(&h->found);
	return rc;
}
