/*
 * The Set-Cookie field of an endpoint that may send anything: every attribute lies in the field,
 * behind the one before, holds no separator, and the walk ends.
 */
#include <stdint.h>
#include <stdlib.h>

#include "worker/head/set_cookie.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct str field = str_make((const char *)data, n);
	struct set_cookie_attr a;
	size_t from = 0, before = 0;

	while (set_cookie_next(field, &from, &a)) {
		if (from <= before || from > n || a.at < from || a.at + a.n > n)
			abort();
		if (a.n > 0 && str_chr(str_make(field.p + a.at, a.n), ';') != -1)
			abort();
		if (a.name.n > 0 &&
		    (a.name.p < field.p + from || a.name.p + a.name.n > field.p + n ||
		     str_chr(a.name, ';') != -1 || str_chr(a.name, '=') != -1))
			abort();
		before = from;
	}
	return 0;
}
