/* Certificates from PEM: what is taken, and in which words the rest is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/check.h"
#include "common/process/sign_msg.h"
#include "master/certs/cert_pair.h"
#include "master/keys/keystore.h"
#include "master/keys/tickets.h"

/* The pair as two PEM texts. */
struct pem {
	char *crt, *key;
};

static char *text_of(BIO *b)
{
	char *p, *z;
	long n = BIO_get_mem_data(b, &p);

	z = strndup(p, (size_t)n);
	BIO_free(b);
	return z;
}

static struct pem pem_of(const struct cert_pair *p)
{
	const unsigned char *der = (const unsigned char *)p->secret.p;
	EVP_PKEY *key = d2i_AutoPrivateKey(NULL, &der, (long)p->secret.n);
	BIO *crt = BIO_new(BIO_s_mem()), *out = BIO_new(BIO_s_mem());
	struct pem pem;

	assert_non_null(key);
	assert_int_equal(PEM_write_bio_X509(crt, p->leaf), 1);
	assert_int_equal(PEM_write_bio_PrivateKey(out, key, NULL, NULL, 0, NULL, NULL), 1);
	EVP_PKEY_free(key);
	pem.crt = text_of(crt);
	pem.key = text_of(out);
	return pem;
}

static void pem_free(struct pem *p)
{
	free(p->crt);
	free(p->key);
}

static int64_t in_the_middle(const struct cert_pair *p)
{
	return p->not_after - 1000;
}

static void self_signed_is_whole(void **state)
{
	struct cert_pair *p = cert_pair_self_signed();

	assert_non_null(p);
	assert_int_equal(p->n_chain, 1);
	assert_true(cert_pair_covers(p, STR("ingress.local")));
	assert_false(cert_pair_covers(p, STR("other.local")));
	assert_false(cert_pair_covers(p, STR_NONE));
	assert_true(p->secret.n > 0);
	cert_pair_wipe_key(p);
	assert_int_equal(p->secret.n, 0);
	cert_pair_free(p);
}

static void what_is_written_is_read(void **state)
{
	struct cert_pair *made = cert_pair_self_signed(), *p;
	struct pem pem = pem_of(made);
	char why[CERT_WHY_MAX] = "", both[8192];

	p = cert_pair_parse(str_from(pem.crt), str_from(pem.key), in_the_middle(made), why);
	assert_string_equal(why, "");
	assert_non_null(p);
	assert_memory_equal(p->key, made->key, sizeof(p->key));
	assert_true(str_eq(p->chain[0], made->chain[0]));
	assert_int_equal(p->not_after, made->not_after);
	cert_pair_free(p);
	(void)snprintf(both, sizeof(both), "%s\nwords between\n%s", pem.crt, pem.crt);
	p = cert_pair_parse(str_from(both), str_from(pem.key), in_the_middle(made), why);
	assert_non_null(p);
	assert_int_equal(p->n_chain, 2);
	cert_pair_free(p);
	pem_free(&pem);
	cert_pair_free(made);
}

static void refused(struct str crt, struct str key, int64_t now, const char *words)
{
	char why[CERT_WHY_MAX] = "";

	assert_null(cert_pair_parse(crt, key, now, why));
	if (strstr(why, words) == NULL)
		fail_msg("\"%s\" does not say \"%s\"", why, words);
}

static void refusals_say_why(void **state)
{
	struct cert_pair *a = cert_pair_self_signed(), *b = cert_pair_self_signed();
	struct pem pa = pem_of(a), pb = pem_of(b);
	struct str crt = str_from(pa.crt), key = str_from(pa.key);
	int64_t now = in_the_middle(a);

	refused(STR_NONE, key, now, "no PEM certificate");
	refused(STR("garbage"), key, now, "no PEM certificate");
	refused(key, key, now, "no PEM certificate");
	refused(crt, STR_NONE, now, "no PEM private key");
	refused(crt, crt, now, "no PEM private key");
	refused(crt, str_from(pb.key), now, "not the key of the first certificate");
	refused(crt, key, a->not_after + 1, "it expired on");
	refused(crt, key, 1000, "not in force before");
	refused(str_make(crt.p, crt.n / 2), key, now, "no PEM certificate");
	pem_free(&pa);
	pem_free(&pb);
	cert_pair_free(a);
	cert_pair_free(b);
}

/* The keys process knows the key under the name the table gives the certificate. */
static void the_store_takes_it_and_counts_its_uses(void **state)
{
	struct cert_pair *p = cert_pair_self_signed();
	struct keystore *k = keystore_new();
	uint8_t id[SIGN_KEY_ID_LEN], sig[SIGN_SIG_MAX];

	assert_int_equal(keystore_put(k, p->secret, id), 0);
	assert_memory_equal(id, p->key, sizeof(id));
	assert_int_equal(keystore_put(k, p->secret, id), 0);
	assert_int_equal(keystore_count(k), 1);
	assert_true(keystore_sign(k, id, SIGN_ECDSA_SHA256, STR("text"), sig) > 0);
	assert_int_equal(keystore_sign(k, id, SIGN_RSA_PSS_SHA256, STR("text"), sig), -1);
	assert_int_equal(keystore_delete(k, id), 0);
	assert_true(keystore_sign(k, id, SIGN_ECDSA_SHA384, STR("text"), sig) > 0);
	assert_int_equal(keystore_delete(k, id), 0);
	assert_int_equal(keystore_delete(k, id), -1);
	assert_int_equal(keystore_sign(k, id, SIGN_ECDSA_SHA256, STR("text"), sig), -1);
	assert_int_equal(keystore_put(k, STR("no key"), id), -1);
	keystore_free(k);
	cert_pair_free(p);
}

/* A worker that is one rotation behind reads the others' tickets, and they read its. */
static void ticket_keys_overlap(void **state)
{
	struct msg_tickets before, after;

	tickets_make(&before);
	after = before;
	tickets_rotate(&after);
	assert_memory_equal(&after.key[0], &before.key[1], sizeof(after.key[0]));
	assert_memory_equal(&after.key[2], &before.key[0], sizeof(after.key[0]));
	assert_memory_not_equal(&after.key[1], &before.key[2], sizeof(after.key[0]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(self_signed_is_whole),
	    cmocka_unit_test(what_is_written_is_read),
	    cmocka_unit_test(refusals_say_why),
	    cmocka_unit_test(the_store_takes_it_and_counts_its_uses),
	    cmocka_unit_test(ticket_keys_overlap),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
