/* table_show: the figures of the table and the walk over it, for metrics and `silex show`. */
#include "common/table/table_read.h"

#include "common/table/table_view.h"

void table_info(const struct table *t, struct table_info *out)
{
	const struct table_head *h = t->base;
	const struct table_root *r = t->root;

	*out = (struct table_info){
	    .version = t->version,
	    .bytes_mapped = t->bytes,
	    .bytes_file = atomic_load_explicit(&h->bytes_file, memory_order_relaxed),
	    .bytes_used = atomic_load_explicit(&h->bytes_used, memory_order_relaxed),
	    .bytes_retired = atomic_load_explicit(&h->bytes_retired, memory_order_relaxed),
	};
	if (r == NULL)
		return;
	out->hosts = r->n_hosts;
	out->routes = r->n_routes;
	out->clusters = r->n_clusters;
	out->endpoints = r->n_endpoints;
	out->groups = r->n_groups;
	out->certs = r->n_certs;
}

struct host_walk {
	bool (*fn)(void *arg, struct str host, uint32_t n_paths);
	void *arg;
};

static bool show_host(void *arg, const struct trie_leaf *l)
{
	const struct host_walk *w = arg;

	return w->fn(w->arg, leaf_key(l), ((const struct host_block *)l)->n_paths);
}

void table_each_host(const struct table *t,
		     bool (*fn)(void *arg, struct str host, uint32_t n_paths), void *arg)
{
	struct host_walk w = {fn, arg};

	if (t->root != NULL)
		(void)trie_each(t->base, t->root->hosts, 0, show_host, &w);
}

struct path_walk {
	uint64_t left, at; /* at: hash of the host that was looked at last, then of the next one */
	bool begun, more;
	void (*fn)(void *arg, uint64_t cluster, uint32_t group);
	void *arg;
};

/* Hosts of one hash count as one: going on by hash could not tell them apart. */
static bool show_paths(void *arg, const struct trie_leaf *l)
{
	const struct host_block *h = (const struct host_block *)l;
	const struct path_entry *paths = host_paths(h);
	struct path_walk *w = arg;

	if (!w->begun || l->hash != w->at) {
		w->more = w->left == 0;
		w->at = l->hash;
		if (w->more)
			return false;
		w->left--;
		w->begun = true;
	}
	for (uint32_t i = 0; i < h->n_paths; i++)
		w->fn(w->arg, paths[i].cluster, paths[i].group);
	return true;
}

bool table_each_path(const struct table *t, uint64_t *at, uint64_t n,
		     void (*fn)(void *arg, uint64_t cluster, uint32_t group), void *arg)
{
	struct path_walk w = {.left = n, .fn = fn, .arg = arg};

	if (t->root != NULL)
		(void)trie_each(t->base, t->root->hosts, *at, show_paths, &w);
	*at = w.at;
	return w.more;
}
