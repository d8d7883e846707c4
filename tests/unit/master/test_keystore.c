/* The keys process' keys: every form is read, unused ones are bytes, and what is parsed is bounded.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "common/check.h"
#include "master/keys/key_read.h"
#include "master/keys/keystore.h"

#define MANY 2000

static struct str pkcs8(EVP_PKEY *key)
{
	PKCS8_PRIV_KEY_INFO *info = EVP_PKEY2PKCS8(key);
	unsigned char *der = NULL;
	int n = i2d_PKCS8_PRIV_KEY_INFO(info, &der);

	assert_true(n > 0);
	PKCS8_PRIV_KEY_INFO_free(info);
	return str_make((const char *)der, (size_t)n);
}

static struct str own_form(EVP_PKEY *key)
{
	unsigned char *der = NULL;
	int n = i2d_PrivateKey(key, &der);

	assert_true(n > 0);
	return str_make((const char *)der, (size_t)n);
}

static void der_free(struct str der)
{
	OPENSSL_free((char *)(uintptr_t)der.p);
}

static void reads(EVP_PKEY *key, struct str der)
{
	EVP_PKEY *got = key_read(der), *cut = key_read(str_head(der, der.n - 1));

	assert_non_null(got);
	assert_int_equal(EVP_PKEY_eq(got, key), 1);
	assert_null(cut);
	EVP_PKEY_free(got);
	der_free(der);
}

/* The decoders are kept between keys of other kinds, and damaged ones: none may show. */
static void every_form_is_read_in_any_order(void **state)
{
	EVP_PKEY *keys[] = {EVP_RSA_gen(2048), EVP_EC_gen("P-256"), EVP_EC_gen("P-384"),
			    EVP_PKEY_Q_keygen(NULL, NULL, "ED25519")};
	enum {
		N = sizeof(keys) / sizeof(keys[0])
	};

	for (unsigned i = 0; i < 3 * N; i++) {
		reads(keys[i * 3 % N], pkcs8(keys[i * 3 % N]));
		assert_null(key_read(STR("no key")));
		assert_null(key_read(STR_NONE));
		reads(keys[i % N], own_form(keys[i % N]));
	}
	for (unsigned i = 0; i < N; i++)
		EVP_PKEY_free(keys[i]);
}

static void put_one(struct keystore *k, uint8_t id[SIGN_KEY_ID_LEN])
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	struct str der = pkcs8(key);

	assert_int_equal(keystore_put(k, der, id), 0);
	der_free(der);
	EVP_PKEY_free(key);
}

/* Not parsed, in pieces of the vault, whose memory grows with the bytes of the keys alone. */
static void unused_keys_are_their_bytes(void **state)
{
	struct keystore *k = keystore_new();
	uint8_t(*ids)[SIGN_KEY_ID_LEN] = calloc(MANY, sizeof(*ids));
	uint8_t sig[SIGN_SIG_MAX];
	struct vault_stats s;

	for (unsigned i = 0; i < MANY; i++)
		put_one(k, ids[i]);
	s = keystore_memory(k);
	assert_int_equal(keystore_count(k), MANY);
	assert_int_equal(keystore_parsed(k), 0);
	assert_true(s.used <= (size_t)MANY * 160);
	assert_true(s.mapped < s.used + s.used / 100 + VAULT_BLOCK);
	for (unsigned i = 0; i < MANY; i++) {
		assert_true(keystore_sign(k, ids[i], SIGN_ECDSA_SHA256, STR("x"), sig) > 0);
		assert_true(keystore_parsed(k) <= KEYSTORE_PARSED_MAX);
	}
	assert_int_equal(keystore_parsed(k), KEYSTORE_PARSED_MAX);
	assert_true(keystore_sign(k, ids[0], SIGN_ECDSA_SHA256, STR("x"), sig) > 0);
	for (unsigned i = 0; i < MANY; i++)
		assert_int_equal(keystore_delete(k, ids[i]), 0);
	assert_int_equal(keystore_parsed(k), 0);
	assert_int_equal(keystore_memory(k).used, 0);
	put_one(k, ids[0]);
	assert_int_equal(keystore_memory(k).mapped, s.mapped);
	keystore_free(k);
	free(ids);
}

/* The one asked for last stays, whatever others come. */
static void the_least_used_goes_first(void **state)
{
	struct keystore *k = keystore_new();
	uint8_t id[SIGN_KEY_ID_LEN], other[SIGN_KEY_ID_LEN], sig[SIGN_SIG_MAX];
	EVP_PKEY *key = EVP_EC_gen("P-256");
	struct str der = pkcs8(key);

	assert_int_equal(keystore_put(k, der, id), 0);
	for (unsigned i = 0; i < KEYSTORE_PARSED_MAX + 10; i++) {
		put_one(k, other);
		assert_true(keystore_sign(k, other, SIGN_ECDSA_SHA256, STR("x"), sig) > 0);
		assert_true(keystore_sign(k, id, SIGN_ECDSA_SHA256, STR("x"), sig) > 0);
	}
	assert_int_equal(keystore_delete(k, id), 0);
	assert_int_equal(keystore_parsed(k), KEYSTORE_PARSED_MAX - 1); /* it was one of them */
	der_free(der);
	EVP_PKEY_free(key);
	keystore_free(k);
}

static void pieces_are_wiped_and_used_again(void **state)
{
	struct vault *v = vault_new();
	char large[KEY_DER_MAX];
	const uint8_t *a, *b;

	memset(large, 'k', sizeof(large));
	a = vault_put(v, str_make(large, 100));
	b = vault_put(v, str_make(large, sizeof(large)));
	assert_memory_equal(a, large, 100);
	assert_memory_equal(b, large, sizeof(large));
	assert_int_equal(vault_stats(v).used, 128 + sizeof(large));
	vault_drop(v, a, 100);
	for (unsigned i = sizeof(void *); i < 100; i++)
		assert_int_equal(a[i], 0);
	assert_ptr_equal(vault_put(v, str_make(large, 97)), a);
	for (unsigned i = 0; i < 100; i++)
		assert_non_null(vault_put(v, str_make(large, 1 + i * 100)));
	assert_int_equal(vault_stats(v).mapped % VAULT_BLOCK, 0);
	vault_free(v);
}

/* What may not be locked is kept, and told. */
static void memory_that_cannot_be_locked_is_counted(void **state)
{
	struct rlimit was, none = {0, 0};
	struct vault *v = vault_new();
	bool limited;

	assert_int_equal(getrlimit(RLIMIT_MEMLOCK, &was), 0);
	none.rlim_max = was.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_MEMLOCK, &none), 0);
	limited = mlock(&was, 1) == -1; /* not so for root, whom limits do not bind */
	assert_non_null(vault_put(v, STR("key")));
	assert_int_equal(vault_stats(v).unlocked, limited ? VAULT_BLOCK : 0);
	assert_int_equal(setrlimit(RLIMIT_MEMLOCK, &was), 0);
	vault_free(v);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_form_is_read_in_any_order),
	    cmocka_unit_test(unused_keys_are_their_bytes),
	    cmocka_unit_test(the_least_used_goes_first),
	    cmocka_unit_test(pieces_are_wiped_and_used_again),
	    cmocka_unit_test(memory_that_cannot_be_locked_is_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
