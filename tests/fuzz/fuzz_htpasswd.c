/*
 * Users' files: whoever may write a Secret writes them. What is read of one lies in the text, is
 * bounded, and can be checked; checking passwords against it, where that is cheap, ends.
 */
#include <stdlib.h>
#include <string.h>

#include "master/basic/apr1.h"
#include "master/basic/htpasswd.h"
#include "master/basic/password.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void inside(struct str part, const uint8_t *data, size_t n)
{
	if (part.p < (const char *)data || part.p + part.n > (const char *)data + n)
		abort();
}

static void look_at(const struct htpasswd *h, const uint8_t *data, size_t n)
{
	inside(h->user, data, n);
	inside(h->hash, data, n);
	if (h->user.n == 0 || h->user.n > HTPASSWD_USER_MAX || h->hash.n >= PASSWORD_HASH_MAX ||
	    str_chr(h->user, ':') != -1 || str_chr(h->hash, ':') != -1 ||
	    password_wrong(h->hash) != NULL)
		abort();
	if (h->hash.p[0] == '{' || str_starts(h->hash, STR(APR1_MAGIC)))
		(void)password_matches(h->hash, h->user);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct htpasswd h = {.rest = str_make((const char *)data, n)};
	enum htpasswd_got got;
	unsigned lines = 0;

	while ((got = htpasswd_next(&h)) != HTPASSWD_END) {
		if (got == HTPASSWD_BAD && h.why == NULL)
			abort();
		if (got == HTPASSWD_USER)
			look_at(&h, data, n);
		if (h.line <= lines)
			abort();
		lines = h.line;
	}
	return 0;
}
