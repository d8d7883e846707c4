/*
 * password: is this the password of that hash? The forms of nginx' auth_basic_user_file:
 *
 *     $2a$ $2b$ $2y$   bcrypt           $apr1$     Apache's MD5 (apr1.h)
 *     $5$ $6$          SHA crypt        {SHA}      SHA-1, base64
 *     $1$              MD5 crypt        {SSHA}     SHA-1 with salt, base64
 *     $y$              yescrypt         {PLAIN}    the password itself
 *     13 characters    DES crypt
 *
 * All with a "$" but apr1, and DES, are libcrypt's. Whoever writes the hash decides what checking a
 * password costs, and that is bounded here (PASSWORD_*_MAX): somebody's Secret must not cost
 * everybody else their logins. What a longer password has behind its 72nd byte bcrypt does not look
 * at; a NUL in a password makes it wrong.
 */
#ifndef SILEX_MASTER_BASIC_PASSWORD_H
#define SILEX_MASTER_BASIC_PASSWORD_H

#include <stdbool.h>

#include "common/str.h"

#define PASSWORD_HASH_MAX       512     /* bytes of a hash */
#define PASSWORD_BCRYPT_MAX     14      /* cost: about a second */
#define PASSWORD_SHA_ROUNDS_MAX 1000000 /* about half a second */
#define PASSWORD_YESCRYPT_MAX   'B'     /* N of 2^14: 64 MiB */

/* NULL: passwords can be checked against it. Else why not, and how to mend it, as the end of a
 * sentence. */
const char *password_wrong(struct str hash);
/* In time that does not tell how much of it is right. False for what is no such hash. */
bool password_matches(struct str hash, struct str password);

#endif
