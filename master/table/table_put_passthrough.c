/* table_put_passthrough: hosts whose TLS is passed through, into the transaction (table_write.h).
 */
#include <errno.h>

#include "master/table/table_block.h"
#include "master/table/table_named.h"
#include "master/table/table_trie.h"
#include "master/table/table_writer.h"

static const struct passthrough_leaf *find(struct table_writer *w, struct str name)
{
	return (const struct passthrough_leaf *)named_find(w, w->next.passthrough, name);
}

/* The root's figures: a name comes (sign 1) or goes (sign -1). */
static void count(struct table_writer *w, struct str name, int sign)
{
	w->next.n_passthrough += (uint32_t)sign;
	if (name.p[0] == '*')
		w->next.n_passthrough_wildcards += (uint32_t)sign;
}

static shm_ref store_leaf(struct table_writer *w, struct str name, uint64_t cluster)
{
	shm_ref ref = named_leaf(w, sizeof(struct passthrough_leaf), name);

	if (ref != 0)
		((struct passthrough_leaf *)alloc_at(&w->alloc, ref))->cluster = cluster;
	return ref;
}

static int leave(struct table_writer *w, const struct passthrough_leaf *l)
{
	count(w, leaf_key(&l->leaf), -1);
	return alloc_retire(&w->alloc, alloc_ref(&w->alloc, l));
}

int table_put_passthrough(struct table_writer *w, struct str name, uint64_t cluster)
{
	const struct passthrough_leaf *old;
	char lower[TABLE_HOST_MAX];
	shm_ref ref, replaced;

	if (writer_check_open(w) == -1)
		return -1;
	if (!block_host_name(lower, name, &name) || name.n == 0) {
		errno = EINVAL;
		return -1;
	}
	old = find(w, name);
	if (old != NULL && old->cluster == cluster)
		return 0;
	ref = store_leaf(w, name, cluster);
	if (ref == 0 || trie_put(&w->alloc, &w->next.passthrough, ref, &replaced) == -1)
		return writer_spoil(w);
	count(w, name, 1);
	w->dirty = true;
	return old != NULL && leave(w, old) == -1 ? writer_spoil(w) : 0;
}

int table_del_passthrough(struct table_writer *w, struct str name)
{
	const struct passthrough_leaf *l;
	char lower[TABLE_HOST_MAX];
	shm_ref old;

	if (writer_check_open(w) == -1)
		return -1;
	if (!block_host_name(lower, name, &name) || name.n == 0)
		return 0;
	l = find(w, name);
	if (l == NULL)
		return 0;
	if (trie_del(&w->alloc, &w->next.passthrough, l->leaf.hash, name, &old) == -1)
		return writer_spoil(w);
	w->dirty = true;
	return leave(w, l) == -1 ? writer_spoil(w) : 0;
}
