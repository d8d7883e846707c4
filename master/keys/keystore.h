/*
 * keystore: the private keys, by the SHA-256 of their public part. Only the keys process has one.
 *
 * A key is checked when it comes (it parses, is of a kind TLS can use, fits itself) and is asked
 * for nothing but signatures of the schemes that fit its kind. It is kept as DER in the vault
 * (vault.h) and parsed when it is asked for; the parsed ones of those asked for last are kept,
 * KEYSTORE_PARSED_MAX of them, so that 10,000 certificates cost the bytes of their keys.
 */
#ifndef SILEX_MASTER_KEYS_KEYSTORE_H
#define SILEX_MASTER_KEYS_KEYSTORE_H

#include <stdint.h>

#include "common/process/sign_alg.h"
#include "common/str.h"
#include "master/keys/vault.h"

#define KEYSTORE_PARSED_MAX 256

struct keystore;

struct keystore *keystore_new(void); /* NULL with errno ENOMEM */
void keystore_free(struct keystore *k);

/* Take a PKCS#8 (or traditional) private key in DER; putting one twice counts its uses. Its id goes
 * to id. 0, or -1 for what is no usable key. */
int keystore_put(struct keystore *k, struct str der, uint8_t id[SIGN_KEY_ID_LEN]);
/* One use less; the last one wipes it. -1 when there is none. */
int keystore_delete(struct keystore *k, const uint8_t id[SIGN_KEY_ID_LEN]);
/* Bytes of the signature, at most SIGN_SIG_MAX, or -1: no such key, or not its scheme. */
ptrdiff_t keystore_sign(struct keystore *k, const uint8_t id[SIGN_KEY_ID_LEN], enum sign_alg alg,
			struct str tbs, uint8_t *sig);
size_t keystore_count(const struct keystore *k);
/* Of those, how many are parsed at the moment. */
size_t keystore_parsed(const struct keystore *k);
struct vault_stats keystore_memory(const struct keystore *k);

#endif
