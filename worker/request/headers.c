/* headers: see headers.h. */
#include "worker/request/headers.h"

#include "common/policy/policy_header.h"
#include "common/version.h"
#include "worker/auth/auth.h"
#include "worker/flow/chunk.h"
#include "worker/answer/custom_errors.h"
#include "worker/snippet/snippet.h"
#include "worker/vars/vars.h"

#define ARRAY_IN_ARENA 3840 /* an arena's piece is smaller than its chunk */

static struct str list_of(const struct request *r, enum policy_opt opt)
{
	const struct policy *p = r->route.policy;

	return p == NULL || p->size == sizeof(*p) ? STR_NONE : policy_find(p, opt);
}

int headers_room(struct request *r, struct head *h, uint32_t n, struct chunk **array)
{
	size_t bytes = (h->n_fields + (size_t)n) * sizeof(struct field);
	struct chunk *large = NULL;
	struct field *to;

	if ((size_t)h->cap_fields - h->n_fields >= n)
		return 0;
	if (h->n_fields + n > UINT16_MAX)
		return -1;
	to = bytes <= ARRAY_IN_ARENA ? arena_alloc(&r->arena, bytes) : NULL;
	if (to == NULL) {
		large = chunk_new_large((uint32_t)bytes);
		if (large == NULL)
			return -1;
		to = (struct field *)(void *)large->data;
	}
	if (h->n_fields > 0)
		memcpy(to, h->fields, h->n_fields * sizeof(*to));
	if (large != NULL) {
		chunk_unref(*array);
		*array = large;
	}
	h->fields = to;
	h->cap_fields = (uint16_t)(h->n_fields + n);
	return 0;
}

void headers_drop(struct head *h, enum field_id id, struct str name)
{
	if (id != FIELD_OTHER) {
		head_drop(h, id);
		return;
	}
	for (uint16_t i = 0; i < h->n_fields; i++) {
		struct field *f = &h->fields[i];

		if (f->id == FIELD_OTHER && str_ieq(str_make(f->name, f->name_n), name))
			f->drop = 1;
	}
}

int headers_set(struct request *of, struct head *h, const struct policy_header_view *v)
{
	enum field_id id = field_lookup(v->name.p, v->name.n);
	struct str value;

	if (!vars_eval(v->value, of, &value))
		return -1;
	headers_drop(h, id, v->name);
	value = str_trim(value);
	return value.n == 0 ? 0 : head_add(h, id, v->name, value);
}

int headers_reserve(struct request *r)
{
	uint32_t n = policy_header_count(list_of(r, POLICY_OPT_REQUEST_HEADERS));

	if (r->auth != NULL)
		n += r->auth->n_to_endpoint;
	if (r->snip != NULL)
		n += snippet_request_fields(r);
	if (r->instead != 0)
		n += CUSTOM_ERRORS_FIELDS;
	/* What step rewrite adds itself, it has room for. */
	return n == 0 ? 0
		      : headers_room(r, &r->in, n + (r->in.cap_fields - (uint32_t)r->in.n_fields),
				     &r->in_array);
}

int headers_to_endpoint(struct request *r)
{
	struct str list = list_of(r, POLICY_OPT_REQUEST_HEADERS);
	struct policy_header_view v;

	while (policy_header_next(&list, &v))
		if (v.op == HEADER_SET && headers_set(r, &r->out, &v) == -1)
			return -1;
	return 0;
}

static int of_settings(struct request *r, struct head *h, struct str list, bool of_origin)
{
	struct policy_header_view v;

	if (headers_room(r, h, policy_header_count(list), &r->resp_array) == -1)
		return -1;
	while (policy_header_next(&list, &v)) {
		if (v.op == HEADER_HIDE && of_origin)
			headers_drop(h, field_lookup(v.name.p, v.name.n), v.name);
		else if (v.op == HEADER_SET && headers_set(r, h, &v) == -1)
			return -1;
	}
	return 0;
}

int headers_to_client(struct request *r, struct head *h, bool of_origin)
{
	struct str list = list_of(r, POLICY_OPT_RESPONSE_HEADERS);

	if (list.n > 0 && of_settings(r, h, list, of_origin) == -1)
		return -1;
	return r->snip == NULL ? 0 : snippet_to_client(r, h, of_origin);
}

void headers_server(const struct request *r, struct head *h)
{
	const struct policy *p = r->route.policy;

	if (p != NULL && (p->flags & POLICY_SERVER_TOKENS) != 0 &&
	    head_find(h, FIELD_SERVER) == NULL)
		(void)head_add(h, FIELD_SERVER, field_infos[FIELD_SERVER].name,
			       STR("silex/" SILEX_VERSION));
}
