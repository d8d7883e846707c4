/* stub_key_int: what key management and signing of the provider share. */
#ifndef SILEX_WORKER_SIGN_STUB_KEY_INT_H
#define SILEX_WORKER_SIGN_STUB_KEY_INT_H

#include "worker/sign/stub_key.h"

struct stub_provider {
	stub_sign_fn *sign;
	void *arg;
	OSSL_PROVIDER *base, *own; /* as loaded, to be unloaded */
};

struct stub_key {
	struct stub_provider *provider;
	EVP_PKEY *pub; /* in OpenSSL's default provider */
	uint8_t id[SIGN_KEY_ID_LEN];
};

extern const OSSL_ALGORITHM stub_sign_algorithms[];

#endif
