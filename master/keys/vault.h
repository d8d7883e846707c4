/*
 * vault: private keys at rest, in memory that is locked as far as this process may lock memory.
 *
 * A key that nobody asks for is its DER here and nothing else: some 150 bytes of ECDSA, where a
 * parsed one takes 2 KB. Pieces lie in blocks of VAULT_BLOCK bytes, each locked (mlock(2)) and left
 * out of dumps when it is mapped, so that what counts against RLIMIT_MEMLOCK is the keys' bytes;
 * where not even that is allowed the keys are kept all the same, and the bytes counted.
 */
#ifndef SILEX_MASTER_KEYS_VAULT_H
#define SILEX_MASTER_KEYS_VAULT_H

#include <stddef.h>
#include <stdint.h>

#include "common/process/sign_msg.h"
#include "common/str.h"

#define VAULT_BLOCK 65536u
#define VAULT_GRAIN 32u /* pieces are multiples of it */

struct vault;

struct vault_stats {
	size_t used;     /* bytes of the pieces that are out */
	size_t mapped;   /* bytes of all blocks; they are kept */
	size_t unlocked; /* of those, bytes that could not be locked */
};

struct vault *vault_new(void);    /* NULL with errno ENOMEM */
void vault_free(struct vault *v); /* wipes; NULL is ignored */

/* A copy, 1 to KEY_DER_MAX bytes. NULL when memory is out. */
const uint8_t *vault_put(struct vault *v, struct str der);
/* Wipe and take back what vault_put() gave for n bytes. */
void vault_drop(struct vault *v, const uint8_t *piece, size_t n);
struct vault_stats vault_stats(const struct vault *v);

#endif
