/* basic_user: see basic_user.h. */
#include "worker/vars/basic_user.h"

#include "common/base64_digit.h"

bool basic_user_is(const struct field *f)
{
	return f->id == FIELD_AUTHORIZATION && f->value_n >= 6 &&
	       str_ieq(str_make(f->value, 6), STR("Basic "));
}

/* As they came: step rewrite may have dropped them since. */
static struct str credentials(const struct head *h)
{
	for (uint16_t i = 0; i < h->n_fields; i++) {
		const struct field *f = &h->fields[i];

		if (basic_user_is(f))
			return str_trim(str_make(f->value + 6, f->value_n - 6));
	}
	return STR_NONE;
}

struct str basic_user(const struct request *r, char buf[BASIC_USER_MAX])
{
	struct str v = credentials(&r->in);
	unsigned bits = 0, n_bits = 0;
	size_t n = 0;

	for (size_t i = 0; i < v.n && n < BASIC_USER_MAX; i++) {
		int digit = base64_digit(v.p[i]);

		if (digit == -1)
			return STR_NONE; /* no colon yet: not a user and a password */
		bits = (bits << 6 | (unsigned)digit) & 0xffff;
		n_bits += 6;
		if (n_bits < 8)
			continue;
		n_bits -= 8;
		buf[n] = (char)(bits >> n_bits & 0xff);
		if (buf[n] == ':')
			return n == 0 ? STR_NONE : str_make(buf, n);
		n++;
	}
	return n == BASIC_USER_MAX ? str_make(buf, n) : STR_NONE;
}
