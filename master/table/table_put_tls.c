/*
 * table_put_tls: what a host wants of its clients' TLS, beside the host (table_writer.h).
 *
 * Two blocks, both interned: the wishes, and the CA that vouches for clients, which is large and
 * mostly the same for many hosts.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/check.h"
#include "common/hash.h"
#include "master/table/table_writer.h"

#define TEXT_MAX 8192u
#define CA_MAX   (4u << 20) /* a Secret has 1 MiB at most */

static size_t list_bytes(const struct str *der, uint32_t n)
{
	size_t bytes = 0;

	for (uint32_t i = 0; i < n; i++) {
		if (der[i].n == 0 || der[i].n > CA_MAX || bytes > CA_MAX)
			return CA_MAX + 1;
		bytes += sizeof(uint32_t) + der[i].n;
	}
	return bytes;
}

bool writer_tls_ok(const struct model_tls *m)
{
	const struct client_tls *c = &m->wants;

	return c->error_page.n <= TEXT_MAX && c->match.n <= TEXT_MAX && c->ciphers.n <= TEXT_MAX &&
	       list_bytes(m->ca, m->n_ca) + list_bytes(m->crls, m->n_crls) <= CA_MAX;
}

static char *append(char *to, const void *p, size_t n)
{
	if (n > 0)
		memcpy(to, p, n);
	return to + n;
}

static char *append_list(char *to, const struct str *der, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		uint32_t length = (uint32_t)der[i].n;

		to = append(to, &length, sizeof(length));
		to = append(to, der[i].p, der[i].n);
	}
	return to;
}

static uint64_t generation_of(const void *block, size_t n, uint64_t seed)
{
	uint64_t hash = hash_str(str_make(block, n), seed);

	return hash != 0 ? hash : 1;
}

static int take_wishes(struct table_writer *w, shm_ref *out, const struct client_tls *c)
{
	size_t n = sizeof(struct tls_block) + c->error_page.n + c->match.n + c->ciphers.n;
	struct tls_block *b = calloc(1, n);
	bool created;
	char *at;

	if (b == NULL)
		return -1;
	b->size = (uint32_t)n;
	b->flags = c->flags;
	b->verify = c->verify;
	b->depth = c->depth;
	b->error_page_n = (uint16_t)c->error_page.n;
	b->match_n = (uint16_t)c->match.n;
	b->ciphers_n = (uint16_t)c->ciphers.n;
	at = append((char *)(b + 1), c->error_page.p, c->error_page.n);
	at = append(at, c->match.p, c->match.n);
	at = append(at, c->ciphers.p, c->ciphers.n);
	CHECK((size_t)(at - (char *)b) == n);
	b->generation = generation_of(b, n, w->head->seed);
	*out = intern_take(&w->tls, b, n, &created);
	free(b);
	return *out == 0 ? -1 : 0;
}

static int take_ca(struct table_writer *w, shm_ref *out, const struct model_tls *m)
{
	size_t certs = list_bytes(m->ca, m->n_ca), crls = list_bytes(m->crls, m->n_crls);
	size_t n = sizeof(struct ca_block) + certs + crls;
	struct ca_block *b = calloc(1, n);
	bool created;
	char *at;

	if (b == NULL)
		return -1;
	b->size = (uint32_t)n;
	b->certs_n = (uint32_t)certs;
	b->crls_n = (uint32_t)crls;
	at = append_list((char *)(b + 1), m->ca, m->n_ca);
	at = append_list(at, m->crls, m->n_crls);
	CHECK((size_t)(at - (char *)b) == n);
	b->generation = generation_of(b, n, w->head->seed);
	*out = intern_take(&w->cas, b, n, &created);
	free(b);
	return *out == 0 ? -1 : 0;
}

int writer_take_tls(struct table_writer *w, struct host_block *h, const struct model_tls *m)
{
	if (m == NULL)
		return 0;
	if (take_wishes(w, &h->tls, &m->wants) == -1)
		return -1;
	return m->n_ca == 0 ? 0 : take_ca(w, &h->ca, m);
}

int writer_drop_tls(struct table_writer *w, const struct host_block *h)
{
	if (h->tls != 0) {
		const struct tls_block *b = alloc_at(&w->alloc, h->tls);

		if (intern_drop(&w->tls, h->tls, b->size) == -1)
			return -1;
	}
	if (h->ca != 0) {
		const struct ca_block *b = alloc_at(&w->alloc, h->ca);

		return intern_drop(&w->cas, h->ca, b->size);
	}
	return 0;
}
