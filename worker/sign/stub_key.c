/*
 * stub_key: see stub_key.h. Here: the provider's key management. stub_sign.c signs.
 *
 * Everything a key is asked about itself is answered by an ordinary public EVP_PKEY inside; only
 * "have you a private part" is answered with a friendly lie, and exporting one always fails, which
 * makes libcrypto come back to this provider for the signature.
 */
#include "worker/sign/stub_key.h"

#include <openssl/core_dispatch.h>
#include <openssl/core_names.h>
#include <openssl/provider.h>
#include <openssl/sha.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>

#include "common/check.h"
#include "worker/sign/stub_key_int.h"

#define PARAM_SPKI "silex-spki"

/* One per process: the provider's init function has no argument to pass it through. */
static struct stub_provider provider_state;

/* ---- key management ------------------------------------------------------------------ */

static void *key_new(void *provctx)
{
	struct stub_key *k = calloc(1, sizeof(*k));

	if (k != NULL)
		k->provider = provctx;
	return k;
}

static void key_free(void *key)
{
	struct stub_key *k = key;

	if (k == NULL)
		return;
	EVP_PKEY_free(k->pub);
	free(k);
}

static int key_has(const void *key, int selection)
{
	(void)selection;
	return key != NULL && ((const struct stub_key *)key)->pub != NULL;
}

static int key_match(const void *a, const void *b, int selection)
{
	const struct stub_key *ka = a, *kb = b;

	(void)selection;
	return EVP_PKEY_eq(ka->pub, kb->pub) == 1;
}

static int key_import(void *key, int selection, const OSSL_PARAM params[])
{
	struct stub_key *k = key;
	const OSSL_PARAM *p = OSSL_PARAM_locate_const(params, PARAM_SPKI);
	const unsigned char *der;

	(void)selection;
	if (p == NULL || p->data_type != OSSL_PARAM_OCTET_STRING)
		return 0;
	der = p->data;
	k->pub = d2i_PUBKEY(NULL, &der, (long)p->data_size);
	if (k->pub == NULL)
		return 0;
	(void)SHA256(p->data, p->data_size, k->id);
	return 1;
}

static const OSSL_PARAM *key_import_types(int selection)
{
	static const OSSL_PARAM types[] = {OSSL_PARAM_octet_string(PARAM_SPKI, NULL, 0),
					   OSSL_PARAM_END};

	(void)selection;
	return types;
}

/* The public part only: a request that includes the private one fails (see the file's head). */
static int key_export(void *key, int selection, OSSL_CALLBACK *cb, void *arg)
{
	struct stub_key *k = key;
	OSSL_PARAM *params = NULL;
	int ok;

	if ((selection & OSSL_KEYMGMT_SELECT_PRIVATE_KEY) != 0)
		return 0;
	if (EVP_PKEY_todata(k->pub, EVP_PKEY_PUBLIC_KEY, &params) != 1)
		return 0;
	ok = cb(params, arg);
	OSSL_PARAM_free(params);
	return ok;
}

static const OSSL_PARAM *key_export_types(int selection)
{
	static const OSSL_PARAM types[] = {
	    OSSL_PARAM_BN(OSSL_PKEY_PARAM_RSA_N, NULL, 0),
	    OSSL_PARAM_BN(OSSL_PKEY_PARAM_RSA_E, NULL, 0),
	    OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, NULL, 0),
	    OSSL_PARAM_octet_string(OSSL_PKEY_PARAM_PUB_KEY, NULL, 0),
	    OSSL_PARAM_END,
	};

	return (selection & OSSL_KEYMGMT_SELECT_PRIVATE_KEY) != 0 ? NULL : types;
}

static int key_get_params(void *key, OSSL_PARAM params[])
{
	(void)EVP_PKEY_get_params(((struct stub_key *)key)->pub, params);
	return 1; /* what the inner key does not know stays unset */
}

static const OSSL_PARAM *key_gettable(void *provctx)
{
	static const OSSL_PARAM types[] = {
	    OSSL_PARAM_int(OSSL_PKEY_PARAM_BITS, NULL),
	    OSSL_PARAM_int(OSSL_PKEY_PARAM_SECURITY_BITS, NULL),
	    OSSL_PARAM_int(OSSL_PKEY_PARAM_MAX_SIZE, NULL),
	    OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_DEFAULT_DIGEST, NULL, 0),
	    OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_MANDATORY_DIGEST, NULL, 0),
	    OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, NULL, 0),
	    OSSL_PARAM_END,
	};

	(void)provctx;
	return types;
}

static const char *ec_operation(int operation)
{
	return operation == OSSL_OP_SIGNATURE ? "ECDSA" : NULL;
}

#define FN(f) ((void (*)(void))(f))
#define KEY_FUNCTIONS                                                                       \
	{OSSL_FUNC_KEYMGMT_NEW, FN(key_new)}, {OSSL_FUNC_KEYMGMT_FREE, FN(key_free)},       \
	    {OSSL_FUNC_KEYMGMT_HAS, FN(key_has)}, {OSSL_FUNC_KEYMGMT_MATCH, FN(key_match)}, \
	    {OSSL_FUNC_KEYMGMT_IMPORT, FN(key_import)},                                     \
	    {OSSL_FUNC_KEYMGMT_IMPORT_TYPES, FN(key_import_types)},                         \
	    {OSSL_FUNC_KEYMGMT_EXPORT, FN(key_export)},                                     \
	    {OSSL_FUNC_KEYMGMT_EXPORT_TYPES, FN(key_export_types)},                         \
	    {OSSL_FUNC_KEYMGMT_GET_PARAMS, FN(key_get_params)},                             \
	{                                                                                   \
		OSSL_FUNC_KEYMGMT_GETTABLE_PARAMS, FN(key_gettable)                         \
	}

static const OSSL_DISPATCH key_functions[] = {KEY_FUNCTIONS, {0, NULL}};
static const OSSL_DISPATCH ec_key_functions[] = {
    KEY_FUNCTIONS, {OSSL_FUNC_KEYMGMT_QUERY_OPERATION_NAME, FN(ec_operation)}, {0, NULL}};

static const OSSL_ALGORITHM key_algorithms[] = {
    {"RSA:rsaEncryption:1.2.840.113549.1.1.1", "provider=silex", key_functions, NULL},
    {"EC:id-ecPublicKey:1.2.840.10045.2.1", "provider=silex", ec_key_functions, NULL},
    {"ED25519:1.3.101.112", "provider=silex", key_functions, NULL},
    {NULL, NULL, NULL, NULL},
};

/* ---- the provider -------------------------------------------------------------------- */

static const OSSL_ALGORITHM *query(void *provctx, int operation, int *no_cache)
{
	(void)provctx;
	*no_cache = 0;
	switch (operation) {
	case OSSL_OP_KEYMGMT:
		return key_algorithms;
	case OSSL_OP_SIGNATURE:
		return stub_sign_algorithms;
	default:
		return NULL;
	}
}

static int provider_init(const OSSL_CORE_HANDLE *handle, const OSSL_DISPATCH *in,
			 const OSSL_DISPATCH **out, void **provctx)
{
	static const OSSL_DISPATCH functions[] = {
	    {OSSL_FUNC_PROVIDER_QUERY_OPERATION, FN(query)},
	    {0, NULL},
	};

	(void)handle;
	(void)in;
	*out = functions;
	*provctx = &provider_state;
	return 1;
}

static bool load_providers(OSSL_LIB_CTX *lib, struct stub_provider *p)
{
	p->base = OSSL_PROVIDER_load(lib, "default");
	if (p->base == NULL || OSSL_PROVIDER_add_builtin(lib, "silex", provider_init) != 1)
		return false;
	p->own = OSSL_PROVIDER_load(lib, "silex");
	/* "?": everything else is fetched from OpenSSL itself, yet our own can be reached. */
	return p->own != NULL && EVP_set_default_properties(lib, "?provider=default") == 1;
}

OSSL_LIB_CTX *stub_key_context(stub_sign_fn *sign, void *arg)
{
	OSSL_LIB_CTX *lib;

	CHECK(provider_state.sign == NULL);
	provider_state = (struct stub_provider){.sign = sign, .arg = arg};
	lib = OSSL_LIB_CTX_new();
	if (lib == NULL || !load_providers(lib, &provider_state)) {
		stub_key_context_free(lib);
		return NULL;
	}
	return lib;
}

void stub_key_context_free(OSSL_LIB_CTX *lib)
{
	if (provider_state.own != NULL)
		(void)OSSL_PROVIDER_unload(provider_state.own);
	if (provider_state.base != NULL)
		(void)OSSL_PROVIDER_unload(provider_state.base);
	provider_state = (struct stub_provider){0};
	OSSL_LIB_CTX_free(lib);
}

static const char *type_of(struct str spki)
{
	const unsigned char *der = (const unsigned char *)spki.p;
	EVP_PKEY *pub = d2i_PUBKEY(NULL, &der, (long)spki.n);
	int id = pub == NULL ? EVP_PKEY_NONE : EVP_PKEY_get_base_id(pub);

	EVP_PKEY_free(pub);
	switch (id) {
	case EVP_PKEY_RSA:
		return "RSA";
	case EVP_PKEY_EC:
		return "EC";
	case EVP_PKEY_ED25519:
		return "ED25519";
	default:
		return NULL;
	}
}

EVP_PKEY *stub_key_new(OSSL_LIB_CTX *lib, struct str spki, uint8_t id[SIGN_KEY_ID_LEN])
{
	const char *type = type_of(spki);
	EVP_PKEY_CTX *ctx;
	EVP_PKEY *key = NULL;
	OSSL_PARAM params[2] = {
	    OSSL_PARAM_construct_octet_string(PARAM_SPKI, (void *)(uintptr_t)spki.p, spki.n),
	    OSSL_PARAM_construct_end(),
	};

	if (type == NULL)
		return NULL;
	ctx = EVP_PKEY_CTX_new_from_name(lib, type, "provider=silex");
	if (ctx != NULL && EVP_PKEY_fromdata_init(ctx) == 1)
		(void)EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_KEYPAIR, params);
	EVP_PKEY_CTX_free(ctx);
	(void)SHA256((const unsigned char *)spki.p, spki.n, id);
	return key;
}
