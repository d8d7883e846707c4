/* table_put_profile: TLS profiles into the transaction (table_write.h): one block each, by id. */
#include <errno.h>
#include <string.h>

#include "common/check.h"
#include "common/hash.h"
#include "common/table/table_find.h"
#include "master/table/table_trie.h"
#include "master/table/table_writer.h"

#define PROFILE_MAX (256u << 10)

/* Bytes of a list of certificates; more than PROFILE_MAX when it cannot be stored. */
static size_t list_size(const struct str *ders, uint32_t n)
{
	size_t size = 0;

	for (uint32_t i = 0; i < n && size <= PROFILE_MAX; i++)
		size += ders[i].n == 0 || ders[i].n > PROFILE_MAX ? PROFILE_MAX + 1
								  : sizeof(uint32_t) + ders[i].n;
	return size;
}

/* Of the block, 0 when it cannot be stored. */
static size_t block_size(const struct model_profile *m)
{
	size_t n = sizeof(struct profile_block);

	if (m->id == 0 || m->ciphers.n > UINT16_MAX || m->name.n > UINT16_MAX)
		return 0;
	n += list_size(m->chain, m->n_chain) + list_size(m->ca, m->n_ca);
	n += m->ciphers.n + m->name.n;
	return n > PROFILE_MAX ? 0 : n;
}

static char *append(char *to, struct str s)
{
	if (s.n > 0)
		memcpy(to, s.p, s.n);
	return to + s.n;
}

static char *append_list(char *to, const struct str *ders, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		uint32_t length = (uint32_t)ders[i].n;

		memcpy(to, &length, sizeof(length));
		to = append(to + sizeof(length), ders[i]);
	}
	return to;
}

/* The id does not count: the same content is the same generation, whoever asked for it. */
static uint64_t generation_of(const struct profile_block *p, uint64_t seed)
{
	size_t from = offsetof(struct profile_block, key);
	uint64_t h = hash_str(str_make((const char *)p + from, p->leaf.size - from), seed);

	return h == 0 || h == UINT64_MAX ? 1 : h;
}

static struct profile_block *build(struct table_writer *w, const struct model_profile *m,
				   size_t size)
{
	struct profile_block *p;
	char *at;

	w->scratch.n = 0;
	if (vec_reserve(&w->scratch, size, 1) == -1)
		return NULL;
	p = w->scratch.items;
	memset(p, 0, sizeof(*p));
	p->leaf = (struct trie_leaf){.hash = m->id, .size = (uint32_t)size};
	if (m->n_chain > 0)
		memcpy(p->key, m->key, sizeof(p->key));
	p->chain_n = (uint32_t)list_size(m->chain, m->n_chain);
	p->ca_n = (uint32_t)list_size(m->ca, m->n_ca);
	p->ciphers_n = (uint16_t)m->ciphers.n;
	p->name_n = (uint16_t)m->name.n;
	p->verify = m->verify;
	p->depth = m->depth;
	p->versions = m->versions;
	p->sni = m->sni;
	at = append_list((char *)(p + 1), m->chain, m->n_chain);
	at = append_list(at, m->ca, m->n_ca);
	at = append(append(at, m->ciphers), m->name);
	CHECK((size_t)(at - (char *)p) == size);
	p->generation = generation_of(p, w->head->seed);
	return p;
}

static const struct profile_block *find(struct table_writer *w, uint64_t id)
{
	return (const struct profile_block *)(const void *)trie_find(w->head, w->next.profiles, id,
								     STR_NONE);
}

static int leave(struct table_writer *w, const struct profile_block *p)
{
	w->next.n_profiles--;
	return alloc_retire(&w->alloc, alloc_ref(&w->alloc, p));
}

int table_put_profile(struct table_writer *w, const struct model_profile *m)
{
	size_t size = block_size(m);
	const struct profile_block *old, *built;
	shm_ref ref, replaced;

	if (writer_check_open(w) == -1)
		return -1;
	if (size == 0) {
		errno = EINVAL;
		return -1;
	}
	built = build(w, m, size);
	if (built == NULL)
		return writer_spoil(w);
	old = find(w, m->id);
	if (old != NULL && old->leaf.size == size && memcmp(old, built, size) == 0)
		return 0;
	ref = alloc_take(&w->alloc, ALLOC_OTHER, size);
	if (ref == 0)
		return writer_spoil(w);
	memcpy(alloc_at(&w->alloc, ref), built, size);
	if (trie_put(&w->alloc, &w->next.profiles, ref, &replaced) == -1)
		return writer_spoil(w);
	w->next.n_profiles++;
	w->dirty = true;
	return old != NULL && leave(w, old) == -1 ? writer_spoil(w) : 0;
}

int table_del_profile(struct table_writer *w, uint64_t id)
{
	const struct profile_block *p;
	shm_ref old;

	if (writer_check_open(w) == -1)
		return -1;
	p = find(w, id);
	if (p == NULL)
		return 0;
	if (trie_del(&w->alloc, &w->next.profiles, id, STR_NONE, &old) == -1)
		return writer_spoil(w);
	w->dirty = true;
	return leave(w, p) == -1 ? writer_spoil(w) : 0;
}
