/*
 * table_put: what a transaction is made of, the puts and deletes of table_write.h.
 *
 * Each builds its block in private memory first (table_block.h): input that cannot be stored is
 * refused before anything is touched, and a put of what is there already is seen by comparing
 * bytes. After that point every error spoils the transaction.
 */
#include <errno.h>
#include <string.h>
#include <time.h>

#include "common/check.h"
#include "common/hash.h"
#include "common/table/table_find.h"
#include "master/table/table_block.h"
#include "master/table/table_trie.h"
#include "master/table/table_writer.h"

int writer_take_policy(struct table_writer *w, const struct policy *p, shm_ref *out)
{
	struct policy builtin;
	bool created;

	if (p == NULL) {
		policy_defaults(&builtin);
		p = &builtin;
	}
	*out = intern_take(&w->policies, p, p->size, &created);
	return *out == 0 ? -1 : 0;
}

int writer_drop_policy(struct table_writer *w, shm_ref ref)
{
	const struct policy *p = alloc_at(&w->alloc, ref);

	return intern_drop(&w->policies, ref, p->size);
}

static const struct host_block *find_host(struct table_writer *w, struct str name)
{
	uint64_t hash = hash_str(name, w->head->seed);

	return (const struct host_block *)trie_find(w->head, w->next.hosts, hash, name);
}

/* 0: memory is out. */
static uint32_t take_group(struct table_writer *w, const struct host_block *h,
			   const struct model_path *p, struct str canary)
{
	const struct str texts[GROUP_TEXTS] = {
	    [GROUP_NS] = p->ns,           [GROUP_INGRESS] = p->ingress,
	    [GROUP_SERVICE] = p->service, [GROUP_HOST] = leaf_key(&h->leaf),
	    [GROUP_PATH] = p->path,       [GROUP_CANARY] = canary,
	};

	return groups_take(&w->groups, &w->next.groups, texts);
}

/* The policies and groups of a host's paths, counted for the block under construction. */
static int take_shared(struct table_writer *w, struct host_block *h, const struct model_host *m)
{
	struct path_entry *e = (struct path_entry *)(uintptr_t)host_paths(h);

	for (uint32_t i = 0; i < m->n_paths; i++) {
		const struct model_path *p = &m->paths[i];

		if (writer_take_policy(w, p->policy, &e[i].policy) == -1)
			return -1;
		e[i].group = take_group(w, h, p, STR_NONE);
		if (e[i].group == 0)
			return -1;
		if (p->canary.n == 0)
			continue;
		e[i].canary_group = take_group(w, h, p, p->canary);
		if (e[i].canary_group == 0)
			return -1;
	}
	if (m->server != NULL && writer_take_policy(w, m->server, &h->server) == -1)
		return -1;
	return writer_take_tls(w, h, m->tls);
}

static int drop_groups(struct table_writer *w, const struct path_entry *e)
{
	if (groups_drop(&w->groups, w->next.groups, e->group) == -1)
		return -1;
	return e->canary_group == 0 ? 0 : groups_drop(&w->groups, w->next.groups, e->canary_group);
}

static int drop_shared(struct table_writer *w, const struct host_block *h)
{
	const struct path_entry *e = host_paths(h);

	for (uint32_t i = 0; i < h->n_paths; i++)
		if (writer_drop_policy(w, e[i].policy) == -1 || drop_groups(w, &e[i]) == -1)
			return -1;
	if (h->server != 0 && writer_drop_policy(w, h->server) == -1)
		return -1;
	return writer_drop_tls(w, h);
}

/* A copy of a built block in the table; 0 with errno. */
static shm_ref store(struct table_writer *w, enum alloc_kind kind, const void *block, size_t n)
{
	shm_ref ref = alloc_take(&w->alloc, kind, n);

	if (ref != 0)
		memcpy(alloc_at(&w->alloc, ref), block, n);
	return ref;
}

static bool is_wildcard(const struct host_block *h)
{
	return h->leaf.key_n > 0 && leaf_key(&h->leaf).p[0] == '*';
}

/* The root's figures: h comes (sign 1) or goes (sign -1). */
static void count_host(struct table_writer *w, const struct host_block *h, int sign)
{
	w->next.n_hosts += (uint64_t)(int64_t)sign;
	w->next.n_routes += (uint64_t)((int64_t)h->n_paths * sign);
	w->next.n_wildcards += (uint32_t)(is_wildcard(h) ? sign : 0);
}

/* What host h leaves behind when it is no longer in the trie. */
static int leave_host(struct table_writer *w, const struct host_block *h)
{
	count_host(w, h, -1);
	if (drop_shared(w, h) == -1)
		return -1;
	return alloc_retire(&w->alloc, alloc_ref(&w->alloc, h));
}

static int store_host(struct table_writer *w, const struct host_block *built,
		      const struct host_block *old)
{
	shm_ref ref = store(w, ALLOC_HOST, built, built->leaf.size), replaced;

	if (ref == 0 || trie_put(&w->alloc, &w->next.hosts, ref, &replaced) == -1)
		return -1;
	CHECK((replaced != 0) == (old != NULL));
	if (built->leaf.key_n == 0)
		w->next.catch_all = ref;
	count_host(w, built, 1);
	w->dirty = true;
	return old == NULL ? 0 : leave_host(w, old);
}

int table_put_host(struct table_writer *w, const struct model_host *m)
{
	struct host_block *built;
	const struct host_block *old;
	int rc;

	if (writer_check_open(w) == -1)
		return -1;
	if ((m->tls != NULL && !writer_tls_ok(m->tls)) ||
	    (m->server != NULL && !block_policy_ok(m->server))) {
		errno = EINVAL;
		return -1;
	}
	built = block_host(&w->scratch, w->head->seed, m);
	if (built == NULL)
		return errno == EINVAL ? -1 : writer_spoil(w);
	old = find_host(w, leaf_key(&built->leaf));
	if (take_shared(w, built, m) == -1)
		return writer_spoil(w);
	if (old != NULL && old->leaf.size == built->leaf.size &&
	    memcmp(old, built, built->leaf.size) == 0)
		rc = drop_shared(w, built); /* what is there already: the counts as they were */
	else
		rc = store_host(w, built, old);
	return rc == -1 ? writer_spoil(w) : 0;
}

int table_del_host(struct table_writer *w, struct str name)
{
	char lower[TABLE_HOST_MAX];
	const struct host_block *h;
	shm_ref old;

	if (writer_check_open(w) == -1)
		return -1;
	if (!block_host_name(lower, name, &name))
		return 0; /* a name that cannot be stored is absent */
	h = find_host(w, name);
	if (h == NULL)
		return 0;
	if (trie_del(&w->alloc, &w->next.hosts, h->leaf.hash, name, &old) == -1)
		return writer_spoil(w);
	if (name.n == 0)
		w->next.catch_all = 0;
	w->dirty = true;
	return leave_host(w, h) == -1 ? writer_spoil(w) : 0;
}

/* The same but for the generation, which says since when. */
static bool same_cluster(const struct cluster_block *old, struct cluster_block *built)
{
	if (old == NULL)
		return false;
	if (old->n_endpoints == built->n_endpoints &&
	    memcmp(old + 1, built + 1, built->n_endpoints * sizeof(struct table_endpoint)) == 0)
		built->generation = old->generation;
	return old->leaf.size == built->leaf.size && memcmp(old, built, built->leaf.size) == 0;
}

/*
 * Since when each endpoint is READY, for slow start. Who was so before keeps his time; the first
 * ones of a cluster never start slowly, there is nobody to take the load meanwhile. Both lists are
 * sorted by address.
 */
static void keep_since(const struct cluster_block *old, struct cluster_block *built)
{
	struct table_endpoint *e = (struct table_endpoint *)(uintptr_t)cluster_endpoints(built);
	const struct table_endpoint *was = old == NULL ? NULL : cluster_endpoints(old);
	uint32_t now, at = 0;
	struct timespec ts;

	if (built->opts.slow_start_ms == 0 || old == NULL)
		return;
	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	now = (uint32_t)(((uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000) /
			 TABLE_SINCE_MS);
	for (uint32_t i = 0; i < built->n_endpoints; i++) {
		while (at < old->n_endpoints &&
		       memcmp(&was[at].addr, &e[i].addr, sizeof(e[i].addr)) < 0)
			at++;
		if (e[i].state != ENDPOINT_READY)
			continue;
		e[i].since = at < old->n_endpoints && addr_eq(&was[at].addr, &e[i].addr) &&
				     was[at].state == ENDPOINT_READY
				 ? was[at].since
				 : now;
	}
}

static const struct cluster_block *find_cluster(struct table_writer *w, uint64_t id)
{
	return (const struct cluster_block *)trie_find(w->head, w->next.clusters, id, STR_NONE);
}

static int leave_cluster(struct table_writer *w, const struct cluster_block *c)
{
	w->next.n_clusters--;
	w->next.n_endpoints -= c->n_endpoints;
	return alloc_retire(&w->alloc, alloc_ref(&w->alloc, c));
}

int table_put_cluster(struct table_writer *w, const struct model_cluster *m)
{
	struct cluster_block *built;
	const struct cluster_block *old;
	shm_ref ref, replaced;

	if (writer_check_open(w) == -1)
		return -1;
	built = block_cluster(&w->scratch, m);
	if (built == NULL)
		return errno == EINVAL ? -1 : writer_spoil(w);
	old = find_cluster(w, m->id);
	if (old != NULL && !str_eq(cluster_name(old), m->name)) {
		errno = EINVAL;
		return -1;
	}
	built->generation = w->live.version + 1;
	keep_since(old, built);
	if (same_cluster(old, built))
		return 0;
	ref = store(w, ALLOC_CLUSTER, built, built->leaf.size);
	if (ref == 0 || trie_put(&w->alloc, &w->next.clusters, ref, &replaced) == -1)
		return writer_spoil(w);
	w->next.n_clusters++;
	w->next.n_endpoints += built->n_endpoints;
	w->dirty = true;
	return old != NULL && leave_cluster(w, old) == -1 ? writer_spoil(w) : 0;
}

int table_del_cluster(struct table_writer *w, uint64_t id)
{
	const struct cluster_block *c;
	shm_ref old;

	if (writer_check_open(w) == -1)
		return -1;
	c = find_cluster(w, id);
	if (c == NULL)
		return 0;
	if (trie_del(&w->alloc, &w->next.clusters, id, STR_NONE, &old) == -1)
		return writer_spoil(w);
	w->dirty = true;
	return leave_cluster(w, c) == -1 ? writer_spoil(w) : 0;
}

int table_put_maps(struct table_writer *w, const struct policy *maps)
{
	shm_ref old = w->next.maps, ref = 0;

	if (writer_check_open(w) == -1)
		return -1;
	if (maps != NULL && !block_policy_ok(maps)) {
		errno = EINVAL;
		return -1;
	}
	if ((maps != NULL && writer_take_policy(w, maps, &ref) == -1) ||
	    (old != 0 && writer_drop_policy(w, old) == -1))
		return writer_spoil(w);
	w->dirty |= ref != old;
	w->next.maps = ref;
	return 0;
}

int table_put_default(struct table_writer *w, uint64_t cluster, const struct policy *policy)
{
	shm_ref old = w->next.default_policy, ref;

	if (writer_check_open(w) == -1)
		return -1;
	if (policy != NULL && !block_policy_ok(policy)) {
		errno = EINVAL;
		return -1;
	}
	if (writer_take_policy(w, policy, &ref) == -1 ||
	    (old != 0 && writer_drop_policy(w, old) == -1))
		return writer_spoil(w);
	w->dirty |= ref != old || cluster != w->next.default_cluster;
	w->next.default_policy = ref;
	w->next.default_cluster = cluster;
	return 0;
}
