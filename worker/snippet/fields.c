/* fields: header fields that snippets set and take away, towards the endpoint and the client. */
#include "common/policy/policy_header.h"
#include "worker/request/headers.h"
#include "worker/request/ours.h"
#include "worker/snippet/snippet_int.h"
#include "worker/vars/vars_int.h"

/* add_header without always (nginx: ngx_http_headers_module). */
static bool is_good(uint16_t status)
{
	static const uint16_t good[] = {200, 201, 204, 206, 301, 302, 303, 304, 307, 308};

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		if (status == good[i])
			return true;
	return false;
}

static bool name_fits(struct str pattern, struct str name)
{
	if (!str_ends(pattern, STR("*")))
		return str_ieq(pattern, name);
	pattern.n--;
	return name.n >= pattern.n && str_ieq(pattern, str_head(name, pattern.n));
}

static void clear(struct head *h, struct str pattern)
{
	for (uint16_t i = 0; i < h->n_fields; i++) {
		struct field *f = &h->fields[i];

		if (name_fits(pattern, str_make(f->name, f->name_n)))
			f->drop = 1;
	}
}

static bool has(const struct head *h, struct str name)
{
	for (uint16_t i = 0; i < h->n_fields; i++)
		if (!h->fields[i].drop &&
		    str_ieq(str_make(h->fields[i].name, h->fields[i].name_n), name))
			return true;
	return false;
}

/* Beside what is there. */
static int add(struct request *r, struct head *h, const struct policy_header_view *v)
{
	struct str value;

	if (!snippet_value(r, v->value, &value))
		return -1;
	value = str_trim(value);
	return value.n == 0 ? 0 : head_add(h, field_lookup(v->name.p, v->name.n), v->name, value);
}

static int set_host(struct request *r, struct head *h, const struct policy_header_view *v)
{
	struct str value;

	if (!snippet_value(r, v->value, &value))
		return -1;
	if (value.n > 0)
		h->authority = value;
	return 0;
}

static int apply(struct request *r, struct head *h, const struct policy_header_view *v)
{
	switch (v->op) {
	case HEADER_SET:
		return headers_set(r, h, v);
	case HEADER_HIDE:
	case HEADER_CLEAR:
		clear(h, v->name);
		return 0;
	case HEADER_ADD:
		return is_good(h->status) ? add(r, h, v) : 0;
	case HEADER_ADD_ALWAYS:
		return add(r, h, v);
	case HEADER_SET_GOOD:
		return is_good(h->status) ? headers_set(r, h, v) : 0;
	case HEADER_REPLACE:
		return has(h, v->name) ? headers_set(r, h, v) : 0;
	case HEADER_HOST:
		return set_host(r, h, v);
	}
	return 0;
}

int snippet_apply(struct request *r, struct head *h, struct str list)
{
	struct policy_header_view v;

	while (policy_header_next(&list, &v))
		if (apply(r, h, &v) == -1)
			return -1;
	return 0;
}

/* --- to the endpoint ----------------------------------------------------------------------- */

static uint32_t count_all(const struct request *r, enum snip_list list)
{
	struct str all[SNIPPET_LISTS];
	unsigned lists = snippet_lists(r, list, all);
	uint32_t n = 0;

	for (unsigned i = 0; i < lists; i++)
		n += policy_header_count(all[i]);
	return n;
}

uint32_t snippet_request_fields(const struct request *r)
{
	return count_all(r, SNIP_INPUT) + policy_header_count(snippet_list(r, SNIP_SEND));
}

/* What the client is made to have said: but not in fields that Silex says itself, which nginx
 * replaces afterwards (facts: routing §7). */
int snippet_apply_input(struct request *r, struct head *h, struct str list)
{
	struct policy_header_view v;

	while (policy_header_next(&list, &v)) {
		if (v.op != HEADER_CLEAR && ours_to_say(field_lookup(v.name.p, v.name.n)))
			continue;
		if (apply(r, h, &v) == -1)
			return -1;
	}
	return 0;
}

/* All of a list that merges. */
static int apply_all(struct request *r, struct head *h, enum snip_list list,
		     int (*apply_one)(struct request *, struct head *, struct str))
{
	struct str all[SNIPPET_LISTS];
	unsigned lists = snippet_lists(r, list, all);

	for (unsigned i = 0; i < lists; i++)
		if (apply_one(r, h, all[i]) == -1)
			return -1;
	return 0;
}

int snippet_to_endpoint(struct request *r)
{
	if (apply_all(r, &r->out, SNIP_INPUT, snippet_apply_input) == -1)
		return -1;
	return snippet_apply(r, &r->out, snippet_list(r, SNIP_SEND));
}

/* --- to the client ------------------------------------------------------------------------- */

int snippet_to_client(struct request *r, struct head *h, bool of_origin)
{
	struct str expires = snippet_list(r, SNIP_EXPIRES), add = snippet_list(r, SNIP_ADD);
	uint32_t n =
	    count_all(r, SNIP_MORE) + policy_header_count(expires) + policy_header_count(add);

	if (headers_room(r, h, n, &r->resp_array) == -1)
		return -1;
	if (of_origin && snippet_apply(r, h, snippet_list(r, SNIP_HIDE)) == -1)
		return -1;
	if (apply_all(r, h, SNIP_MORE, snippet_apply) == -1)
		return -1;
	return snippet_apply(r, h, expires) == -1 ? -1 : snippet_apply(r, h, add);
}

/* --- variables ----------------------------------------------------------------------------- */

bool var_own(struct vars_out *o)
{
	const struct snippet *s = o->r->snip;

	for (unsigned i = 0; s != NULL && i < s->n_vars; i++)
		if (str_eq(s->vars[i].name, o->rest))
			return vars_give(o, s->vars[i].value);
	return false;
}

bool var_capture(struct vars_out *o)
{
	const struct regex_groups *g = o->groups;
	unsigned n = o->rest.n == 1 ? (unsigned)(o->rest.p[0] - '0') : 0;

	if (g == NULL && o->r->snip != NULL)
		g = &o->r->snip->groups;
	return g != NULL && n < g->n && vars_give(o, g->v[n]);
}
