/* Certificates from PEM: what is taken, and in which words the rest is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/sha.h>
#include <openssl/x509v3.h>
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
	X509 *leaf = cert_pair_leaf(p);
	struct pem pem;

	assert_non_null(key);
	assert_int_equal(PEM_write_bio_X509(crt, leaf), 1);
	X509_free(leaf);
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
	refused(str_make(crt.p, crt.n / 2), key, now, "damaged behind its first 0 certificates");
	pem_free(&pa);
	pem_free(&pb);
	cert_pair_free(a);
	cert_pair_free(b);
}

/* --- Secrets as people write them ----------------------------------------------------------- */

/* A text put together from parts. */
static char *join(const char *a, const char *b, const char *c)
{
	size_t n = strlen(a) + strlen(b) + strlen(c) + 1;
	char *s = malloc(n);

	assert_non_null(s);
	(void)snprintf(s, n, "%s%s%s", a, b, c);
	return s;
}

static char *with_crlf(const char *text)
{
	char *s = calloc(2, strlen(text) + 1), *to = s;

	for (; *text != '\0'; text++) {
		if (*text == '\n')
			*to++ = '\r';
		*to++ = *text;
	}
	return s;
}

static void taken(const char *crt, const char *key, const struct cert_pair *made, uint32_t n_chain)
{
	char why[CERT_WHY_MAX] = "";
	struct cert_pair *p =
	    cert_pair_parse(str_from(crt), str_from(key), in_the_middle(made), why);

	if (p == NULL)
		fail_msg("refused: %s", why);
	assert_memory_equal(p->key, made->key, sizeof(p->key));
	assert_true(str_eq(p->chain[0], made->chain[0]));
	assert_memory_equal(p->key, made->key, sizeof(p->key));
	assert_int_equal(p->n_chain, n_chain);
	cert_pair_free(p);
}

static void line_ends_and_words_do_not_matter(void **state)
{
	struct cert_pair *a = cert_pair_self_signed();
	struct pem pa = pem_of(a);
	char *crt = with_crlf(pa.crt), *key = with_crlf(pa.key);
	char *words = join("Bag Attributes\n    friendlyName: x\n", pa.crt, "\n# the end");
	char *cut = strndup(pa.key, strlen(pa.key) - 1); /* no newline at its end */

	taken(crt, key, a, 1);
	taken(words, pa.key, a, 1);
	taken(pa.crt, cut, a, 1);
	free(crt);
	free(key);
	free(words);
	free(cut);
	pem_free(&pa);
	cert_pair_free(a);
}

/* What `openssl ecparam -genkey` writes in front of the key. */
#define EC_PARAMETERS                     \
	"-----BEGIN EC PARAMETERS-----\n" \
	"BggqhkjOPQMBBw==\n"              \
	"-----END EC PARAMETERS-----\n"

static void one_of_several_keys_fits(void **state)
{
	struct cert_pair *a = cert_pair_self_signed(), *b = cert_pair_self_signed();
	struct pem pa = pem_of(a), pb = pem_of(b);
	char *parameters = join(EC_PARAMETERS, pa.key, "");
	char *keys = join(pb.key, pa.key, ""), *bundle = join(pa.key, pa.crt, "");

	taken(pa.crt, parameters, a, 1);
	taken(pa.crt, keys, a, 1);
	taken(bundle, bundle, a, 1); /* everything in both */
	refused(str_from(pa.crt), STR(EC_PARAMETERS), in_the_middle(a), "no PEM private key");
	refused(str_from(bundle), str_from(pb.key), in_the_middle(a), "not the key of the first");
	free(parameters);
	free(keys);
	free(bundle);
	pem_free(&pa);
	pem_free(&pb);
	cert_pair_free(a);
	cert_pair_free(b);
}

static void a_chain_in_the_wrong_order(void **state)
{
	struct cert_pair *a = cert_pair_self_signed(), *b = cert_pair_self_signed();
	struct pem pa = pem_of(a), pb = pem_of(b);
	char *wrong = join(pb.crt, pa.crt, ""), *right = join(pa.crt, pb.crt, "");

	refused(str_from(wrong), str_from(pa.key), in_the_middle(a),
		"the key of certificate number 2 in tls.crt: put that one, the server's, first");
	taken(right, pa.key, a, 2);
	free(wrong);
	free(right);
	pem_free(&pa);
	pem_free(&pb);
	cert_pair_free(a);
	cert_pair_free(b);
}

/* In both forms: PKCS#8, and the old one with its header. */
static void encrypted_keys(void **state)
{
	struct cert_pair *a = cert_pair_self_signed();
	struct pem pa = pem_of(a);
	const unsigned char *der = (const unsigned char *)a->secret.p;
	EVP_PKEY *key = d2i_AutoPrivateKey(NULL, &der, (long)a->secret.n);
	unsigned char word[] = "word";

	for (int old = 0; old < 2; old++) {
		BIO *out = BIO_new(BIO_s_mem());
		char *text;

		assert_int_equal(old ? PEM_write_bio_PrivateKey_traditional(
					   out, key, EVP_aes_128_cbc(), word, 4, NULL, NULL)
				     : PEM_write_bio_PrivateKey(out, key, EVP_aes_128_cbc(), word,
								4, NULL, NULL),
				 1);
		text = text_of(out);
		refused(str_from(pa.crt), str_from(text), in_the_middle(a), "tls.key is encrypted");
		free(text);
	}
	EVP_PKEY_free(key);
	pem_free(&pa);
	cert_pair_free(a);
}

static void what_is_damaged_is_not_left_out(void **state)
{
	struct cert_pair *a = cert_pair_self_signed(), *b = cert_pair_self_signed();
	struct pem pa = pem_of(a), pb = pem_of(b);
	char *half = strndup(pb.crt, strlen(pb.crt) / 2), *chain = join(pa.crt, half, "");
	char *key = strndup(pa.key, strlen(pa.key) / 2), *bad;
	int64_t now = in_the_middle(a);

	refused(str_from(chain), str_from(pa.key), now, "damaged behind its first 1 certificates");
	refused(str_from(pa.crt), str_from(key), now, "tls.key is damaged");
	free(chain);
	chain = join(pa.crt, pa.crt, pb.crt);
	bad = strstr(chain + 2 * strlen(pa.crt), "MII");
	bad[2] = 'J'; /* the length of it all: still base64, no certificate any more */
	refused(str_from(chain), str_from(pa.key), now,
		"certificate number 3 in tls.crt is damaged");
	free(half);
	free(chain);
	free(key);
	pem_free(&pa);
	pem_free(&pb);
	cert_pair_free(a);
	cert_pair_free(b);
}

/* A self-signed certificate for the key of p, with a comment of n bytes in it. */
static char *large_certificate(const struct cert_pair *p, size_t n)
{
	const unsigned char *der = (const unsigned char *)p->secret.p;
	EVP_PKEY *key = d2i_AutoPrivateKey(NULL, &der, (long)p->secret.n);
	char *comment = calloc(1, n + 1);
	BIO *out = BIO_new(BIO_s_mem());
	X509 *x = cert_pair_leaf(p);
	X509_EXTENSION *e;

	memset(comment, 'x', n);
	e = X509V3_EXT_conf_nid(NULL, NULL, NID_netscape_comment, comment);
	assert_non_null(e);
	assert_int_equal(X509_add_ext(x, e, -1), 1);
	assert_true(X509_sign(x, key, EVP_sha256()) > 0);
	assert_int_equal(PEM_write_bio_X509(out, x), 1);
	X509_EXTENSION_free(e);
	X509_free(x);
	EVP_PKEY_free(key);
	free(comment);
	return text_of(out);
}

static void chains_that_are_too_long(void **state)
{
	struct cert_pair *a = cert_pair_self_signed();
	struct pem pa = pem_of(a);
	char *large = large_certificate(a, 100 << 10), *some = large_certificate(a, 20 << 10);
	char *four = join(some, some, some), *text = NULL, *more;
	int64_t now = in_the_middle(a);

	refused(str_from(large), str_from(pa.key), now, "more than 65536 bytes");
	more = join(pa.crt, four, some);
	refused(str_from(more), str_from(pa.key), now, "more than 65536 bytes");
	free(more);
	more = join(pa.crt, four, "");
	taken(more, pa.key, a, 4);
	for (int i = 0; i < CERT_CHAIN_MAX + 1; i++) {
		free(more);
		more = join(text == NULL ? "" : text, pa.crt, "");
		if (i == CERT_CHAIN_MAX - 1)
			taken(more, pa.key, a, CERT_CHAIN_MAX);
		free(text);
		text = strdup(more);
	}
	refused(str_from(more), str_from(pa.key), now, "more than 16 certificates");
	free(large);
	free(some);
	free(four);
	free(text);
	free(more);
	pem_free(&pa);
	cert_pair_free(a);
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
	    cmocka_unit_test(line_ends_and_words_do_not_matter),
	    cmocka_unit_test(one_of_several_keys_fits),
	    cmocka_unit_test(a_chain_in_the_wrong_order),
	    cmocka_unit_test(encrypted_keys),
	    cmocka_unit_test(what_is_damaged_is_not_left_out),
	    cmocka_unit_test(chains_that_are_too_long),
	    cmocka_unit_test(the_store_takes_it_and_counts_its_uses),
	    cmocka_unit_test(ticket_keys_overlap),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
