/*
 * htpasswd: the lines of an htpasswd file, as nginx reads auth_basic_user_file: "user:hash", what
 * follows another colon is comment; empty lines and those that begin with "#" are none. Of two
 * lines of one user the first counts, which is for the caller to see to.
 */
#ifndef SILEX_MASTER_BASIC_HTPASSWD_H
#define SILEX_MASTER_BASIC_HTPASSWD_H

#include "common/str.h"

#define HTPASSWD_USER_MAX 255 /* bytes of a name */

enum htpasswd_got {
	HTPASSWD_END,
	HTPASSWD_USER, /* user and hash are set, borrowed, and a password can be checked */
	HTPASSWD_BAD,  /* why says what is wrong with this line, and how to mend it */
};

struct htpasswd { /* where reading is; begin with {.rest = the text} */
	struct str rest;
	unsigned line; /* the one last read, from 1 */
	struct str user, hash;
	const char *why;
};

enum htpasswd_got htpasswd_next(struct htpasswd *h);
/* A user and a hash that stand alone (auth-map): into h. */
enum htpasswd_got htpasswd_pair(struct htpasswd *h, struct str user, struct str hash);

#endif
