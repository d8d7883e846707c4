/* head: the few operations on a neutral head that every step needs. */
#include "worker/head/head.h"

bool method_is_idempotent(enum method m)
{
	switch (m) {
	case METHOD_GET:
	case METHOD_HEAD:
	case METHOD_PUT:
	case METHOD_DELETE:
	case METHOD_OPTIONS:
	case METHOD_TRACE:
		return true;
	case METHOD_OTHER:
	case METHOD_POST:
	case METHOD_PATCH:
	case METHOD_CONNECT:
		return false;
	}
	return false;
}

enum method method_parse(struct str m)
{
#define IS(text) (memcmp(m.p, text, sizeof(text) - 1) == 0)
	switch (m.n) {
	case 3:
		return IS("GET") ? METHOD_GET : IS("PUT") ? METHOD_PUT : METHOD_OTHER;
	case 4:
		return IS("POST") ? METHOD_POST : IS("HEAD") ? METHOD_HEAD : METHOD_OTHER;
	case 5:
		return IS("PATCH") ? METHOD_PATCH : IS("TRACE") ? METHOD_TRACE : METHOD_OTHER;
	case 6:
		return IS("DELETE") ? METHOD_DELETE : METHOD_OTHER;
	case 7:
		return IS("OPTIONS")   ? METHOD_OPTIONS
		       : IS("CONNECT") ? METHOD_CONNECT
				       : METHOD_OTHER;
	default:
		return METHOD_OTHER;
	}
#undef IS
}

const struct field *head_find(const struct head *h, enum field_id id)
{
	for (unsigned i = 0; i < h->n_fields; i++)
		if (h->fields[i].id == id && !h->fields[i].drop)
			return &h->fields[i];
	return NULL;
}

int head_add(struct head *h, enum field_id id, struct str name, struct str value)
{
	struct field *f;

	if (h->n_fields >= h->cap_fields || name.n > UINT16_MAX || value.n > UINT32_MAX)
		return -1;
	f = &h->fields[h->n_fields++];
	*f = (struct field){.name = name.p,
			    .value = value.p,
			    .value_n = (uint32_t)value.n,
			    .name_n = (uint16_t)name.n,
			    .id = (uint8_t)id};
	return 0;
}

void head_drop(struct head *h, enum field_id id)
{
	for (unsigned i = 0; i < h->n_fields; i++)
		if (h->fields[i].id == id)
			h->fields[i].drop = 1;
}

struct str head_value(const struct head *h, enum field_id id)
{
	const struct field *f = head_find(h, id);

	return f == NULL ? STR_NONE : str_make(f->value, f->value_n);
}
