/* keystore: see keystore.h. */
#include "master/keys/keystore.h"

#include <bsd/sys/tree.h>
#include <errno.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/sha.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>

struct key {
	RB_ENTRY(key) link;
	uint8_t id[SIGN_KEY_ID_LEN];
	EVP_PKEY *pkey; /* freeing it wipes the private numbers */
	uint32_t uses;
};

static int key_cmp(const struct key *a, const struct key *b)
{
	return memcmp(a->id, b->id, sizeof(a->id));
}

RB_HEAD(key_tree, key);
RB_GENERATE_INTERNAL(key_tree, key, link, key_cmp, static __attribute__((unused)))

struct keystore {
	struct key_tree keys;
	size_t n;
};

struct keystore *keystore_new(void)
{
	struct keystore *k = calloc(1, sizeof(*k));

	if (k != NULL)
		RB_INIT(&k->keys);
	return k;
}

static struct key *find(struct keystore *k, const uint8_t id[SIGN_KEY_ID_LEN])
{
	struct key want;

	memcpy(want.id, id, sizeof(want.id));
	return RB_FIND(key_tree, &k->keys, &want);
}

static void drop(struct keystore *k, struct key *key)
{
	RB_REMOVE(key_tree, &k->keys, key);
	EVP_PKEY_free(key->pkey);
	free(key);
	k->n--;
}

void keystore_free(struct keystore *k)
{
	struct key *key;

	if (k == NULL)
		return;
	while ((key = RB_MIN(key_tree, &k->keys)) != NULL)
		drop(k, key);
	free(k);
}

static bool usable(EVP_PKEY *pkey)
{
	switch (EVP_PKEY_get_base_id(pkey)) {
	case EVP_PKEY_RSA:
		return EVP_PKEY_get_bits(pkey) >= 1024 && EVP_PKEY_get_size(pkey) <= SIGN_SIG_MAX;
	case EVP_PKEY_EC:
	case EVP_PKEY_ED25519:
		return true;
	default:
		return false;
	}
}

static bool make_id(EVP_PKEY *pkey, uint8_t id[SIGN_KEY_ID_LEN])
{
	unsigned char *spki = NULL;
	int n = i2d_PUBKEY(pkey, &spki);

	if (n <= 0)
		return false;
	(void)SHA256(spki, (size_t)n, id);
	OPENSSL_free(spki);
	return true;
}

int keystore_put(struct keystore *k, struct str der, uint8_t id[SIGN_KEY_ID_LEN])
{
	const unsigned char *p = (const unsigned char *)der.p;
	EVP_PKEY *pkey = d2i_AutoPrivateKey(NULL, &p, (long)der.n);
	struct key *key;

	if (pkey == NULL || !usable(pkey) || !make_id(pkey, id)) {
		EVP_PKEY_free(pkey);
		ERR_clear_error();
		errno = EINVAL;
		return -1;
	}
	key = find(k, id);
	if (key != NULL) {
		key->uses++;
		EVP_PKEY_free(pkey);
		return 0;
	}
	key = calloc(1, sizeof(*key));
	if (key == NULL) {
		EVP_PKEY_free(pkey);
		return -1;
	}
	memcpy(key->id, id, sizeof(key->id));
	key->pkey = pkey;
	key->uses = 1;
	RB_INSERT(key_tree, &k->keys, key);
	k->n++;
	return 0;
}

int keystore_delete(struct keystore *k, const uint8_t id[SIGN_KEY_ID_LEN])
{
	struct key *key = find(k, id);

	if (key == NULL)
		return -1;
	if (--key->uses == 0)
		drop(k, key);
	return 0;
}

static const EVP_MD *digest_of(enum sign_alg alg)
{
	switch (alg) {
	case SIGN_RSA_PKCS1_SHA256:
	case SIGN_ECDSA_SHA256:
	case SIGN_RSA_PSS_SHA256:
		return EVP_sha256();
	case SIGN_RSA_PKCS1_SHA384:
	case SIGN_ECDSA_SHA384:
	case SIGN_RSA_PSS_SHA384:
		return EVP_sha384();
	case SIGN_RSA_PKCS1_SHA512:
	case SIGN_ECDSA_SHA512:
	case SIGN_RSA_PSS_SHA512:
		return EVP_sha512();
	default:
		return NULL;
	}
}

static bool is_pss(enum sign_alg alg)
{
	return alg == SIGN_RSA_PSS_SHA256 || alg == SIGN_RSA_PSS_SHA384 ||
	       alg == SIGN_RSA_PSS_SHA512;
}

static int kind_of(enum sign_alg alg)
{
	switch (alg) {
	case SIGN_ED25519:
		return EVP_PKEY_ED25519;
	case SIGN_ECDSA_SHA256:
	case SIGN_ECDSA_SHA384:
	case SIGN_ECDSA_SHA512:
		return EVP_PKEY_EC;
	default:
		return digest_of(alg) == NULL ? EVP_PKEY_NONE : EVP_PKEY_RSA;
	}
}

static bool set_pss(EVP_PKEY_CTX *ctx)
{
	return EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PSS_PADDING) == 1 &&
	       EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, RSA_PSS_SALTLEN_DIGEST) == 1;
}

ptrdiff_t keystore_sign(struct keystore *k, const uint8_t id[SIGN_KEY_ID_LEN], enum sign_alg alg,
			struct str tbs, uint8_t *sig)
{
	struct key *key = find(k, id);
	EVP_PKEY_CTX *pctx = NULL;
	size_t n = SIGN_SIG_MAX;
	EVP_MD_CTX *md;
	bool ok;

	if (key == NULL || EVP_PKEY_get_base_id(key->pkey) != kind_of(alg))
		return -1;
	md = EVP_MD_CTX_new();
	ok = md != NULL && EVP_DigestSignInit(md, &pctx, digest_of(alg), NULL, key->pkey) == 1 &&
	     (!is_pss(alg) || set_pss(pctx)) &&
	     EVP_DigestSign(md, sig, &n, (const unsigned char *)tbs.p, tbs.n) == 1;
	EVP_MD_CTX_free(md);
	if (!ok)
		ERR_clear_error();
	return ok ? (ptrdiff_t)n : -1;
}

size_t keystore_count(const struct keystore *k)
{
	return k->n;
}
