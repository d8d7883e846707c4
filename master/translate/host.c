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

#include "master/translate/graph_mem.h"
#include "master/translate/paths.h"
#include "master/translate/state.h"

struct rendering {
	struct translate *t;
	struct g_host *host;
	struct g_ingress **by_age;
	uint32_t n_ingresses;
	struct claim *claims;
	uint32_t n_claims, cap_claims;
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
		r->by_age[i++] = l->ingress;
	r->n_ingresses = n;
	qsort(r->by_age, n, sizeof(struct g_ingress *), age_cmp);
}

static const char *shown_host(const struct g_host *h)
{
	return h->name.n == 0 ? "*" : h->name.p;
}

/* --- claims -------------------------------------------------------------------------------- */

static void claim(struct rendering *r, struct g_ingress *i, struct str path, bool exact,
		  const struct ingress_backend *b)
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
		   .policy = &i->annots.policy,
		   .ns = i->ing->o.ns,
		   .ingress = i->ing->o.name,
		   .service = b->service},
	};
}

static void claim_default(struct rendering *r, struct g_ingress *i)
{
	if (i->ing->default_backend.service.n == 0)
		return; /* a resource: told below, and the global default answers */
	claim(r, i, STR("/"), false, &i->ing->default_backend);
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
			claim(r, i, path->path, path->type == PATH_EXACT_TYPE, &path->backend);
		}
	}
}

static bool is_catch_all(const struct g_ingress *i)
{
	return i->ing->has_default && i->ing->n_rules == 0;
}

static void claim_all(struct rendering *r)
{
	bool named = r->host->name.n > 0;

	for (uint32_t n = 0; n < r->n_ingresses && !named; n++)
		if (is_catch_all(r->by_age[n]))
			claim_default(r, r->by_age[n]);
	for (uint32_t n = 0; n < r->n_ingresses; n++)
		claim_rules(r, r->by_age[n]);
	if (named && r->by_age[0]->ing->has_default)
		claim_default(r, r->by_age[0]);
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

static int put(struct rendering *r, const struct model_path *paths, uint32_t n)
{
	struct translate *t = r->t;
	struct model_host m = {.name = r->host->name, .paths = paths, .n_paths = n};

	t->wrote = true;
	t->puts++;
	r->host->mark.live = true;
	if (t->sink.put_host(t->sink.arg, &m) == 0)
		return 0;
	if (errno != EINVAL)
		return -1;
	/* One host that the table cannot hold must not stop all others. */
	finding_about(&t->findings, &r->host->found, FINDING_REFUSED, "HostRefused",
		      &r->by_age[0]->ing->o,
		      "host %s does not fit into the route table; it stays as it was: a name or "
		      "path is too long",
		      shown_host(r->host));
	return 0;
}

static int del(struct translate *t, struct g_host *h)
{
	if (!h->mark.live)
		return 0;
	h->mark.live = false;
	t->wrote = true;
	t->deletes++;
	return t->sink.del_host(t->sink.arg, h->name);
}

static int render_paths(struct rendering *r)
{
	struct model_path *paths;
	uint32_t n;
	int rc, saved;

	gather(r);
	claim_all(r);
	paths = mem_zalloc((r->n_claims + 1) * sizeof(*paths));
	n = paths_grant(r->claims, r->n_claims, paths, lost, r);
	rc = put(r, paths, n);
	saved = errno;
	free(paths);
	free(r->claims);
	free(r->by_age);
	errno = saved;
	return rc;
}

int host_render(struct translate *t, struct g_host *h)
{
	struct rendering r = {.t = t, .host = h};
	int rc;

	finding_begin(&h->found);
	rc = LIST_EMPTY(&h->links) ? del(t, h) : render_paths(&r);
	finding_end(&h->found);
	return rc;
}
