/*
 * table_write: see table_write.h. Transactions over the tries, the blocks and the counts.
 *
 * `live` is what the published root says, `next` what the next one will say. A put changes only
 * `next` and fresh blocks; table_publish() makes `next` a root block, stores it in the ring and
 * then the version. A process that dies between any two instructions here leaves readers with
 * the last version, whole: nothing that it reaches is ever written to.
 */
#include "master/table_write.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <unistd.h>

#include "common/check.h"
#include "common/hash.h"
#include "common/shm.h"
#include "common/table_find.h"
#include "common/table_pins.h"
#include "master/table_alloc.h"
#include "master/table_block.h"
#include "master/table_group.h"
#include "master/table_intern.h"
#include "master/table_trie.h"

struct table_writer {
	char name[SHM_NAME_MAX];
	int fd, readonly_fd;
	size_t max;
	struct table_head *head; /* the mapping */
	struct table_alloc alloc;
	struct intern policies;
	struct groups groups;
	struct table_root live, next;
	shm_ref live_ref; /* block of live, 0 before the first publication */
	bool dirty;
	int failed;         /* errno of the put that spoiled this transaction */
	struct vec readers; /* of const struct table_pins * */
	struct vec scratch; /* of bytes: the block being built */
};

/* ---- life ------------------------------------------------------------------------------ */

static int make_object(struct table_writer *w)
{
	w->fd = shm_create(w->name);
	if (w->fd == -1)
		return -1;
	w->readonly_fd = shm_open_readonly(w->name, w->fd);
	if (w->readonly_fd == -1 || shm_grow(w->fd, 0, TABLE_HEAD) == -1)
		return -1;
	w->head = shm_map(w->fd, w->max, 1);
	return w->head == NULL ? -1 : 0;
}

static int make_head(struct table_writer *w)
{
	struct table_head *h = w->head;

	if (getrandom(&h->seed, sizeof(h->seed), 0) != (ssize_t)sizeof(h->seed))
		return -1;
	h->abi = TABLE_ABI;
	h->head_bytes = TABLE_HEAD;
	h->max_bytes = w->max;
	atomic_store(&h->bytes_file, TABLE_HEAD);
	atomic_thread_fence(memory_order_seq_cst);
	h->magic = TABLE_MAGIC;
	return alloc_init(&w->alloc, (char *)h, w->fd, w->max, TABLE_HEAD);
}

struct table_writer *table_writer_new(const char *instance, size_t max_bytes)
{
	struct table_writer *w = calloc(1, sizeof(*w));

	if (w == NULL)
		return NULL;
	w->fd = w->readonly_fd = -1;
	w->max = max_bytes / TABLE_HEAD * TABLE_HEAD;
	w->max = w->max > TABLE_MAX_BYTES ? TABLE_MAX_BYTES / TABLE_HEAD * TABLE_HEAD : w->max;
	errno = EINVAL;
	if (w->max < TABLE_HEAD || shm_name(w->name, instance, "table") == -1) {
		free(w);
		return NULL;
	}
	if (make_object(w) == -1 || make_head(w) == -1) {
		int err = errno;

		table_writer_free(w);
		errno = err;
		return NULL;
	}
	intern_init(&w->policies, &w->alloc, w->head->seed, 0);
	groups_init(&w->groups, &w->alloc, w->head->seed);
	return w;
}

void table_writer_free(struct table_writer *w)
{
	if (w == NULL)
		return;
	if (w->fd != -1) {
		(void)shm_unlink(w->name);
		close(w->fd);
	}
	if (w->readonly_fd != -1)
		close(w->readonly_fd);
	if (w->head != NULL)
		munmap(w->head, w->max);
	intern_free(&w->policies);
	groups_free(&w->groups);
	alloc_free(&w->alloc);
	vec_free(&w->readers);
	vec_free(&w->scratch);
	free(w);
}

int table_writer_fd(const struct table_writer *w)
{
	return w->readonly_fd;
}

/* ---- transactions ---------------------------------------------------------------------- */

/* The transaction is spoiled: errno is what its rest fails with. */
static int spoil(struct table_writer *w)
{
	w->failed = errno;
	return -1;
}

static int check_open(struct table_writer *w)
{
	errno = w->failed;
	return w->failed != 0 ? -1 : 0;
}

static int put_policy(struct table_writer *w, const struct policy *p, shm_ref *out)
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

static int drop_policy(struct table_writer *w, shm_ref ref)
{
	const struct policy *p = alloc_at(&w->alloc, ref);

	return intern_drop(&w->policies, ref, p->size);
}

static const struct host_block *find_host(struct table_writer *w, struct str name)
{
	uint64_t hash = hash_str(name, w->head->seed);

	return (const struct host_block *)trie_find(w->head, w->next.hosts, hash, name);
}

/* The policies and groups of a host's paths, counted for the block under construction. */
static int take_shared(struct table_writer *w, struct host_block *h, const struct model_host *m)
{
	struct path_entry *e = (struct path_entry *)(uintptr_t)host_paths(h);

	for (uint32_t i = 0; i < m->n_paths; i++) {
		const struct model_path *p = &m->paths[i];
		const struct str texts[GROUP_TEXTS] = {
		    [GROUP_NS] = p->ns,           [GROUP_INGRESS] = p->ingress,
		    [GROUP_SERVICE] = p->service, [GROUP_HOST] = leaf_key(&h->leaf),
		    [GROUP_PATH] = p->path,
		};

		if (put_policy(w, p->policy, &e[i].policy) == -1)
			return -1;
		e[i].group = groups_take(&w->groups, &w->next.groups, texts);
		if (e[i].group == 0)
			return -1;
	}
	return 0;
}

static int drop_shared(struct table_writer *w, const struct host_block *h)
{
	const struct path_entry *e = host_paths(h);

	for (uint32_t i = 0; i < h->n_paths; i++)
		if (drop_policy(w, e[i].policy) == -1 ||
		    groups_drop(&w->groups, w->next.groups, e[i].group) == -1)
			return -1;
	return 0;
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

	if (check_open(w) == -1)
		return -1;
	built = block_host(&w->scratch, w->head->seed, m);
	if (built == NULL)
		return errno == EINVAL ? -1 : spoil(w);
	old = find_host(w, leaf_key(&built->leaf));
	if (take_shared(w, built, m) == -1)
		return spoil(w);
	if (old != NULL && old->leaf.size == built->leaf.size &&
	    memcmp(old, built, built->leaf.size) == 0)
		rc = drop_shared(w, built); /* what is there already: the counts as they were */
	else
		rc = store_host(w, built, old);
	return rc == -1 ? spoil(w) : 0;
}

int table_del_host(struct table_writer *w, struct str name)
{
	char lower[TABLE_HOST_MAX];
	const struct host_block *h;
	shm_ref old;

	if (check_open(w) == -1)
		return -1;
	if (!block_host_name(lower, name, &name))
		return 0; /* a name that cannot be stored is absent */
	h = find_host(w, name);
	if (h == NULL)
		return 0;
	if (trie_del(&w->alloc, &w->next.hosts, h->leaf.hash, name, &old) == -1)
		return spoil(w);
	if (name.n == 0)
		w->next.catch_all = 0;
	w->dirty = true;
	return leave_host(w, h) == -1 ? spoil(w) : 0;
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

	if (check_open(w) == -1)
		return -1;
	built = block_cluster(&w->scratch, m);
	if (built == NULL)
		return errno == EINVAL ? -1 : spoil(w);
	old = find_cluster(w, m->id);
	if (old != NULL && !str_eq(cluster_name(old), m->name)) {
		errno = EINVAL;
		return -1;
	}
	built->generation = w->live.version + 1;
	if (same_cluster(old, built))
		return 0;
	ref = store(w, ALLOC_CLUSTER, built, built->leaf.size);
	if (ref == 0 || trie_put(&w->alloc, &w->next.clusters, ref, &replaced) == -1)
		return spoil(w);
	w->next.n_clusters++;
	w->next.n_endpoints += built->n_endpoints;
	w->dirty = true;
	return old != NULL && leave_cluster(w, old) == -1 ? spoil(w) : 0;
}

int table_del_cluster(struct table_writer *w, uint64_t id)
{
	const struct cluster_block *c;
	shm_ref old;

	if (check_open(w) == -1)
		return -1;
	c = find_cluster(w, id);
	if (c == NULL)
		return 0;
	if (trie_del(&w->alloc, &w->next.clusters, id, STR_NONE, &old) == -1)
		return spoil(w);
	w->dirty = true;
	return leave_cluster(w, c) == -1 ? spoil(w) : 0;
}

int table_put_default(struct table_writer *w, uint64_t cluster, const struct policy *policy)
{
	shm_ref old = w->next.default_policy, ref;

	if (check_open(w) == -1)
		return -1;
	if (policy != NULL && !block_policy_ok(policy)) {
		errno = EINVAL;
		return -1;
	}
	if (put_policy(w, policy, &ref) == -1 || (old != 0 && drop_policy(w, old) == -1))
		return spoil(w);
	w->dirty |= ref != old || cluster != w->next.default_cluster;
	w->next.default_policy = ref;
	w->next.default_cluster = cluster;
	return 0;
}

/* ---- publication ----------------------------------------------------------------------- */

static int dispose_policy(void *arg, shm_ref ref)
{
	struct table_writer *w = arg;

	return alloc_retire(&w->alloc, ref);
}

/* Everything of a publication that can fail. The new root's block, or 0 with errno. */
static shm_ref prepare(struct table_writer *w)
{
	shm_ref ref;

	if (w->next.default_policy == 0 && table_put_default(w, 0, NULL) == -1)
		return 0;
	if (intern_dispose(&w->policies, dispose_policy, w) == -1 ||
	    groups_dispose(&w->groups, &w->next.groups) == -1)
		return 0;
	w->next.version = w->live.version + 1;
	w->next.n_groups = groups_count(&w->groups) - w->groups.retiring.n;
	ref = store(w, ALLOC_OTHER, &w->next, sizeof(w->next));
	if (ref == 0 || (w->live_ref != 0 && alloc_retire(&w->alloc, w->live_ref) == -1) ||
	    alloc_prepare(&w->alloc) == -1)
		return 0;
	return ref;
}

static void tell_figures(struct table_writer *w)
{
	struct table_head *h = w->head;

	atomic_store_explicit(&h->bytes_file, w->alloc.file, memory_order_relaxed);
	atomic_store_explicit(&h->bytes_used, w->alloc.used, memory_order_relaxed);
	atomic_store_explicit(&h->bytes_retired, w->alloc.waiting, memory_order_relaxed);
}

uint64_t table_publish(struct table_writer *w)
{
	shm_ref ref;
	uint64_t v;

	if (w->failed == 0 && !w->dirty && w->live_ref != 0) {
		table_rollback(w); /* counts went up and down again, and ended where they were */
		return w->live.version;
	}
	ref = check_open(w) == -1 ? 0 : prepare(w);
	if (ref == 0) {
		int err = errno;

		table_rollback(w);
		errno = err;
		return 0;
	}
	v = w->next.version;
	atomic_store(&w->head->roots[v % TABLE_ROOTS], ref);
	atomic_store(&w->head->version, v);
	alloc_commit(&w->alloc, v);
	intern_commit(&w->policies);
	groups_commit(&w->groups, v);
	w->live = w->next;
	w->live_ref = ref;
	w->dirty = false;
	table_reclaim(w);
	return v;
}

void table_rollback(struct table_writer *w)
{
	groups_rollback(&w->groups);
	intern_rollback(&w->policies);
	alloc_rollback(&w->alloc);
	w->next = w->live;
	w->dirty = false;
	w->failed = 0;
}

/* ---- readers --------------------------------------------------------------------------- */

int table_reader_add(struct table_writer *w, const struct table_pins *pins)
{
	const struct table_pins **place = vec_push(&w->readers, sizeof(*place));

	if (place == NULL)
		return -1;
	*place = pins;
	return 0;
}

void table_reader_remove(struct table_writer *w, const struct table_pins *pins)
{
	const struct table_pins **r = w->readers.items;

	for (size_t i = 0; i < w->readers.n; i++) {
		if (r[i] == pins) {
			r[i] = r[--w->readers.n];
			return;
		}
	}
}

void table_reclaim(struct table_writer *w)
{
	const struct table_pins **r = w->readers.items;
	uint64_t oldest = w->live.version;

	for (size_t i = 0; i < w->readers.n; i++) {
		uint64_t used = table_pins_oldest(r[i]);

		oldest = used < oldest ? used : oldest;
	}
	alloc_reclaim(&w->alloc, oldest);
	groups_reclaim(&w->groups, oldest);
	tell_figures(w);
}

/* ---- figures --------------------------------------------------------------------------- */

void table_writer_info(const struct table_writer *w, struct table_info *out)
{
	*out = (struct table_info){
	    .version = w->live.version,
	    .hosts = w->live.n_hosts,
	    .routes = w->live.n_routes,
	    .clusters = w->live.n_clusters,
	    .endpoints = w->live.n_endpoints,
	    .groups = w->live.n_groups,
	    .bytes_mapped = w->max,
	    .bytes_file = w->alloc.file,
	    .bytes_used = w->alloc.used,
	    .bytes_retired = w->alloc.waiting,
	};
}

uint64_t table_writer_copied(const struct table_writer *w)
{
	return w->alloc.copied;
}
