/*
 * The PROXY header: whoever can open a connection may send it. More bytes never change what was
 * decided, nothing is awaited for ever, and what is believed is an address.
 */
#include <stdlib.h>

#include "worker/accept/proxyproto.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void plausible(const struct proxyproto *p)
{
	if (p->length == 0 || p->length > PROXYPROTO_V2_MAX)
		abort();
	if (!p->local &&
	    (p->from.family != p->to.family || (p->from.family != 4 && p->from.family != 6)))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	const char *bytes = (const char *)data;
	enum proxyproto_result all, part;
	struct proxyproto p, q;
	size_t cut = n > 0 ? data[n - 1] % n : 0;

	all = proxyproto_read(str_make(bytes, n), &p);
	part = proxyproto_read(str_make(bytes, cut), &q);
	if (all == PROXYPROTO_MORE && (n >= PROXYPROTO_LOOK || part != PROXYPROTO_MORE))
		abort();
	if (part != PROXYPROTO_MORE && part != all)
		abort();
	if (all != PROXYPROTO_DONE)
		return 0;
	plausible(&p);
	if (part == PROXYPROTO_DONE && (p.length != q.length || !addr_eq(&p.from, &q.from)))
		abort();
	return 0;
}
