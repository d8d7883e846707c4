/*
 * apr1: Apache's variant of the MD5 crypt, which htpasswd makes unless told otherwise, and which
 * libcrypt does not know. As apr_md5_encode() of APR defines it: the MD5 crypt of FreeBSD with
 * another magic, 1,000 rounds.
 */
#ifndef SILEX_MASTER_BASIC_APR1_H
#define SILEX_MASTER_BASIC_APR1_H

#include <stdbool.h>

#include "common/str.h"

#define APR1_MAGIC    "$apr1$"
#define APR1_SALT_MAX 8
#define APR1_HASH_LEN 22 /* behind the salt and its "$" */

/* Of this password and salt, not NUL-terminated. False: no MD5 in this OpenSSL, or no memory. */
bool apr1_hash(struct str password, struct str salt, char out[APR1_HASH_LEN]);

#endif
