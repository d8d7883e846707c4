/* tls_cas: see tls_cas.h. */
#include "worker/tls/tls_cas.h"

#include <openssl/err.h>
#include <openssl/x509.h>
#include <stdlib.h>

#include "common/check.h"
#include "common/mem/recent.h"

#define NAMES_MAX 16384 /* bytes of CA names; more would not fit into a CertificateRequest */

struct tls_ca {
	struct recent recent; /* by generation */
	X509_STORE *store;
	STACK_OF(X509_NAME) * names; /* what the client is told; empty: any */
	size_t names_n;              /* their bytes */
};

struct tls_cas {
	OSSL_LIB_CTX *lib;
	struct recents kept;
};

static void ca_free(struct tls_ca *a)
{
	X509_STORE_free(a->store);
	sk_X509_NAME_pop_free(a->names, X509_NAME_free);
	free(a);
}

static void drop(struct recent *r)
{
	ca_free(container_of(r, struct tls_ca, recent));
}

struct tls_cas *tls_cas_new(OSSL_LIB_CTX *lib, size_t most)
{
	struct tls_cas *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return NULL;
	c->lib = lib;
	recents_init(&c->kept, most, drop);
	return c;
}

void tls_cas_free(struct tls_cas *c)
{
	if (c == NULL)
		return;
	recents_clear(&c->kept);
	free(c);
}

static bool add_name(struct tls_ca *a, X509 *x)
{
	X509_NAME *name = X509_NAME_dup(X509_get_subject_name(x));
	int n = name == NULL ? -1 : i2d_X509_NAME(name, NULL);

	if (n <= 0 || sk_X509_NAME_push(a->names, name) == 0) {
		X509_NAME_free(name);
		return false;
	}
	a->names_n += (size_t)n + sizeof(uint16_t);
	return true;
}

static bool add_certificate(const struct tls_cas *c, struct tls_ca *a, struct str der)
{
	const unsigned char *p = (const unsigned char *)der.p;
	X509 *x = X509_new_ex(c->lib, NULL);
	bool ok;

	if (x == NULL || d2i_X509(&x, &p, (long)der.n) == NULL)
		return false; /* d2i_X509() has freed it */
	ok = X509_STORE_add_cert(a->store, x) == 1 && add_name(a, x);
	X509_free(x);
	return ok;
}

static bool add_list(struct tls_ca *a, struct str der)
{
	const unsigned char *p = (const unsigned char *)der.p;
	X509_CRL *x = d2i_X509_CRL(NULL, &p, (long)der.n);
	bool ok = x != NULL && X509_STORE_add_crl(a->store, x) == 1;

	X509_CRL_free(x);
	return ok;
}

static bool fill(const struct tls_cas *c, struct tls_ca *a, const struct client_tls *v)
{
	struct str certs = v->ca, crls = v->crls, der;

	while (table_cert_next(&certs, &der))
		if (!add_certificate(c, a, der))
			return false;
	while (table_cert_next(&crls, &der))
		if (!add_list(a, der))
			return false;
	/* As nginx does: every certificate of the chain, not the client's alone. */
	if (v->crls.n > 0 &&
	    X509_STORE_set_flags(a->store, X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL) != 1)
		return false;
	return sk_X509_NAME_num(a->names) > 0;
}

static struct tls_ca *make(struct tls_cas *c, const struct client_tls *v)
{
	struct tls_ca *a = calloc(1, sizeof(*a));

	if (a == NULL)
		return NULL;
	a->recent.number = v->ca_generation;
	a->store = X509_STORE_new();
	a->names = sk_X509_NAME_new_null();
	if (a->store == NULL || a->names == NULL || !fill(c, a, v)) {
		ERR_clear_error();
		ca_free(a);
		return NULL;
	}
	recents_add(&c->kept, &a->recent);
	return a;
}

static struct tls_ca *get(struct tls_cas *c, const struct client_tls *v)
{
	struct recent *r = recents_find(&c->kept, v->ca_generation);

	return r == NULL ? make(c, v) : container_of(r, struct tls_ca, recent);
}

int tls_cas_use(struct tls_cas *c, const struct client_tls *v, SSL *ssl)
{
	struct tls_ca *a = get(c, v);
	STACK_OF(X509_NAME) * names;

	if (a == NULL || SSL_set1_verify_cert_store(ssl, a->store) != 1)
		return -1;
	if (a->names_n > NAMES_MAX)
		return 0;
	names = SSL_dup_CA_list(a->names);
	if (names == NULL) {
		ERR_clear_error();
		return -1;
	}
	SSL_set0_CA_list(ssl, names);
	return 0;
}

size_t tls_cas_count(const struct tls_cas *c)
{
	return c->kept.n;
}
