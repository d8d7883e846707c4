/*
 * set_cookie: the attributes of a Set-Cookie field (RFC 6265 §5.2): parted by ";", blanks around
 * them mean nothing. The cookie itself is not one of them.
 */
#ifndef SILEX_WORKER_HEAD_SET_COOKIE_H
#define SILEX_WORKER_HEAD_SET_COOKIE_H

#include <stdbool.h>
#include <stddef.h>

#include "common/str.h"

struct set_cookie_attr {
	struct str name; /* any case */
	size_t at, n;    /* the value's place in the field; n 0: it has none */
};

/* The next attribute at or behind *from, 0 at first, which moves on; false: there is no more. */
bool set_cookie_next(struct str field, size_t *from, struct set_cookie_attr *out);

#endif
