/*
 * stub_key: a private key that is not here.
 *
 * An OpenSSL 3 provider named "silex" whose keys hold the public part only. libssl takes such a
 * key for a whole one; when it wants a signature the provider calls the sign function, which asks
 * the keys process and suspends the handshake meanwhile (signer.h). So a worker that is taken over
 * can use keys while it lives, and can never carry one away (DESIGN §3).
 * RSA (PKCS#1 v1.5 and PSS), ECDSA and Ed25519; decryption is not offered, so the static-RSA
 * cipher suites of TLS 1.2 cannot work, as it should be.
 */
#ifndef SILEX_WORKER_SIGN_STUB_KEY_H
#define SILEX_WORKER_SIGN_STUB_KEY_H

#include <openssl/evp.h>
#include <stddef.h>
#include <stdint.h>

#include "common/process/sign_alg.h"
#include "common/str.h"

/*
 * Sign tbs with the private key named by id. Called inside an ASYNC job when a handshake asks: it
 * may pause the job. Writes at most SIGN_SIG_MAX bytes; returns their number, or -1.
 */
typedef ptrdiff_t stub_sign_fn(void *arg, const uint8_t id[SIGN_KEY_ID_LEN], enum sign_alg alg,
			       struct str tbs, uint8_t *sig);

/*
 * An OpenSSL library context in which stub keys work: OpenSSL's default provider and ours. SSL_CTX
 * objects that use stub keys are made in it (SSL_CTX_new_ex). sign and arg are used as long as it
 * lives. NULL when OpenSSL refuses. One per process.
 */
OSSL_LIB_CTX *stub_key_context(stub_sign_fn *sign, void *arg);
/* Everything made in it must have been freed. */
void stub_key_context_free(OSSL_LIB_CTX *lib);

/* A stub for the key whose public part is spki (DER SubjectPublicKeyInfo); its id goes to id. NULL
 * for kinds of keys that are not supported, or garbage. EVP_PKEY_free() it. */
EVP_PKEY *stub_key_new(OSSL_LIB_CTX *lib, struct str spki, uint8_t id[SIGN_KEY_ID_LEN]);

#endif
