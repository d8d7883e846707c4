/* basic_msg: see basic_msg.h. */
#include "common/process/basic_msg.h"

#include <string.h>

#include "common/check.h"

bool basic_ask_read(const struct basic_ask *ask, size_t n, struct str *user, struct str *password)
{
	const struct basic_ask_head *h = &ask->head;

	if (n < sizeof(*h) || h->user_n > BASIC_NAME_MAX || h->password_n > BASIC_PASSWORD_MAX ||
	    n != sizeof(*h) + h->user_n + h->password_n)
		return false;
	*user = str_make(ask->bytes, h->user_n);
	*password = str_make(ask->bytes + h->user_n, h->password_n);
	return true;
}

size_t basic_ask_write(struct basic_ask *ask, struct str user, struct str password)
{
	CHECK(user.n <= BASIC_NAME_MAX && password.n <= BASIC_PASSWORD_MAX);
	ask->head.user_n = (uint32_t)user.n;
	ask->head.password_n = (uint32_t)password.n;
	if (user.n > 0)
		memcpy(ask->bytes, user.p, user.n);
	if (password.n > 0)
		memcpy(ask->bytes + user.n, password.p, password.n);
	return sizeof(ask->head) + user.n + password.n;
}
