/*
 * stub_sign: the signature operations of the provider (stub_key.h).
 *
 * libssl signs in one call of EVP_DigestSign(); what is to be signed goes to the keys process as
 * it is, together with the scheme, so that the digest too is made where the key lives and a worker
 * cannot ask for a signature of a digest of its choosing.
 */
#include <openssl/core_dispatch.h>
#include <openssl/core_names.h>
#include <openssl/rsa.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "worker/sign/stub_key_int.h"

struct sign_ctx {
	struct stub_provider *provider;
	struct stub_key *key; /* borrowed: the EVP_PKEY outlives its operations */
	int digest_bits;      /* 0: none (Ed25519) */
	bool pss;
};

static void *sign_new(void *provctx, const char *propq)
{
	struct sign_ctx *c = calloc(1, sizeof(*c));

	(void)propq;
	if (c != NULL)
		c->provider = provctx;
	return c;
}

static void sign_free(void *ctx)
{
	free(ctx);
}

static void *sign_dup(void *ctx)
{
	struct sign_ctx *c = malloc(sizeof(*c));

	if (c != NULL)
		*c = *(struct sign_ctx *)ctx;
	return c;
}

static int digest_bits(const char *name)
{
	static const struct {
		const char *name;
		int bits;
	} known[] = {
	    {"SHA256", 256}, {"SHA2-256", 256}, {"SHA-256", 256},
	    {"SHA384", 384}, {"SHA2-384", 384}, {"SHA-384", 384},
	    {"SHA512", 512}, {"SHA2-512", 512}, {"SHA-512", 512},
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (strcasecmp(name, known[i].name) == 0)
			return known[i].bits;
	return -1;
}

/* The padding may come as a number or as a word. */
static int set_padding(struct sign_ctx *c, const OSSL_PARAM *p)
{
	int mode = 0;

	if (p->data_type == OSSL_PARAM_UTF8_STRING)
		mode = strcasecmp(p->data, OSSL_PKEY_RSA_PAD_MODE_PSS) == 0 ? RSA_PKCS1_PSS_PADDING
		       : strcasecmp(p->data, OSSL_PKEY_RSA_PAD_MODE_PKCSV15) == 0
			   ? RSA_PKCS1_PADDING
			   : -1;
	else if (OSSL_PARAM_get_int(p, &mode) != 1)
		return 0;
	if (mode != RSA_PKCS1_PSS_PADDING && mode != RSA_PKCS1_PADDING)
		return 0;
	c->pss = mode == RSA_PKCS1_PSS_PADDING;
	return 1;
}

/* The salt is always as long as the digest, the only length that TLS knows. */
static int sign_set_params(void *ctx, const OSSL_PARAM params[])
{
	const OSSL_PARAM *p;

	if (params == NULL)
		return 1;
	p = OSSL_PARAM_locate_const(params, OSSL_SIGNATURE_PARAM_PAD_MODE);
	return p == NULL || set_padding(ctx, p);
}

static const OSSL_PARAM *sign_settable(void *ctx, void *provctx)
{
	static const OSSL_PARAM types[] = {
	    OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_PAD_MODE, NULL, 0),
	    OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_PSS_SALTLEN, NULL, 0),
	    OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_MGF1_DIGEST, NULL, 0),
	    OSSL_PARAM_END,
	};

	(void)ctx;
	(void)provctx;
	return types;
}

static int sign_init(void *ctx, const char *digest, void *key, const OSSL_PARAM params[])
{
	struct sign_ctx *c = ctx;

	if (key != NULL)
		c->key = key;
	c->pss = false;
	c->digest_bits = digest == NULL || *digest == '\0' ? 0 : digest_bits(digest);
	return c->key != NULL && c->digest_bits >= 0 && sign_set_params(c, params);
}

static enum sign_alg by_digest(int bits, enum sign_alg s256, enum sign_alg s384, enum sign_alg s512)
{
	return bits == 256 ? s256 : bits == 384 ? s384 : bits == 512 ? s512 : SIGN_NONE;
}

static enum sign_alg algorithm(const struct sign_ctx *c)
{
	switch (EVP_PKEY_get_base_id(c->key->pub)) {
	case EVP_PKEY_ED25519:
		return c->digest_bits == 0 ? SIGN_ED25519 : SIGN_NONE;
	case EVP_PKEY_EC:
		return by_digest(c->digest_bits, SIGN_ECDSA_SHA256, SIGN_ECDSA_SHA384,
				 SIGN_ECDSA_SHA512);
	case EVP_PKEY_RSA:
		if (c->pss)
			return by_digest(c->digest_bits, SIGN_RSA_PSS_SHA256, SIGN_RSA_PSS_SHA384,
					 SIGN_RSA_PSS_SHA512);
		return by_digest(c->digest_bits, SIGN_RSA_PKCS1_SHA256, SIGN_RSA_PKCS1_SHA384,
				 SIGN_RSA_PKCS1_SHA512);
	default:
		return SIGN_NONE;
	}
}

/* sig NULL: only how long it may become. */
static int sign_whole(void *ctx, unsigned char *sig, size_t *sig_n, size_t sig_cap,
		      const unsigned char *tbs, size_t tbs_n)
{
	struct sign_ctx *c = ctx;
	uint8_t made[SIGN_SIG_MAX];
	ptrdiff_t n;

	if (sig == NULL) {
		*sig_n = (size_t)EVP_PKEY_get_size(c->key->pub);
		return 1;
	}
	if (tbs_n > SIGN_TBS_MAX || algorithm(c) == SIGN_NONE)
		return 0;
	n = c->provider->sign(c->provider->arg, c->key->id, algorithm(c),
			      str_make((const char *)tbs, tbs_n), made);
	if (n <= 0 || (size_t)n > sig_cap)
		return 0;
	memcpy(sig, made, (size_t)n);
	*sig_n = (size_t)n;
	return 1;
}

#define FN(f) ((void (*)(void))(f))
static const OSSL_DISPATCH sign_functions[] = {
    {OSSL_FUNC_SIGNATURE_NEWCTX, FN(sign_new)},
    {OSSL_FUNC_SIGNATURE_FREECTX, FN(sign_free)},
    {OSSL_FUNC_SIGNATURE_DUPCTX, FN(sign_dup)},
    {OSSL_FUNC_SIGNATURE_DIGEST_SIGN_INIT, FN(sign_init)},
    {OSSL_FUNC_SIGNATURE_DIGEST_SIGN, FN(sign_whole)},
    {OSSL_FUNC_SIGNATURE_SET_CTX_PARAMS, FN(sign_set_params)},
    {OSSL_FUNC_SIGNATURE_SETTABLE_CTX_PARAMS, FN(sign_settable)},
    {0, NULL},
};

const OSSL_ALGORITHM stub_sign_algorithms[] = {
    {"RSA:rsaEncryption", "provider=silex", sign_functions, NULL},
    {"ECDSA", "provider=silex", sign_functions, NULL},
    {"ED25519", "provider=silex", sign_functions, NULL},
    {NULL, NULL, NULL, NULL},
};
