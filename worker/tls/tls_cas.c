/* tls_cas: see tls_cas.h. */
#include "worker/tls/tls_cas.h"

#include <bsd/sys/queue.h>
#include <bsd/sys/tree.h>
#include <openssl/err.h>
#include <openssl/x509.h>
#include <stdlib.h>

#include "common/check.h"

#define NAMES_MAX 16384 /* bytes of CA names; more would not fit into a CertificateRequest */

struct tls_ca {
	RB_ENTRY(tls_ca) by_generation;
	TAILQ_ENTRY(tls_ca) by_use; /* most recent first */
	uint64_t generation;
	X509_STORE *store;
	STACK_OF(X509_NAME) * names; /* what the client is told; empty: any */
	size_t names_n;              /* their bytes */
};

static int ca_cmp(const struct tls_ca *a, const struct tls_ca *b)
{
	return (a->generation > b->generation) - (a->generation < b->generation);
}

RB_HEAD(ca_tree, tls_ca);
RB_GENERATE_INTERNAL(ca_tree, tls_ca, by_generation, ca_cmp, static __attribute__((unused)))

struct tls_cas {
	OSSL_LIB_CTX *lib;
	size_t n, most;
	struct ca_tree tree;
	TAILQ_HEAD(ca_list, tls_ca) used;
};

struct tls_cas *tls_cas_new(OSSL_LIB_CTX *lib, size_t most)
{
	struct tls_cas *c = calloc(1, sizeof(*c));

	CHECK(most > 0);
	if (c == NULL)
		return NULL;
	c->lib = lib;
	c->most = most;
	RB_INIT(&c->tree);
	TAILQ_INIT(&c->used);
	return c;
}

static void ca_free(struct tls_ca *a)
{
	X509_STORE_free(a->store);
	sk_X509_NAME_pop_free(a->names, X509_NAME_free);
	free(a);
}

static void drop(struct tls_cas *c, struct tls_ca *a)
{
	RB_REMOVE(ca_tree, &c->tree, a);
	TAILQ_REMOVE(&c->used, a, by_use);
	c->n--;
	ca_free(a);
}

void tls_cas_free(struct tls_cas *c)
{
	struct tls_ca *a;

	if (c == NULL)
		return;
	while ((a = TAILQ_FIRST(&c->used)) != NULL)
		drop(c, a);
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
	a->generation = v->ca_generation;
	a->store = X509_STORE_new();
	a->names = sk_X509_NAME_new_null();
	if (a->store == NULL || a->names == NULL || !fill(c, a, v)) {
		ERR_clear_error();
		ca_free(a);
		return NULL;
	}
	RB_INSERT(ca_tree, &c->tree, a);
	TAILQ_INSERT_HEAD(&c->used, a, by_use);
	if (++c->n > c->most)
		drop(c, TAILQ_LAST(&c->used, ca_list));
	return a;
}

static struct tls_ca *get(struct tls_cas *c, const struct client_tls *v)
{
	struct tls_ca key = {.generation = v->ca_generation};
	struct tls_ca *a = RB_FIND(ca_tree, &c->tree, &key);

	if (a == NULL)
		return make(c, v);
	if (a != TAILQ_FIRST(&c->used)) {
		TAILQ_REMOVE(&c->used, a, by_use);
		TAILQ_INSERT_HEAD(&c->used, a, by_use);
	}
	return a;
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
	return c->n;
}
