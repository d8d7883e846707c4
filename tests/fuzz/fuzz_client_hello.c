/*
 * ClientHello: whoever can open a connection may send it. More bytes never change what was decided,
 * what is asked for is more than there is, and a name is a name.
 */
#include <stdlib.h>

#include "worker/wire/client_hello.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void plausible(enum client_hello_result result, const struct client_hello *h, size_t n)
{
	if (result == CLIENT_HELLO_MORE && h->need <= n)
		abort();
	if (result != CLIENT_HELLO_NAME)
		return;
	if (h->name_n == 0 || h->name_n > CLIENT_HELLO_NAME_MAX)
		abort();
	for (size_t i = 0; i < h->name_n; i++)
		if (h->name[i] <= ' ' || (unsigned char)h->name[i] >= 0x7f)
			abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	const char *bytes = (const char *)data;
	size_t cut = n > 0 ? data[n - 1] * n / 256 : 0;
	enum client_hello_result all, part;
	struct client_hello h, q;

	all = client_hello_read(str_make(bytes, n), &h);
	part = client_hello_read(str_make(bytes, cut), &q);
	plausible(all, &h, n);
	plausible(part, &q, cut);
	if (part != CLIENT_HELLO_MORE &&
	    (part != all || (all == CLIENT_HELLO_NAME &&
			     !str_eq(str_make(h.name, h.name_n), str_make(q.name, q.name_n)))))
		abort();
	if (all == CLIENT_HELLO_MORE && part != CLIENT_HELLO_MORE)
		abort();
	return 0;
}
