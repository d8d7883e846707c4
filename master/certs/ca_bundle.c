/* ca_bundle: see ca_bundle.h. */
#include "master/certs/ca_bundle.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/check.h"

/* One of the two texts of a Secret. */
struct part {
	const char *key, *label, *what; /* "ca.crt", "CERTIFICATE", "certificate" */
	bool (*whole)(const unsigned char *der, long n);
	struct str **items;
	uint32_t *n;
	uint32_t most;
};

/* All of it, and nothing behind. */
static bool whole_certificate(const unsigned char *der, long n)
{
	const unsigned char *p = der;
	X509 *x = d2i_X509(NULL, &p, n);
	bool ok = x != NULL && p == der + n && X509_get0_pubkey(x) != NULL;

	X509_free(x);
	return ok;
}

static bool whole_list(const unsigned char *der, long n)
{
	const unsigned char *p = der;
	X509_CRL *x = d2i_X509_CRL(NULL, &p, n);
	bool ok = x != NULL && p == der + n;

	X509_CRL_free(x);
	return ok;
}

static bool refuse(char why[CA_WHY_MAX], const struct part *p, const char *text)
{
	(void)snprintf(why, CA_WHY_MAX, "%s %s", p->key, text);
	return false;
}

static bool keep(const struct part *p, const unsigned char *der, long n, char why[CA_WHY_MAX])
{
	char *copy;

	if (!p->whole(der, n)) {
		(void)snprintf(why, CA_WHY_MAX,
			       "PEM block %u of %s is no %s that can be read: put it there again",
			       *p->n + 1, p->key, p->what);
		return false;
	}
	if (*p->n == p->most)
		return refuse(why, p, "holds too many of them: take out those that nobody needs");
	*p->items = reallocarray(*p->items, *p->n + 1, sizeof(**p->items));
	copy = malloc((size_t)n);
	CHECK(*p->items != NULL && copy != NULL);
	memcpy(copy, der, (size_t)n);
	(*p->items)[(*p->n)++] = str_make(copy, (size_t)n);
	return true;
}

static bool is_private(const char *label)
{
	return strstr(label, "PRIVATE KEY") != NULL;
}

/* The next PEM block. 1, 0 at the end, -1 with why. */
static int next_block(const struct part *p, BIO *in, char why[CA_WHY_MAX])
{
	char *label = NULL, *header = NULL;
	unsigned char *der = NULL;
	bool ok = false;
	long n = 0;

	if (PEM_read_bio(in, &label, &header, &der, &n) != 1) {
		if (ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE)
			return 0;
		(void)snprintf(why, CA_WHY_MAX, "PEM block %u of %s is damaged: put it there again",
			       *p->n + 1, p->key);
		return -1;
	}
	if (is_private(label))
		(void)refuse(why, p, "holds a private key: take it out, nobody needs it here");
	else if (strcmp(label, p->label) != 0)
		(void)snprintf(why, CA_WHY_MAX, "%s must hold PEM blocks \"%s\" and nothing else",
			       p->key, p->label);
	else
		ok = keep(p, der, n, why);
	OPENSSL_free(label);
	OPENSSL_free(header);
	if (der != NULL)
		OPENSSL_clear_free(der, (size_t)n);
	return ok ? 1 : -1;
}

static bool read_part(const struct part *p, struct str pem, char why[CA_WHY_MAX])
{
	BIO *in;
	int got;

	if (pem.n > CA_BYTES_MAX)
		return refuse(why, p, "is larger than 1 MiB: take out what nobody needs");
	in = BIO_new_mem_buf(pem.n > 0 ? pem.p : "", (int)pem.n);
	CHECK(in != NULL);
	while ((got = next_block(p, in, why)) == 1)
		;
	BIO_free(in);
	ERR_clear_error();
	if (got == 0 && *p->n == 0)
		(void)snprintf(why, CA_WHY_MAX, "%s holds no PEM %s: put it there", p->key,
			       p->what);
	return got == 0 && *p->n > 0;
}

struct ca_bundle *ca_bundle_parse(struct str crt, struct str crl, char why[CA_WHY_MAX])
{
	struct ca_bundle *b = calloc(1, sizeof(*b));
	struct part certs, crls;

	CHECK(b != NULL);
	certs = (struct part){"ca.crt",  "CERTIFICATE", "certificate", whole_certificate,
			      &b->certs, &b->n_certs,   CA_CERTS_MAX};
	crls = (struct part){"ca.crl", "X509 CRL", "revocation list", whole_list,
			     &b->crls, &b->n_crls, CA_CRLS_MAX};
	if (read_part(&certs, crt, why) && (crl.n == 0 || read_part(&crls, crl, why)))
		return b;
	ca_bundle_free(b);
	return NULL;
}

static void free_all(struct str *v, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		free((char *)(uintptr_t)v[i].p);
	free(v);
}

void ca_bundle_free(struct ca_bundle *b)
{
	if (b == NULL)
		return;
	free_all(b->certs, b->n_certs);
	free_all(b->crls, b->n_crls);
	free(b);
}
