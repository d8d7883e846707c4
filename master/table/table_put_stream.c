/*
 * table_put_stream: ports of TCP and UDP services, and of servers of http-snippet, into the
 * transaction (table_write.h).
 */
#include <errno.h>
#include <string.h>

#include "common/table/table_find.h"
#include "master/table/table_block.h"
#include "master/table/table_trie.h"
#include "master/table/table_writer.h"

static const struct stream_block *find(struct table_writer *w, uint64_t number)
{
	return (const struct stream_block *)trie_find(w->head, w->next.streams, number, STR_NONE);
}

static struct stream_block built_of(const struct model_stream *m)
{
	return (struct stream_block){
	    .leaf = {.hash = stream_number(m->transport, m->port),
		     .size = sizeof(struct stream_block),
		     .key_at = sizeof(struct stream_block)},
	    .cluster = m->cluster,
	    .proxy_in = m->proxy_in,
	    .proxy_out = m->proxy_out,
	};
}

static int drop_policy(struct table_writer *w, const struct stream_block *s)
{
	return s->policy == 0 ? 0 : writer_drop_policy(w, s->policy);
}

static int leave(struct table_writer *w, const struct stream_block *s)
{
	w->next.n_streams--;
	if (drop_policy(w, s) == -1)
		return -1;
	return alloc_retire(&w->alloc, alloc_ref(&w->alloc, s));
}

/* Its block into the trie, in the place of old's (NULL: there is none). */
static int replace(struct table_writer *w, const struct stream_block *built,
		   const struct stream_block *old)
{
	shm_ref ref = alloc_take(&w->alloc, ALLOC_OTHER, sizeof(*built)), replaced;

	if (ref == 0)
		return -1;
	memcpy(alloc_at(&w->alloc, ref), built, sizeof(*built));
	if (trie_put(&w->alloc, &w->next.streams, ref, &replaced) == -1)
		return -1;
	w->next.n_streams++;
	w->dirty = true;
	return old == NULL ? 0 : leave(w, old);
}

int table_put_stream(struct table_writer *w, const struct model_stream *m)
{
	struct stream_block built = built_of(m);
	const struct stream_block *old;
	int rc;

	if (writer_check_open(w) == -1)
		return -1;
	if (m->policy != NULL && !block_policy_ok(m->policy)) {
		errno = EINVAL;
		return -1;
	}
	if (m->policy != NULL && writer_take_policy(w, m->policy, &built.policy) == -1)
		return writer_spoil(w);
	old = find(w, built.leaf.hash);
	if (old != NULL && memcmp(old, &built, sizeof(built)) == 0)
		rc = drop_policy(w, &built); /* what is there already: the count as it was */
	else
		rc = replace(w, &built, old);
	return rc == -1 ? writer_spoil(w) : 0;
}

int table_del_stream(struct table_writer *w, enum transport transport, uint16_t port)
{
	uint64_t number = stream_number(transport, port);
	const struct stream_block *s;
	shm_ref old;

	if (writer_check_open(w) == -1)
		return -1;
	s = find(w, number);
	if (s == NULL)
		return 0;
	if (trie_del(&w->alloc, &w->next.streams, number, STR_NONE, &old) == -1)
		return writer_spoil(w);
	w->dirty = true;
	return leave(w, s) == -1 ? writer_spoil(w) : 0;
}
