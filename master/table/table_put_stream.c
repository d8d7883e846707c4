/* table_put_stream: ports of TCP and UDP services into the transaction (table_write.h). */
#include <string.h>

#include "common/table/table_find.h"
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

static int leave(struct table_writer *w, const struct stream_block *s)
{
	w->next.n_streams--;
	return alloc_retire(&w->alloc, alloc_ref(&w->alloc, s));
}

int table_put_stream(struct table_writer *w, const struct model_stream *m)
{
	struct stream_block built = built_of(m);
	const struct stream_block *old;
	shm_ref ref, replaced;

	if (writer_check_open(w) == -1)
		return -1;
	old = find(w, built.leaf.hash);
	if (old != NULL && memcmp(old, &built, sizeof(built)) == 0)
		return 0;
	ref = alloc_take(&w->alloc, ALLOC_OTHER, sizeof(built));
	if (ref == 0)
		return writer_spoil(w);
	memcpy(alloc_at(&w->alloc, ref), &built, sizeof(built));
	if (trie_put(&w->alloc, &w->next.streams, ref, &replaced) == -1)
		return writer_spoil(w);
	w->next.n_streams++;
	w->dirty = true;
	return old != NULL && leave(w, old) == -1 ? writer_spoil(w) : 0;
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
