/* tls_certs: see tls_certs.h. */
#include "worker/tls/tls_certs.h"

#include <openssl/err.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <time.h>

#include "common/check.h"
#include "common/mem/recent.h"
#include "worker/sign/stub_key.h"

struct tls_cert {
	struct recent recent; /* by generation */
	X509 *leaf;
	STACK_OF(X509) * chain; /* without the leaf */
	EVP_PKEY *key;          /* a stub */
	struct str ocsp;        /* ours; empty: none */
	int64_t ocsp_until;
};

struct tls_certs {
	OSSL_LIB_CTX *lib;
	struct recents kept;
};

static void cert_free(struct tls_cert *t)
{
	X509_free(t->leaf);
	sk_X509_pop_free(t->chain, X509_free);
	EVP_PKEY_free(t->key);
	OPENSSL_free((char *)(uintptr_t)t->ocsp.p);
	free(t);
}

static void drop(struct recent *r)
{
	cert_free(container_of(r, struct tls_cert, recent));
}

struct tls_certs *tls_certs_new(OSSL_LIB_CTX *lib, size_t most)
{
	struct tls_certs *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return NULL;
	c->lib = lib;
	recents_init(&c->kept, most, drop);
	return c;
}

void tls_certs_free(struct tls_certs *c)
{
	if (c == NULL)
		return;
	recents_clear(&c->kept);
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
	t->recent.number = v->generation;
	if (!make_chain(c, t, v->chain) || !make_key(c, t, v->key)) {
		ERR_clear_error();
		cert_free(t);
		return NULL;
	}
	keep_ocsp(t, v);
	recents_add(&c->kept, &t->recent);
	return t;
}

/* From what is kept, or made; NULL: it cannot be used. */
static struct tls_cert *get(struct tls_certs *c, const struct cert_view *v)
{
	struct recent *r = recents_find(&c->kept, v->generation);

	return r == NULL ? make(c, v) : container_of(r, struct tls_cert, recent);
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
	return c->kept.n;
}
