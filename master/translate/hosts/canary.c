/* canary: see canary.h. */
#include "master/translate/hosts/canary.h"

#include <string.h>

#include "master/translate/graph/graph_mem.h"
#include "master/translate/regex_check.h"

uint32_t canaries_part(struct canaries *c, struct g_ingress **by_age, uint32_t n)
{
	struct g_ingress **apart = mem_zalloc((n + 1) * sizeof(struct g_ingress *));
	uint32_t others = 0;

	*c = (struct canaries){.v = by_age};
	for (uint32_t i = 0; i < n; i++) {
		if (by_age[i]->annots->canary)
			apart[c->n++] = by_age[i];
		else
			by_age[others++] = by_age[i];
	}
	c->v = by_age + others;
	memcpy(c->v, apart, c->n * sizeof(struct g_ingress *));
	free(apart);
	return others;
}

static const struct g_cluster *cluster_of(struct translate *t, const struct g_ingress *i,
					  const struct ingress_backend *b)
{
	if (b->service.n == 0)
		return NULL;
	return graph_cluster_find(&t->graph, i->ing->o.ns, b->service, &b->port);
}

/* Canary n, by this backend, of who leads to that cluster; none when both are the same. */
static struct policy_canary_of use(struct canaries *c, uint32_t n, const struct g_cluster *cluster,
				   const struct g_cluster *primary)
{
	if (cluster == NULL || cluster == primary)
		return (struct policy_canary_of){0};
	c->used |= n < 64 ? (uint64_t)1 << n : 0;
	return (struct policy_canary_of){c->v[n]->annots, cluster->id, cluster->name};
}

/* The backend that i has for the same path; NULL: none. */
static const struct ingress_backend *same_path(const struct g_ingress *i, const struct g_host *host,
					       const struct ingress_path *path)
{
	for (uint32_t n = 0; n < i->ing->n_rules; n++) {
		const struct ingress_rule *rule = &i->ing->rules[n];

		if (!str_eq(rule->host, host->name))
			continue;
		for (uint32_t p = 0; p < rule->n_paths; p++)
			if (rule->paths[p].type == path->type &&
			    str_eq(rule->paths[p].path, path->path))
				return &rule->paths[p].backend;
	}
	return NULL;
}

struct policy_canary_of canary_of_path(struct canaries *c, struct translate *t,
				       const struct g_host *host, const struct g_ingress *primary,
				       const struct ingress_path *path)
{
	struct policy_canary_of none = {0}, found;

	for (uint32_t n = 0; n < c->n; n++) {
		const struct ingress_backend *b = same_path(c->v[n], host, path);

		if (b == NULL)
			continue;
		found =
		    use(c, n, cluster_of(t, c->v[n], b), cluster_of(t, primary, &path->backend));
		if (found.rules != NULL)
			return found;
	}
	return none;
}

struct policy_canary_of canary_of_default(struct canaries *c, struct translate *t,
					  const struct g_host *host,
					  const struct g_ingress *primary)
{
	struct policy_canary_of none = {0}, found;

	for (uint32_t n = 0; n < c->n && host->name.n == 0; n++) {
		const struct ingress *i = c->v[n]->ing;

		if (!i->has_default)
			continue;
		found = use(c, n, cluster_of(t, c->v[n], &i->default_backend),
			    cluster_of(t, primary, &primary->ing->default_backend));
		if (found.rules != NULL)
			return found;
	}
	return none;
}

static void tell_pattern(struct translate *t, struct g_host *host, const struct g_ingress *i)
{
	char err[REGEX_ERROR_MAX];

	if (i->annots->canary_pattern.n > 0 && !regex_check(i->annots->canary_pattern, err))
		finding_about(&t->findings, &host->found, FINDING_WARN, "BadRegex", &i->ing->o,
			      "annotation canary-by-header-pattern is no regular expression (%s): "
			      "requests with the header go to the primary",
			      err);
}

void canaries_tell(const struct canaries *c, struct translate *t, struct g_host *host)
{
	for (uint32_t n = 0; n < c->n; n++) {
		tell_pattern(t, host, c->v[n]);
		if (n < 64 && (c->used >> n & 1) != 0)
			continue;
		finding_about(&t->findings, &host->found, FINDING_WARN, "CanaryAlone",
			      &c->v[n]->ing->o,
			      "a canary without effect on host " STR_FMT
			      ": no path of another Ingress has its path and pathType and leads to "
			      "another Service, or an older canary has it",
			      STR_ARG(host->name.n > 0 ? host->name : STR("*")));
	}
}
