/* cookie: see cookie.h. */
#include "worker/head/cookie.h"

static struct str find_in(struct str list, struct str name)
{
	while (list.n > 0) {
		ptrdiff_t end = str_chr(list, ';');
		struct str one = str_trim(end == -1 ? list : str_head(list, (size_t)end));

		list = end == -1 ? STR_NONE : str_from_at(list, (size_t)end + 1);
		if (one.n > name.n && one.p[name.n] == '=' && str_ieq(str_head(one, name.n), name))
			return str_from_at(one, name.n + 1);
	}
	return STR_NONE;
}

struct str cookie_find(const struct head *h, struct str name)
{
	for (uint16_t i = 0; i < h->n_fields && name.n > 0; i++) {
		const struct field *f = &h->fields[i];
		struct str found;

		if (f->id != FIELD_COOKIE)
			continue;
		found = find_in(str_make(f->value, f->value_n), name);
		if (found.p != NULL)
			return found;
	}
	return STR_NONE;
}
