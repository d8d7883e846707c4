/* credentials: see credentials.h. */
#include "worker/basic/credentials.h"

#include <string.h>

#include "common/base64_digit.h"

#define SCHEME STR("Basic ")

bool credentials_field(const struct field *f, struct str *encoded)
{
	struct str value = str_make(f->value, f->value_n);

	if (f->id != FIELD_AUTHORIZATION || !str_ieq(str_head(value, SCHEME.n), SCHEME))
		return false;
	*encoded = str_trim(str_from_at(value, SCHEME.n));
	return true;
}

size_t credentials_decode(struct str *encoded, char *out, size_t room, int last)
{
	struct str s = *encoded;
	unsigned bits = 0, n_bits = 0;
	size_t n = 0, i = 0;

	while (i < s.n && n < room && (n == 0 || last == -1 || out[n - 1] != (char)last)) {
		int digit = base64_digit(s.p[i]);

		if (digit == -1)
			break;
		i++;
		bits = (bits << 6 | (unsigned)digit) & 0xffff;
		n_bits += 6;
		if (n_bits < 8)
			continue;
		n_bits -= 8;
		out[n++] = (char)(bits >> n_bits & 0xff);
	}
	*encoded = str_from_at(s, i);
	return n;
}

/* The one Authorization field; nobody guesses which of two was meant. */
static const struct field *one_field(const struct head *h)
{
	const struct field *found = NULL;
	unsigned n = 0;

	for (uint16_t i = 0; i < h->n_fields; i++) {
		const struct field *f = &h->fields[i];

		if (f->id != FIELD_AUTHORIZATION)
			continue;
		found = f;
		n++;
	}
	return n == 1 ? found : NULL;
}

/* Padding may be left away, as nginx allows. The length, or -1. */
static ptrdiff_t decode_all(struct str s, char *out, size_t room)
{
	size_t n;

	while (s.n > 0 && s.p[s.n - 1] == '=')
		s.n--;
	n = credentials_decode(&s, out, room, -1);
	return s.n > 0 ? -1 : (ptrdiff_t)n;
}

bool credentials_read(const struct head *h, struct credentials *out)
{
	const struct field *field = one_field(h);
	struct str encoded, all;
	ptrdiff_t n, colon;

	out->user = out->password = STR_NONE;
	if (field == NULL || !credentials_field(field, &encoded))
		return false;
	n = decode_all(encoded, out->bytes, sizeof(out->bytes));
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
