/* base64: the data of Secrets (RFC 4648 §4, padding required, line breaks ignored as in Go). */
#ifndef SILEX_K8S_TEXT_BASE64_H
#define SILEX_K8S_TEXT_BASE64_H

#include "common/str.h"

/* Bytes that decoding n characters needs at most. */
static inline size_t base64_room(size_t n)
{
	return n / 4 * 3 + 3;
}

/* Decodes into out (base64_room bytes). Returns the length, or -1 when s is not base64. */
ptrdiff_t base64_decode(struct str s, char *out);

#endif
