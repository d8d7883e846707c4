/*
 * The Cookie field: a client may send anything. What is found lies in the field, holds no
 * separator, and stands behind the name that was asked for.
 */
#include <stdlib.h>
#include <string.h>

#include "worker/head/cookie.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static const char *const names[] = {"INGRESSCOOKIE", "a", "=", "a b"};
	struct field field = {
	    .name = "cookie",
	    .name_n = 6,
	    .value = (const char *)data,
	    .value_n = (uint32_t)n,
	    .id = FIELD_COOKIE,
	};
	struct head h = {.fields = &field, .n_fields = 1};

	for (unsigned i = 0; i < sizeof(names) / sizeof(*names); i++) {
		struct str name = str_from(names[i]), found = cookie_find(&h, name);
		const char *begin = field.value;

		if (found.p == NULL)
			continue;
		if (found.n == 0)
			continue;
		if (found.p < begin + name.n + 1 || found.p + found.n > begin + n ||
		    found.p[-1] != '=' || str_chr(found, ';') != -1 ||
		    !str_ieq(str_make(found.p - 1 - name.n, name.n), name))
			abort();
	}
	return 0;
}
