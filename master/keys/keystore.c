/* keystore: see keystore.h. */
#include "master/keys/keystore.h"

#include <bsd/sys/queue.h>
#include <bsd/sys/tree.h>
#include <errno.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/sha.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>

#include "master/keys/key_read.h"

struct key {
	RB_ENTRY(key) link;
	TAILQ_ENTRY(key) by_use; /* while it is parsed; most recent first */
	uint8_t id[SIGN_KEY_ID_LEN];
	uint32_t uses;
	uint32_t der_n;
	const uint8_t *der; /* in the vault */
	EVP_PKEY *pkey;     /* freeing it wipes the private numbers; NULL: not parsed */
};

static int key_cmp(const struct key *a, const struct key *b)
{
	return memcmp(a->id, b->id, sizeof(a->id));
}

RB_HEAD(key_tree, key);
RB_GENERATE_INTERNAL(key_tree, key, link, key_cmp, static __attribute__((unused)))

struct keystore {
	struct key_tree keys;
	TAILQ_HEAD(key_list, key) parsed;
	struct vault *vault;
	size_t n, n_parsed;
};

struct keystore *keystore_new(void)
{
	struct keystore *k = calloc(1, sizeof(*k));

	if (k == NULL)
		return NULL;
	RB_INIT(&k->keys);
	TAILQ_INIT(&k->parsed);
	k->vault = vault_new();
	if (k->vault == NULL) {
		free(k);
		return NULL;
	}
	return k;
}

static struct key *find(struct keystore *k, const uint8_t id[SIGN_KEY_ID_LEN])
{
	struct key want;

	memcpy(want.id, id, sizeof(want.id));
	return RB_FIND(key_tree, &k->keys, &want);
}

/* --- parsed keys ---------------------------------------------------------------------------- */

static void forget_parsed(struct keystore *k, struct key *key)
{
	if (key->pkey == NULL)
		return;
	TAILQ_REMOVE(&k->parsed, key, by_use);
	EVP_PKEY_free(key->pkey);
	key->pkey = NULL;
	k->n_parsed--;
}

/* It has been asked for; pkey, of a key that was not parsed, is taken over. */
static void keep_parsed(struct keystore *k, struct key *key, EVP_PKEY *pkey)
{
	if (key->pkey != NULL)
		TAILQ_REMOVE(&k->parsed, key, by_use);
	else
		k->n_parsed++;
	key->pkey = pkey;
	TAILQ_INSERT_HEAD(&k->parsed, key, by_use);
	if (k->n_parsed > KEYSTORE_PARSED_MAX)
		forget_parsed(k, TAILQ_LAST(&k->parsed, key_list));
}

/* NULL: out of memory. */
static EVP_PKEY *parsed(struct keystore *k, struct key *key)
{
	EVP_PKEY *pkey = key->pkey;

	if (pkey == NULL)
		pkey = key_read(str_make((const char *)key->der, key->der_n));
	if (pkey != NULL)
		keep_parsed(k, key, pkey);
	return pkey;
}

/* --- in and out ----------------------------------------------------------------------------- */

static void drop(struct keystore *k, struct key *key)
{
	RB_REMOVE(key_tree, &k->keys, key);
	forget_parsed(k, key);
	vault_drop(k->vault, key->der, key->der_n);
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
	vault_free(k->vault);
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

/* The id of a key that can be used. */
static bool examine(struct str der, uint8_t id[SIGN_KEY_ID_LEN])
{
	EVP_PKEY *pkey = der.n == 0 || der.n > KEY_DER_MAX ? NULL : key_read(der);
	bool ok = pkey != NULL && usable(pkey) && make_id(pkey, id);

	EVP_PKEY_free(pkey);
	ERR_clear_error();
	return ok;
}

static int add(struct keystore *k, struct str der, const uint8_t id[SIGN_KEY_ID_LEN])
{
	struct key *key = calloc(1, sizeof(*key));

	if (key == NULL)
		return -1;
	key->der = vault_put(k->vault, der);
	if (key->der == NULL) {
		free(key);
		return -1;
	}
	key->der_n = (uint32_t)der.n;
	memcpy(key->id, id, sizeof(key->id));
	key->uses = 1;
	RB_INSERT(key_tree, &k->keys, key);
	k->n++;
	return 0;
}

int keystore_put(struct keystore *k, struct str der, uint8_t id[SIGN_KEY_ID_LEN])
{
	struct key *key;

	if (!examine(der, id)) {
		errno = EINVAL;
		return -1;
	}
	key = find(k, id);
	if (key == NULL)
		return add(k, der, id);
	key->uses++;
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
	EVP_PKEY *pkey = key == NULL ? NULL : parsed(k, key);
	EVP_PKEY_CTX *pctx = NULL;
	size_t n = SIGN_SIG_MAX;
	EVP_MD_CTX *md;
	bool ok;

	if (pkey == NULL || EVP_PKEY_get_base_id(pkey) != kind_of(alg))
		return -1;
	md = EVP_MD_CTX_new();
	ok = md != NULL && EVP_DigestSignInit(md, &pctx, digest_of(alg), NULL, pkey) == 1 &&
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

size_t keystore_parsed(const struct keystore *k)
{
	return k->n_parsed;
}

struct vault_stats keystore_memory(const struct keystore *k)
{
	return vault_stats(k->vault);
}
