/* set_cookie: see set_cookie.h. */
#include "worker/head/set_cookie.h"

bool set_cookie_next(struct str field, size_t *from, struct set_cookie_attr *out)
{
	ptrdiff_t begin = str_chr(str_from_at(field, *from), ';'), end, equals;
	struct str one, value;

	if (begin == -1)
		return false;
	*from += (size_t)begin + 1;
	one = str_from_at(field, *from);
	end = str_chr(one, ';');
	one = end == -1 ? one : str_head(one, (size_t)end);
	equals = str_chr(one, '=');
	out->name = str_trim(equals == -1 ? one : str_head(one, (size_t)equals));
	value = equals == -1 ? STR_NONE : str_trim(str_from_at(one, (size_t)equals + 1));
	out->n = value.n;
	out->at = value.n == 0 ? *from : (size_t)(value.p - field.p);
	return true;
}
