/*
 * key_read: private keys from DER, without what OpenSSL 3 spends on each.
 *
 * d2i_AutoPrivateKey() gathers every decoder of every provider anew for each key, which takes
 * fifteen times as long as decoding (0.47 ms against 0.03 ms, 3.0). Here they are gathered once in
 * the life of the process, for every kind of key; thousands of Secrets are read at a start.
 */
#ifndef SILEX_MASTER_KEYS_KEY_READ_H
#define SILEX_MASTER_KEYS_KEY_READ_H

#include <openssl/evp.h>

#include "common/str.h"

/* PKCS#8 without a passphrase, or the key's own form (RSA, EC). The caller's, NULL: no key. Leaves
 * no error behind. */
EVP_PKEY *key_read(struct str der);

#endif
