/* credentials: see credentials.h. */
#include "worker/basic/credentials.h"

#include <string.h>

#include "common/base64_digit.h"

#define SCHEME STR("Basic ")

/* The one Authorization field; nobody guesses which of two was meant. */
static struct str one_field(const struct head *h)
{
	struct str found = STR_NONE;
	unsigned n = 0;

	for (uint16_t i = 0; i < h->n_fields; i++) {
		const struct field *f = &h->fields[i];

		if (f->id != FIELD_AUTHORIZATION)
			continue;
		found = str_make(f->value, f->value_n);
		n++;
	}
	return n == 1 ? found : STR_NONE;
}

/* Padding may be left away, as nginx allows. The length, or -1. */
static ptrdiff_t decode(struct str s, char *out, size_t room)
{
	unsigned bits = 0, n_bits = 0;
	size_t n = 0;

	while (s.n > 0 && s.p[s.n - 1] == '=')
		s.n--;
	for (size_t i = 0; i < s.n; i++) {
		int digit = base64_digit(s.p[i]);

		if (digit == -1 || n == room)
			return -1;
		bits = (bits << 6 | (unsigned)digit) & 0xffff;
		n_bits += 6;
		if (n_bits < 8)
			continue;
		n_bits -= 8;
		out[n++] = (char)(bits >> n_bits & 0xff);
	}
	return (ptrdiff_t)n;
}

bool credentials_read(const struct head *h, struct credentials *out)
{
	struct str field = one_field(h), all;
	ptrdiff_t n, colon;

	out->user = out->password = STR_NONE;
	if (!str_ieq(str_head(field, SCHEME.n), SCHEME))
		return false;
	n = decode(str_trim(str_from_at(field, SCHEME.n)), out->bytes, sizeof(out->bytes));
	if (n <= 0)
		return false;
	all = str_make(out->bytes, (size_t)n);
	colon = str_chr(all, ':');
	if (colon <= 0)
		return false;
	out->user = str_head(all, (size_t)colon);
	out->password = str_from_at(all, (size_t)colon + 1);
	return out->user.n <= BASIC_NAME_MAX && out->password.n <= BASIC_PASSWORD_MAX;
}

void credentials_wipe(struct credentials *c)
{
	explicit_bzero(c->bytes, sizeof(c->bytes));
	c->user = c->password = STR_NONE;
}
