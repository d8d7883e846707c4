/*
 * test_stub_key: whole handshakes in memory, TLS 1.2 and 1.3, every kind of key, with a server that
 * has no private key and is suspended once per handshake while "the keys process" signs.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/async.h>
#include <openssl/err.h>
#include <openssl/rsa.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include "worker/sign/stub_key.h"

/* What the keys process would hold. */
static EVP_PKEY *real_key;
static uint8_t real_id[SIGN_KEY_ID_LEN];
static unsigned signatures;
static OSSL_LIB_CTX *lib;

static const EVP_MD *digest_of(enum sign_alg alg)
{
	switch ((unsigned)alg >> 8) {
	case 4:
		return EVP_sha256();
	case 5:
		return EVP_sha384();
	case 6:
		return EVP_sha512();
	default:
		return alg == SIGN_RSA_PSS_SHA256   ? EVP_sha256()
		       : alg == SIGN_RSA_PSS_SHA384 ? EVP_sha384()
		       : alg == SIGN_RSA_PSS_SHA512 ? EVP_sha512()
						    : NULL;
	}
}

static ptrdiff_t sign(void *arg, const uint8_t id[SIGN_KEY_ID_LEN], enum sign_alg alg,
		      struct str tbs, uint8_t *sig)
{
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	EVP_PKEY_CTX *pctx = NULL;
	size_t n = SIGN_SIG_MAX;

	(void)arg;
	assert_memory_equal(id, real_id, SIGN_KEY_ID_LEN);
	if (ASYNC_get_current_job() != NULL)
		assert_int_equal(ASYNC_pause_job(), 1);
	assert_int_equal(EVP_DigestSignInit(md, &pctx, digest_of(alg), NULL, real_key), 1);
	if (alg == SIGN_RSA_PSS_SHA256 || alg == SIGN_RSA_PSS_SHA384 ||
	    alg == SIGN_RSA_PSS_SHA512) {
		assert_int_equal(EVP_PKEY_CTX_set_rsa_padding(pctx, RSA_PKCS1_PSS_PADDING), 1);
		assert_int_equal(EVP_PKEY_CTX_set_rsa_pss_saltlen(pctx, RSA_PSS_SALTLEN_DIGEST), 1);
	}
	assert_int_equal(EVP_DigestSign(md, sig, &n, (const unsigned char *)tbs.p, tbs.n), 1);
	EVP_MD_CTX_free(md);
	signatures++;
	return (ptrdiff_t)n;
}

static X509 *self_signed(EVP_PKEY *key)
{
	X509 *x = X509_new();
	X509_NAME *name = X509_get_subject_name(x);

	assert_int_equal(ASN1_INTEGER_set(X509_get_serialNumber(x), 1), 1);
	X509_gmtime_adj(X509_getm_notBefore(x), -60);
	X509_gmtime_adj(X509_getm_notAfter(x), 3600);
	X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"t", -1, -1, 0);
	X509_set_issuer_name(x, name);
	X509_set_pubkey(x, key);
	assert_true(X509_sign(x, key, EVP_PKEY_is_a(key, "ED25519") ? NULL : EVP_sha256()) > 0);
	return x;
}

/* The server's context knows the certificate and the stub only. */
static SSL_CTX *server_context(X509 *cert, int version)
{
	SSL_CTX *ctx = SSL_CTX_new_ex(lib, NULL, TLS_server_method());
	unsigned char *spki = NULL;
	int n = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(cert), &spki);
	EVP_PKEY *stub = stub_key_new(lib, str_make((char *)spki, (size_t)n), real_id);

	assert_non_null(stub);
	assert_int_equal(SSL_CTX_use_certificate(ctx, cert), 1);
	assert_int_equal(SSL_CTX_use_PrivateKey(ctx, stub), 1);
	assert_int_equal(SSL_CTX_check_private_key(ctx), 1);
	SSL_CTX_set_min_proto_version(ctx, version);
	SSL_CTX_set_max_proto_version(ctx, version);
	EVP_PKEY_free(stub);
	OPENSSL_free(spki);
	return ctx;
}

static void handshake(EVP_PKEY *key, int version)
{
	X509 *cert = self_signed(key);
	SSL_CTX *sctx, *cctx = SSL_CTX_new(TLS_client_method());
	SSL *s, *c;
	BIO *a, *b;
	int sdone = 0, cdone = 0, paused = 0;

	real_key = key;
	signatures = 0;
	sctx = server_context(cert, version);
	s = SSL_new(sctx);
	c = SSL_new(cctx);
	assert_int_equal(BIO_new_bio_pair(&a, 0, &b, 0), 1);
	SSL_set_bio(s, a, a);
	SSL_set_bio(c, b, b);
	SSL_set_accept_state(s);
	SSL_set_connect_state(c);
	SSL_set_mode(s, SSL_MODE_ASYNC);
	for (int turn = 0; turn < 50 && (sdone != 1 || cdone != 1); turn++) {
		cdone = SSL_do_handshake(c);
		sdone = SSL_do_handshake(s);
		if (sdone != 1 && SSL_get_error(s, sdone) == SSL_ERROR_WANT_ASYNC)
			paused++;
	}
	assert_int_equal(sdone, 1);
	assert_int_equal(cdone, 1);
	assert_int_equal(paused, 1);
	assert_int_equal(signatures, 1);
	assert_int_equal(SSL_version(c), version);
	SSL_free(s);
	SSL_free(c);
	SSL_CTX_free(sctx);
	SSL_CTX_free(cctx);
	X509_free(cert);
}

static void both_versions(EVP_PKEY *key)
{
	assert_non_null(key);
	handshake(key, TLS1_2_VERSION);
	handshake(key, TLS1_3_VERSION);
	EVP_PKEY_free(key);
}

static void rsa(void **state)
{
	(void)state;
	both_versions(EVP_RSA_gen(2048));
}

static void p256(void **state)
{
	(void)state;
	both_versions(EVP_EC_gen("P-256"));
}

static void p384(void **state)
{
	(void)state;
	both_versions(EVP_EC_gen("P-384"));
}

static void ed25519(void **state)
{
	(void)state;
	both_versions(EVP_PKEY_Q_keygen(NULL, NULL, "ED25519"));
}

/* What is not a public key, or one we cannot serve, is refused. */
static void refused(void **state)
{
	uint8_t id[SIGN_KEY_ID_LEN];
	EVP_PKEY *x = EVP_PKEY_Q_keygen(NULL, NULL, "X25519");
	unsigned char *spki = NULL;
	int n = i2d_PUBKEY(x, &spki);

	(void)state;
	assert_null(stub_key_new(lib, STR("garbage"), id));
	assert_null(stub_key_new(lib, str_make((char *)spki, (size_t)n), id));
	OPENSSL_free(spki);
	EVP_PKEY_free(x);
	ERR_clear_error();
}

/* Nobody gets a private part out of a stub. */
static void no_private_part(void **state)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	unsigned char *spki = NULL, *out = NULL;
	int n = i2d_PUBKEY(key, &spki);
	EVP_PKEY *stub = stub_key_new(lib, str_make((char *)spki, (size_t)n), real_id);
	OSSL_PARAM *params = NULL;

	(void)state;
	assert_non_null(stub);
	assert_int_not_equal(EVP_PKEY_todata(stub, EVP_PKEY_KEYPAIR, &params), 1);
	assert_true(i2d_PrivateKey(stub, &out) <= 0);
	EVP_PKEY_free(stub);
	EVP_PKEY_free(key);
	OPENSSL_free(spki);
	ERR_clear_error();
}

static int setup(void **state)
{
	(void)state;
	lib = stub_key_context(sign, NULL);
	return lib == NULL ? -1 : 0;
}

static int teardown(void **state)
{
	(void)state;
	stub_key_context_free(lib);
	ASYNC_cleanup_thread();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(rsa),     cmocka_unit_test(p256),    cmocka_unit_test(p384),
	    cmocka_unit_test(ed25519), cmocka_unit_test(refused), cmocka_unit_test(no_private_part),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
