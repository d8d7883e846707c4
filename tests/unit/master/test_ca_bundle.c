/* A CA's certificates and revocation lists from PEM: whole or not at all, and why not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "master/certs/ca_bundle.h"
#include "master/certs/cert_pair.h"

#define TEXT_MAX 65536

static struct cert_pair *pair;
static char crt[TEXT_MAX], key[TEXT_MAX], crl[TEXT_MAX];

static void text_of(BIO *b, char *to)
{
	char *p;
	long n = BIO_get_mem_data(b, &p);

	assert_true(n > 0 && n < TEXT_MAX);
	memcpy(to, p, (size_t)n);
	to[n] = '\0';
	BIO_free(b);
}

static void make_list(EVP_PKEY *by, X509 *issuer)
{
	X509_CRL *l = X509_CRL_new();
	ASN1_TIME *now = ASN1_TIME_set(NULL, 1700000000);
	BIO *out = BIO_new(BIO_s_mem());

	assert_int_equal(X509_CRL_set_issuer_name(l, X509_get_subject_name(issuer)), 1);
	assert_int_equal(X509_CRL_set1_lastUpdate(l, now), 1);
	assert_int_equal(X509_CRL_set1_nextUpdate(l, now), 1);
	assert_true(X509_CRL_sign(l, by, EVP_sha256()) > 0);
	assert_int_equal(PEM_write_bio_X509_CRL(out, l), 1);
	text_of(out, crl);
	ASN1_TIME_free(now);
	X509_CRL_free(l);
}

static int set_up(void **state)
{
	BIO *c = BIO_new(BIO_s_mem()), *k = BIO_new(BIO_s_mem());
	const unsigned char *der;
	EVP_PKEY *own;
	X509 *leaf;

	(void)state;
	pair = cert_pair_self_signed();
	assert_non_null(pair);
	leaf = cert_pair_leaf(pair);
	der = (const unsigned char *)pair->secret.p;
	own = d2i_AutoPrivateKey(NULL, &der, (long)pair->secret.n);
	assert_non_null(own);
	assert_int_equal(PEM_write_bio_X509(c, leaf), 1);
	assert_int_equal(PEM_write_bio_PrivateKey(k, own, NULL, NULL, 0, NULL, NULL), 1);
	text_of(c, crt);
	text_of(k, key);
	make_list(own, leaf);
	X509_free(leaf);
	EVP_PKEY_free(own);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	cert_pair_free(pair);
	return 0;
}

static void what_is_there_is_read(void **state)
{
	char both[2 * TEXT_MAX + 64], why[CA_WHY_MAX] = "";
	struct ca_bundle *b;

	(void)snprintf(both, sizeof(both), "words before\n%s\nwords between\n%s\nand behind\n", crt,
		       crt);
	b = ca_bundle_parse(str_from(both), STR_NONE, why);
	assert_string_equal(why, "");
	assert_non_null(b);
	assert_int_equal(b->n_certs, 2);
	assert_int_equal(b->n_crls, 0);
	assert_true(str_eq(b->certs[0], pair->chain[0]) && str_eq(b->certs[1], pair->chain[0]));
	ca_bundle_free(b);
	b = ca_bundle_parse(str_from(crt), str_from(crl), why);
	assert_non_null(b);
	assert_int_equal(b->n_crls, 1);
	ca_bundle_free(b);
	ca_bundle_free(NULL);
}

static void refused(const char *c, const char *l, const char *words)
{
	char why[CA_WHY_MAX] = "";

	assert_null(ca_bundle_parse(str_from(c), str_from(l), why));
	if (strstr(why, words) == NULL)
		fail_msg("\"%s\" does not say \"%s\"", why, words);
}

static void refusals_say_why(void **state)
{
	char text[2 * TEXT_MAX + 64];
	char *end;

	refused("", "", "ca.crt holds no PEM certificate");
	refused("hello", "", "ca.crt holds no PEM certificate");
	refused(crt, "hello", "ca.crl holds no PEM revocation list");
	refused(crl, "", "ca.crt must hold PEM blocks \"CERTIFICATE\"");
	refused(crt, crt, "ca.crl must hold PEM blocks \"X509 CRL\"");
	(void)snprintf(text, sizeof(text), "%s%s", crt, key);
	refused(text, "", "holds a private key");
	/* Half of a bundle is none. */
	(void)snprintf(text, sizeof(text),
		       "%s-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n", crt);
	refused(text, "", "PEM block 2 of ca.crt is no certificate");
	(void)snprintf(text, sizeof(text), "%s%s", crt, crt);
	end = strstr(text + strlen(crt), "-----END");
	memcpy(end, "-----ENX", 8);
	refused(text, "", "PEM block 2 of ca.crt is damaged");
}

static void bytes_behind_the_der_are_refused(void **state)
{
	char text[TEXT_MAX], why[CA_WHY_MAX] = "";
	BIO *out = BIO_new(BIO_s_mem());
	struct str der = pair->chain[0];
	unsigned char *longer = calloc(1, der.n + 1);

	memcpy(longer, der.p, der.n);
	assert_true(PEM_write_bio(out, "CERTIFICATE", "", longer, (long)der.n + 1) > 0);
	text_of(out, text);
	assert_null(ca_bundle_parse(str_from(text), STR_NONE, why));
	assert_non_null(strstr(why, "is no certificate that can be read"));
	free(longer);
}

static void bounds(void **state)
{
	static char huge[CA_BYTES_MAX + 2];
	size_t n = strlen(crt), at = 0;
	char *many = malloc((CA_CRLS_MAX + 1) * strlen(crl) + 1);

	memset(huge, ' ', sizeof(huge) - 1);
	refused(huge, "", "larger than 1 MiB");
	refused(crt, huge, "ca.crl is larger than 1 MiB");
	n = strlen(crl);
	for (unsigned i = 0; i <= CA_CRLS_MAX; i++, at += n)
		memcpy(many + at, crl, n);
	many[at] = '\0';
	refused(crt, many, "ca.crl holds too many");
	free(many);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(what_is_there_is_read),
	    cmocka_unit_test(refusals_say_why),
	    cmocka_unit_test(bytes_behind_the_der_are_refused),
	    cmocka_unit_test(bounds),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
