/* basic_user: see basic_user.h. */
#include "worker/vars/basic_user.h"

#include "worker/basic/credentials.h"

bool basic_user_is(const struct field *f)
{
	struct str encoded;

	return credentials_field(f, &encoded);
}

/* As they came: step rewrite may have dropped them since. */
static struct str credentials(const struct head *h)
{
	struct str encoded;

	for (uint16_t i = 0; i < h->n_fields; i++)
		if (credentials_field(&h->fields[i], &encoded))
			return encoded;
	return STR_NONE;
}

/* Without a colon, as far as was looked, they are no user and a password. */
struct str basic_user(const struct request *r, char buf[BASIC_USER_MAX])
{
	struct str encoded = credentials(&r->in);
	size_t n = credentials_decode(&encoded, buf, BASIC_USER_MAX, ':');

	if (n > 0 && buf[n - 1] == ':')
		return n == 1 ? STR_NONE : str_make(buf, n - 1);
	return n == BASIC_USER_MAX ? str_make(buf, n) : STR_NONE;
}
