/* tls_certs: see tls_certs.h. */
#include "worker/tls/tls_certs.h"

#include <bsd/sys/queue.h>
#include <bsd/sys/tree.h>
#include <openssl/err.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <time.h>

#include "common/check.h"
#include "worker/sign/stub_key.h"

struct tls_cert {
	RB_ENTRY(tls_cert) by_generation;
	TAILQ_ENTRY(tls_cert) by_use; /* most recent first */
	uint64_t generation;
	X509 *leaf;
	STACK_OF(X509) * chain; /* without the leaf */
	EVP_PKEY *key;          /* a stub */
	struct str ocsp;        /* ours; empty: none */
	int64_t ocsp_until;
};

static int cert_cmp(const struct tls_cert *a, const struct tls_cert *b)
{
	return (a->generation > b->generation) - (a->generation < b->generation);
}

RB_HEAD(cert_tree, tls_cert);
RB_GENERATE_INTERNAL(cert_tree, tls_cert, by_generation, cert_cmp, static __attribute__((unused)))

struct tls_certs {
	OSSL_LIB_CTX *lib;
	size_t n, most;
	struct cert_tree tree;
	TAILQ_HEAD(cert_list, tls_cert) used;
};

struct tls_certs *tls_certs_new(OSSL_LIB_CTX *lib, size_t most)
{
	struct tls_certs *c = calloc(1, sizeof(*c));

	CHECK(most > 0);
	if (c == NULL)
		return NULL;
	c->lib = lib;
	c->most = most;
	RB_INIT(&c->tree);
	TAILQ_INIT(&c->used);
	return c;
}

static void cert_free(struct tls_cert *t)
{
	X509_free(t->leaf);
	sk_X509_pop_free(t->chain, X509_free);
	EVP_PKEY_free(t->key);
	OPENSSL_free((char *)(uintptr_t)t->ocsp.p);
	free(t);
}

static void drop(struct tls_certs *c, struct tls_cert *t)
{
	RB_REMOVE(cert_tree, &c->tree, t);
	TAILQ_REMOVE(&c->used, t, by_use);
	c->n--;
	cert_free(t);
}

void tls_certs_free(struct tls_certs *c)
{
	struct tls_cert *t;

	if (c == NULL)
		return;
	while ((t = TAILQ_FIRST(&c->used)) != NULL)
		drop(c, t);
	free(c);
}

static X509 *parse(struct tls_certs *c, struct str der)
{
	X509 *x = X509_new_ex(c->lib, NULL);
	const unsigned char *p = (const unsigned char *)der.p;

	if (x != NULL && d2i_X509(&x, &p, (long)der.n) == NULL)
		return NULL; /* d2i_X509() has freed it */
	return x;
}

static bool make_chain(struct tls_certs *c, struct tls_cert *t, struct str chain)
{
	struct str der;

	t->chain = sk_X509_new_null();
	while (t->chain != NULL && table_cert_next(&chain, &der)) {
		X509 *x = parse(c, der);

		if (x == NULL)
			return false;
		if (t->leaf == NULL) {
			t->leaf = x;
		} else if (sk_X509_push(t->chain, x) == 0) {
			X509_free(x);
			return false;
		}
	}
	return t->leaf != NULL;
}

static bool make_key(struct tls_certs *c, struct tls_cert *t, const uint8_t *want)
{
	uint8_t id[SIGN_KEY_ID_LEN];
	unsigned char *spki = NULL;
	int n = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(t->leaf), &spki);

	if (n > 0)
		t->key = stub_key_new(c->lib, str_make((const char *)spki, (size_t)n), id);
	OPENSSL_free(spki);
	return t->key != NULL && memcmp(id, want, sizeof(id)) == 0;
}

/* Without memory there is none: the client asks the responder itself. */
static void keep_ocsp(struct tls_cert *t, const struct cert_view *v)
{
	char *copy = v->ocsp.n == 0 ? NULL : OPENSSL_memdup(v->ocsp.p, v->ocsp.n);

	if (copy != NULL)
		t->ocsp = str_make(copy, v->ocsp.n);
	t->ocsp_until = v->ocsp_until;
}

/* SSL_CTX_set_tlsext_status_cb(3): called when the client asks; what is sent stands in the SSL. */
static void staple(const struct tls_cert *t, SSL *ssl)
{
	unsigned char *copy = NULL;

	if (t->ocsp.n > 0 && SSL_get_tlsext_status_type(ssl) == TLSEXT_STATUSTYPE_ocsp &&
	    time(NULL) < t->ocsp_until)
		copy = OPENSSL_memdup(t->ocsp.p, t->ocsp.n);
	if (copy != NULL)
		(void)SSL_set_tlsext_status_ocsp_resp(ssl, copy, (long)t->ocsp.n);
}

static struct tls_cert *make(struct tls_certs *c, const struct cert_view *v)
{
	struct tls_cert *t = calloc(1, sizeof(*t));

	if (t == NULL)
		return NULL;
	t->generation = v->generation;
	if (!make_chain(c, t, v->chain) || !make_key(c, t, v->key)) {
		ERR_clear_error();
		cert_free(t);
		return NULL;
	}
	keep_ocsp(t, v);
	RB_INSERT(cert_tree, &c->tree, t);
	TAILQ_INSERT_HEAD(&c->used, t, by_use);
	if (++c->n > c->most)
		drop(c, TAILQ_LAST(&c->used, cert_list));
	return t;
}

/* From what is kept, or made; NULL: it cannot be used. */
static struct tls_cert *get(struct tls_certs *c, const struct cert_view *v)
{
	struct tls_cert key = {.generation = v->generation};
	struct tls_cert *t = RB_FIND(cert_tree, &c->tree, &key);

	if (t == NULL) {
		t = make(c, v);
	} else if (t != TAILQ_FIRST(&c->used)) {
		TAILQ_REMOVE(&c->used, t, by_use);
		TAILQ_INSERT_HEAD(&c->used, t, by_use);
	}
	return t;
}

int tls_certs_use(struct tls_certs *c, const struct cert_view *v, SSL *ssl)
{
	const struct tls_cert *t = get(c, v);

	if (t != NULL)
		staple(t, ssl);
	if (t != NULL && SSL_use_cert_and_key(ssl, t->leaf, t->key, t->chain, 1) == 1)
		return 0;
	ERR_clear_error();
	return -1;
}

int tls_certs_use_all(struct tls_certs *c, const struct cert_view *v, SSL_CTX *ctx)
{
	const struct tls_cert *t = get(c, v);

	if (t != NULL && SSL_CTX_use_cert_and_key(ctx, t->leaf, t->key, t->chain, 1) == 1)
		return 0;
	ERR_clear_error();
	return -1;
}

size_t tls_certs_count(const struct tls_certs *c)
{
	return c->n;
}
