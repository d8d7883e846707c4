/*
 * table_put_cert: certificates into the transaction (table_write.h).
 *
 * Two parts: the certificate's block, interned, so that many names share one; and the leaf of the
 * name that refers to it.
 */
#include <errno.h>
#include <string.h>

#include "common/check.h"
#include "common/table/table_read.h"
#include "master/table/table_block.h"
#include "master/table/table_named.h"
#include "master/table/table_trie.h"
#include "master/table/table_writer.h"

#define CERT_MAX (256u << 10)

static int invalid(void)
{
	errno = EINVAL;
	return -1;
}

static size_t labels_size(const struct model_cert *m)
{
	size_t n = 0;

	for (unsigned i = 0; i < CERT_LABELS; i++)
		n += 1 + str_head(m->labels[i], UINT8_MAX).n;
	return n;
}

/* Bytes of the block, 0 when it cannot be stored. */
static size_t block_size(const struct model_cert *m)
{
	size_t n = sizeof(struct cert_block) + m->ocsp.n;

	if (m->n_chain == 0 || m->ocsp.n > CERT_MAX)
		return 0;
	for (uint32_t i = 0; i < m->n_chain; i++) {
		if (m->chain[i].n == 0 || m->chain[i].n > CERT_MAX || n > CERT_MAX)
			return 0;
		n += sizeof(uint32_t) + m->chain[i].n;
	}
	n += labels_size(m);
	return n > CERT_MAX ? 0 : n;
}

static char *append(char *to, const void *p, size_t n)
{
	if (n > 0)
		memcpy(to, p, n);
	return to + n;
}

static void fill(struct cert_block *c, size_t size, const struct model_cert *m, uint64_t seed)
{
	char *at = (char *)(c + 1);

	memset(c, 0, sizeof(*c));
	c->not_after = m->not_after;
	memcpy(c->key, m->key, sizeof(c->key));
	c->size = (uint32_t)size;
	c->ocsp_n = (uint32_t)m->ocsp.n;
	c->ocsp_min = m->ocsp.n == 0 ? 0 : (uint32_t)(m->ocsp_until / 60);
	for (uint32_t i = 0; i < m->n_chain; i++) {
		uint32_t n = (uint32_t)m->chain[i].n;

		at = append(at, &n, sizeof(n));
		at = append(at, m->chain[i].p, n);
	}
	c->chain_n = (uint32_t)(at - (char *)(c + 1));
	at = append(at, m->ocsp.p, m->ocsp.n);
	for (unsigned i = 0; i < CERT_LABELS; i++) {
		uint8_t n = (uint8_t)str_head(m->labels[i], UINT8_MAX).n;

		at = append(append(at, &n, 1), m->labels[i].p, n);
	}
	c->labels_n = (uint32_t)labels_size(m);
	CHECK((size_t)(at - (char *)c) == size);
	c->generation = hash_str(str_make((const char *)c, size), seed);
}

static shm_ref take_block(struct table_writer *w, const struct model_cert *m, size_t size)
{
	bool created;

	w->scratch.n = 0;
	if (vec_reserve(&w->scratch, size, 1) == -1)
		return 0;
	fill(w->scratch.items, size, m, w->head->seed);
	return intern_take(&w->certs, w->scratch.items, size, &created);
}

static int drop_block(struct table_writer *w, shm_ref ref)
{
	const struct cert_block *c = alloc_at(&w->alloc, ref);

	return intern_drop(&w->certs, ref, c->size);
}

static const struct sni_leaf *find(struct table_writer *w, struct str name)
{
	return (const struct sni_leaf *)named_find(w, w->next.certs, name);
}

/* The root's figures: a name comes (sign 1) or goes (sign -1). */
static void count(struct table_writer *w, struct str name, int sign)
{
	if (name.n == 0)
		return;
	w->next.n_certs += (uint64_t)(int64_t)sign;
	if (name.p[0] == '*')
		w->next.n_sni_wildcards += (uint32_t)sign;
}

static shm_ref store_leaf(struct table_writer *w, struct str name, shm_ref cert)
{
	shm_ref ref = named_leaf(w, sizeof(struct sni_leaf), name);

	if (ref != 0)
		((struct sni_leaf *)alloc_at(&w->alloc, ref))->cert = cert;
	return ref;
}

/* What a leaf leaves behind when it is no longer in the trie. */
static int leave(struct table_writer *w, const struct sni_leaf *l)
{
	count(w, leaf_key(&l->leaf), -1);
	if (drop_block(w, l->cert) == -1)
		return -1;
	return alloc_retire(&w->alloc, alloc_ref(&w->alloc, l));
}

static int put(struct table_writer *w, struct str name, shm_ref cert)
{
	const struct sni_leaf *old = find(w, name);
	shm_ref ref, replaced;

	if (old != NULL && old->cert == cert)
		return drop_block(w, cert); /* what is there already: the count as it was */
	ref = store_leaf(w, name, cert);
	if (ref == 0 || trie_put(&w->alloc, &w->next.certs, ref, &replaced) == -1)
		return -1;
	count(w, name, 1);
	w->dirty = true;
	return old == NULL ? 0 : leave(w, old);
}

int table_put_cert(struct table_writer *w, const struct model_cert *m)
{
	char lower[TABLE_HOST_MAX];
	size_t size = block_size(m);
	struct str name;
	shm_ref cert;

	if (writer_check_open(w) == -1)
		return -1;
	if (size == 0 || !block_host_name(lower, m->name, &name))
		return invalid();
	cert = take_block(w, m, size);
	if (cert == 0 || put(w, name, cert) == -1)
		return writer_spoil(w);
	return 0;
}

int table_del_cert(struct table_writer *w, struct str name)
{
	char lower[TABLE_HOST_MAX];
	const struct sni_leaf *l;
	shm_ref old;

	if (writer_check_open(w) == -1)
		return -1;
	if (!block_host_name(lower, name, &name))
		return 0;
	l = find(w, name);
	if (l == NULL)
		return 0;
	if (trie_del(&w->alloc, &w->next.certs, l->leaf.hash, name, &old) == -1)
		return writer_spoil(w);
	w->dirty = true;
	return leave(w, l) == -1 ? writer_spoil(w) : 0;
}
