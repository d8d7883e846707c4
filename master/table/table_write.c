/*
 * table_write: see table_write.h. The writer's life, publication, and its readers.
 *
 * table_publish() makes `next` a root block, stores that in the ring of roots and then the
 * version. A process that dies between any two instructions here leaves readers with the last
 * version, whole: nothing that it reaches is ever written to.
 */
#include "master/table/table_write.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <unistd.h>

#include "common/table/table_pins.h"
#include "master/table/table_writer.h"

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
	intern_init(&w->certs, &w->alloc, w->head->seed, 0);
	intern_init(&w->tls, &w->alloc, w->head->seed, 0);
	intern_init(&w->cas, &w->alloc, w->head->seed, 0);
	groups_init(&w->groups, &w->alloc, w->head->seed);
	return w;
}

void table_writer_free(struct table_writer *w)
{
	if (w == NULL)
		return;
	if (w->fd != -1) {
		shm_remove(w->name, w->fd);
		close(w->fd);
	}
	if (w->readonly_fd != -1)
		close(w->readonly_fd);
	if (w->head != NULL)
		munmap(w->head, w->max);
	intern_free(&w->policies);
	intern_free(&w->certs);
	intern_free(&w->tls);
	intern_free(&w->cas);
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

/* ---- publication ----------------------------------------------------------------------- */

static int dispose_block(void *arg, shm_ref ref)
{
	struct table_writer *w = arg;

	return alloc_retire(&w->alloc, ref);
}

static shm_ref store_root(struct table_writer *w)
{
	shm_ref ref = alloc_take(&w->alloc, ALLOC_OTHER, sizeof(w->next));

	if (ref != 0)
		memcpy(alloc_at(&w->alloc, ref), &w->next, sizeof(w->next));
	return ref;
}

/* Everything of a publication that can fail. The new root's block, or 0 with errno. */
static shm_ref prepare(struct table_writer *w)
{
	shm_ref ref;

	if (w->next.default_policy == 0 && table_put_default(w, 0, NULL) == -1)
		return 0;
	if (intern_dispose(&w->policies, dispose_block, w) == -1 ||
	    intern_dispose(&w->certs, dispose_block, w) == -1 ||
	    intern_dispose(&w->tls, dispose_block, w) == -1 ||
	    intern_dispose(&w->cas, dispose_block, w) == -1 ||
	    groups_dispose(&w->groups, &w->next.groups) == -1)
		return 0;
	w->next.version = w->live.version + 1;
	w->next.n_groups = groups_count(&w->groups) - w->groups.retiring.n;
	ref = store_root(w);
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
	ref = writer_check_open(w) == -1 ? 0 : prepare(w);
	if (ref == 0) {
		int err = errno;

		table_rollback(w);
		errno = err;
		return 0;
	}
	v = w->next.version;
	atomic_store(&w->head->roots[v % TABLE_ROOTS], ref);
	atomic_store(&w->head->since_us[v % TABLE_ROOTS], w->since_us);
	w->since_us = 0;
	atomic_store(&w->head->version, v);
	alloc_commit(&w->alloc, v);
	intern_commit(&w->policies);
	intern_commit(&w->certs);
	intern_commit(&w->tls);
	intern_commit(&w->cas);
	groups_commit(&w->groups, v);
	w->live = w->next;
	w->live_ref = ref;
	w->dirty = false;
	table_reclaim(w);
	return v;
}

void table_stamp(struct table_writer *w, uint64_t since_us)
{
	w->since_us = since_us;
}

void table_rollback(struct table_writer *w)
{
	groups_rollback(&w->groups);
	intern_rollback(&w->policies);
	intern_rollback(&w->certs);
	intern_rollback(&w->tls);
	intern_rollback(&w->cas);
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
	    .certs = w->live.n_certs,
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
