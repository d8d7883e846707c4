/*
 * credentials: a user and a password as a client sends them: "Authorization: Basic" (RFC 7617 §2).
 */
#ifndef SILEX_WORKER_BASIC_CREDENTIALS_H
#define SILEX_WORKER_BASIC_CREDENTIALS_H

#include <stdbool.h>

#include "common/process/basic_msg.h"
#include "worker/head/head.h"

struct credentials {
	struct str user, password; /* in bytes */
	/* The user, the colon, the password; one more, so that too much is seen. */
	char bytes[BASIC_NAME_MAX + 1 + BASIC_PASSWORD_MAX + 1];
};

/* Is this "Authorization: Basic"? Then what it says is in *encoded. */
bool credentials_field(const struct field *f, struct str *encoded);
/* base64 without its padding, up to a character that is none, room bytes, or behind the byte last
 * (-1: none); *encoded is what is left then. The bytes it gave. */
size_t credentials_decode(struct str *encoded, char *out, size_t room, int last);

/* Out of the head. False: there are none, more than one, none that can be read, no user, or they
 * are longer than any that could be right. Wiped by credentials_wipe() in either case. */
bool credentials_read(const struct head *h, struct credentials *out);
void credentials_wipe(struct credentials *c);

#endif
