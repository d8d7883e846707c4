/* tls_cas, tls_client: CAs are made once and bounded; what is known of a client, and what not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>

#include "worker/tls/tls_cas.h"
#include "worker/tls/tls_client.h"

static SSL_CTX *ctx;
static char list[4096]; /* {u32 length, DER} of one certificate */
static size_t list_n;

static X509 *make_certificate(void)
{
	EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
	X509 *x = X509_new();

	assert_non_null(key);
	assert_int_equal(X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_ASC,
						    (const unsigned char *)"ca", -1, -1, 0),
			 1);
	assert_int_equal(X509_set_issuer_name(x, X509_get_subject_name(x)), 1);
	(void)X509_gmtime_adj(X509_getm_notBefore(x), 0);
	(void)X509_gmtime_adj(X509_getm_notAfter(x), 3600);
	assert_int_equal(X509_set_pubkey(x, key), 1);
	assert_true(X509_sign(x, key, EVP_sha256()) > 0);
	EVP_PKEY_free(key);
	return x;
}

static int set_up(void **state)
{
	X509 *x = make_certificate();
	unsigned char *p = (unsigned char *)list + sizeof(uint32_t);
	int n = i2d_X509(x, &p);
	uint32_t length = (uint32_t)n;

	(void)state;
	assert_true(n > 0 && (size_t)n < sizeof(list) - sizeof(length));
	memcpy(list, &length, sizeof(length));
	list_n = sizeof(length) + (size_t)n;
	X509_free(x);
	ctx = SSL_CTX_new(TLS_server_method());
	assert_non_null(ctx);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	SSL_CTX_free(ctx);
	return 0;
}

static int use(struct tls_cas *c, uint64_t generation, struct str ca, struct str crls)
{
	struct client_tls v = {.ca_generation = generation, .ca = ca, .crls = crls};
	SSL *ssl = SSL_new(ctx);
	int rc = tls_cas_use(c, &v, ssl);

	if (rc == 0)
		assert_int_equal(sk_X509_NAME_num(SSL_get0_CA_list(ssl)), 1);
	SSL_free(ssl);
	assert_int_equal(ERR_peek_error(), 0); /* nothing is left for others to stumble over */
	return rc;
}

static void made_once_and_bounded(void **state)
{
	struct tls_cas *c = tls_cas_new(NULL, 4);
	struct str ca = str_make(list, list_n);

	for (uint64_t g = 1; g <= 20; g++) {
		assert_int_equal(use(c, g, ca, STR_NONE), 0);
		assert_int_equal(use(c, g, ca, STR_NONE), 0);
		assert_int_equal(use(c, 1, ca, STR_NONE), 0); /* in use: it stays */
		assert_int_equal(tls_cas_count(c), g < 4 ? g : 4);
	}
	tls_cas_free(c);
	tls_cas_free(NULL);
}

/* The master has looked at all of it; a worker that meets it anyway lets nobody in. */
static void what_cannot_be_read_is_refused(void **state)
{
	struct tls_cas *c = tls_cas_new(NULL, 4);
	struct str ca = str_make(list, list_n);

	assert_int_equal(use(c, 1, STR_NONE, STR_NONE), -1);
	assert_int_equal(use(c, 2, str_make("\x01\0\0\0x", 5), STR_NONE), -1);
	assert_int_equal(use(c, 3, ca, str_make("\x01\0\0\0x", 5)), -1);
	assert_int_equal(use(c, 4, ca, ca), -1); /* a certificate is no list */
	assert_int_equal(tls_cas_count(c), 0);
	tls_cas_free(c);
}

static void verdicts(void **state)
{
	struct tls_client *c = tls_client_new(STR("A.Example.com."), TLS_VERIFY_OPTIONAL);
	char buf[64], tiny[8];

	assert_true(str_eq(c->host, STR("a.example.com")));
	assert_true(str_eq(tls_client_verdict(NULL, buf, sizeof(buf)), STR("NONE")));
	assert_true(str_eq(tls_client_verdict(c, buf, sizeof(buf)), STR("NONE")));
	c->given = true;
	assert_true(str_eq(tls_client_verdict(c, buf, sizeof(buf)), STR("SUCCESS")));
	c->result = X509_V_ERR_CERT_HAS_EXPIRED;
	assert_true(
	    str_eq(tls_client_verdict(c, buf, sizeof(buf)), STR("FAILED:certificate has expired")));
	assert_false(tls_client_unknown_ca(c));
	assert_true(str_eq(tls_client_verdict(c, tiny, sizeof(tiny)), STR("FAILED:")));
	c->result = X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE;
	assert_true(tls_client_unknown_ca(c));
	c->result = X509_V_OK;
	c->oversized = true;
	assert_true(str_starts(tls_client_verdict(c, buf, sizeof(buf)), STR("FAILED:")));
	assert_int_equal(tls_client_escaped(c).n, 0);
	tls_client_free(c);
	tls_client_free(NULL);
	c = tls_client_new(STR_NONE, TLS_VERIFY_ON);
	assert_int_equal(c->host.n, 0);
	tls_client_free(c);
}

static void escaped_pem(void **state)
{
	struct tls_client *c = tls_client_new(STR("a"), TLS_VERIFY_ON);
	struct str s, again;

	c->cert = make_certificate();
	c->given = true;
	s = tls_client_escaped(c);
	assert_true(str_starts(s, STR("-----BEGIN%20CERTIFICATE-----%0AMII")));
	assert_true(str_ends(s, STR("-----END%20CERTIFICATE-----%0A")));
	for (size_t i = 0; i < s.n; i++)
		assert_non_null(memchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				       "0123456789%-._~",
				       s.p[i], 67));
	again = tls_client_escaped(c);
	assert_ptr_equal(again.p, s.p);
	tls_client_free(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(made_once_and_bounded),
	    cmocka_unit_test(what_cannot_be_read_is_refused),
	    cmocka_unit_test(verdicts),
	    cmocka_unit_test(escaped_pem),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
