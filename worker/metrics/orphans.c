/* orphans: see orphans.h. */
#include "worker/metrics/orphans.h"

#include "common/hash.h"
#include "common/table/table_read.h"
#include "worker/worker.h"

#define HOSTS_A_TURN 256 /* some 50 us */

static const struct str name = {"nginx_ingress_controller_orphan_ingress",
				sizeof("nginx_ingress_controller_orphan_ingress") - 1};

struct walk {
	struct orphans *o;
	const struct nginx_metrics *n;
	struct expo *x;
};

/* Not told yet, and there is room for one more. */
static bool is_new(struct orphans *o, struct str ns, struct str ingress, bool no_service)
{
	uint64_t hash = hash_str(ingress, hash_str(ns, no_service)) | 1;
	uint64_t at = hash >> 32 & (ORPHANS_SLOTS - 1);

	if (o->n == ORPHANS_MAX)
		return false;
	for (; o->seen[at] != 0; at = (at + 1) & (ORPHANS_SLOTS - 1))
		if (o->seen[at] == hash)
			return false;
	o->seen[at] = hash;
	o->n++;
	return true;
}

static void look(void *arg, uint64_t cluster, uint32_t group)
{
	const struct walk *w = arg;
	const struct table *table = w->n->w->table;
	char buf[sizeof(w->n->constant) + 1024];
	struct cluster_view c = {.n_endpoints = 0};
	struct group_view g;
	bool known = table_cluster(table, cluster, &c), no_service;
	struct text t;

	if ((known && c.n_endpoints > 0) || !table_group(table, group, &g) || g.ingress.n == 0)
		return;
	no_service = !known || (c.flags & CLUSTER_NO_SERVICE) != 0;
	if (!is_new(w->o, g.ns, g.ingress, no_service))
		return;
	text_fixed(&t, buf, sizeof(buf));
	text_str(&t, w->n->labels);
	expo_label(&t, STR("ingress"), g.ingress);
	expo_label(&t, STR("namespace"), g.ns);
	expo_label(&t, STR("type"), no_service ? STR("no-service") : STR("no-endpoint"));
	if (!t.full)
		expo_sample(w->x, name, str_make(t.p, t.n), 1);
}

bool orphans_write(struct orphans *o, const struct nginx_metrics *n, struct expo *x)
{
	struct walk w = {o, n, x};

	if (n->w->table == NULL)
		return false;
	if (!o->begun)
		expo_family(x, name, EXPO_GAUGE,
			    STR("1 for an Ingress with a path to a Service that does not exist or "
				"has no endpoint"));
	o->begun = true;
	return table_each_path(n->w->table, &o->at, HOSTS_A_TURN, look, &w);
}
