/* auth_answer: what an auth service's answer adds to a request and to its answer; see auth.h. */
#include "common/policy/policy_header.h"
#include "worker/auth/auth.h"
#include "worker/request/headers.h"

static bool is_named(const struct field *f, struct str name)
{
	return f->drop == 0 && str_ieq(str_make(f->name, f->name_n), name);
}

/* All fields of the name, joined as RFC 9110 §5.3 allows; .p NULL: memory is out. */
static struct str joined(struct request *r, const struct head *h, struct str name)
{
	size_t n = 0, at = 0;
	char *to;

	for (uint16_t i = 0; i < h->n_fields; i++)
		if (is_named(&h->fields[i], name))
			n += h->fields[i].value_n + 2;
	if (n == 0)
		return STR("");
	to = arena_alloc(&r->arena, n);
	for (uint16_t i = 0; i < h->n_fields && to != NULL; i++) {
		const struct field *f = &h->fields[i];

		if (!is_named(f, name))
			continue;
		if (at > 0) {
			memcpy(to + at, ", ", 2);
			at += 2;
		}
		if (f->value_n > 0)
			memcpy(to + at, f->value, f->value_n);
		at += f->value_n;
	}
	return str_make(to, at);
}

static int keep_named(struct auth *a, struct request *r, const struct head *h)
{
	struct str names = a->policy.names;
	struct policy_header_view v;
	uint32_t n = policy_header_count(names);

	if (n == 0)
		return 0;
	a->to_endpoint = arena_alloc(&r->arena, n * sizeof(*a->to_endpoint));
	if (a->to_endpoint == NULL)
		return -1;
	while (policy_header_next(&names, &v)) {
		struct auth_field *f = &a->to_endpoint[a->n_to_endpoint++];

		*f = (struct auth_field){v.name, joined(r, h, v.name)};
		if (f->value.p == NULL)
			return -1;
	}
	return 0;
}

static int keep_cookies(struct auth *a, struct request *r, const struct head *h)
{
	uint16_t n = 0;

	for (uint16_t i = 0; i < h->n_fields; i++)
		n = (uint16_t)(n + (h->fields[i].id == FIELD_SET_COOKIE));
	if (n == 0)
		return 0;
	a->cookies = arena_alloc(&r->arena, n * sizeof(*a->cookies));
	if (a->cookies == NULL)
		return -1;
	for (uint16_t i = 0; i < h->n_fields; i++) {
		const struct field *f = &h->fields[i];
		struct auth_field *to;

		if (f->id != FIELD_SET_COOKIE || f->value_n == 0)
			continue;
		to = &a->cookies[a->n_cookies++];
		to->name = field_infos[FIELD_SET_COOKIE].name;
		to->value = arena_str(&r->arena, str_make(f->value, f->value_n));
		if (to->value.p == NULL)
			return -1;
	}
	return 0;
}

int auth_answer(struct auth *a, struct request *r, const struct head *h)
{
	a->status = h->status;
	if (h->status == 401)
		a->challenge = joined(r, h, field_infos[FIELD_WWW_AUTHENTICATE].name);
	if (h->status == 401 && a->challenge.p == NULL)
		return -1;
	if (h->status / 100 == 2 && keep_named(a, r, h) == -1)
		return -1;
	return h->status / 100 == 2 || h->status == 401 || h->status == 403 ? keep_cookies(a, r, h)
									    : 0;
}

int auth_unasked(struct auth *a, struct request *r)
{
	const struct head none = {.n_fields = 0};

	a->given = true;
	a->status = 200;
	return keep_named(a, r, &none);
}

int auth_to_endpoint(struct request *r)
{
	const struct auth *a = r->auth;

	for (uint16_t i = 0; i < a->n_to_endpoint; i++) {
		const struct auth_field *f = &a->to_endpoint[i];
		enum field_id id = field_lookup(f->name.p, f->name.n);

		headers_drop(&r->out, id, f->name);
		if (f->value.n > 0 && head_add(&r->out, id, f->name, f->value) == -1)
			return -1;
	}
	return 0;
}

/* The statuses with which nginx' add_header adds. */
static bool adds_cookies(const struct auth *a, uint16_t status)
{
	static const uint16_t with[] = {200, 201, 204, 206, 301, 302, 303, 304, 307, 308};

	if ((a->policy.flags & AUTH_ALWAYS_COOKIE) != 0)
		return true;
	for (size_t i = 0; i < sizeof(with) / sizeof(with[0]); i++)
		if (with[i] == status)
			return true;
	return false;
}

int auth_to_client(struct request *r, struct head *h)
{
	const struct auth *a = r->auth;
	bool refused = a->status == 401 && h->status == 401 && r->reason == REASON_AUTH_REFUSED;

	if (headers_room(r, h, a->n_cookies + 1u, &r->resp_array) == -1)
		return -1;
	if (refused && a->challenge.n > 0)
		(void)head_add(h, FIELD_WWW_AUTHENTICATE, field_infos[FIELD_WWW_AUTHENTICATE].name,
			       a->challenge);
	for (uint16_t i = 0; i < a->n_cookies && adds_cookies(a, h->status); i++)
		(void)head_add(h, FIELD_SET_COOKIE, a->cookies[i].name, a->cookies[i].value);
	return 0;
}
