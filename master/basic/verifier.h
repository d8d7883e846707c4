/*
 * verifier: a child of the auth process that looks at one password at a time.
 *
 * crypt(3) takes as long as whoever made the hash wanted it to take, and somebody else decides how
 * often: so it runs beside, in a few processes of low priority. A verifier knows no list, only the
 * hash and the password it was given last, which it wipes. It is a process, not a thread, so that
 * nothing it could be made to do is done where all the hashes are.
 */
#ifndef SILEX_MASTER_BASIC_VERIFIER_H
#define SILEX_MASTER_BASIC_VERIFIER_H

#include <stdint.h>

#include "common/process/basic_msg.h"
#include "common/process/sandbox.h"
#include "master/basic/password.h"

struct verifier_ask { /* cut behind the hash and the password */
	uint32_t hash_n, password_n;
	char bytes[PASSWORD_HASH_MAX + BASIC_PASSWORD_MAX];
};

enum verifier_word { /* one byte, the answer; 0 is none of them */
	VERIFIER_MATCHES = 1,
	VERIFIER_DIFFERS = 2,
};

/* Starts one, before the caller confines itself: its end of the channel, non-blocking, or -1 with
 * errno. It ends with its caller. */
int verifier_start(const struct sandbox *sandbox);

#endif
