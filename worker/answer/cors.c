/* cors: see cors.h. */
#include "worker/answer/cors.h"

#include <stdio.h>
#include <string.h>

struct cors {
	struct policy_cors head;
	struct str origins, methods, headers, expose;
};

static struct str cut(struct str *rest, uint16_t n)
{
	struct str s = str_make(rest->p, n < rest->n ? n : rest->n);

	*rest = str_from_at(*rest, s.n);
	return s;
}

static bool read_option(const struct request *r, struct cors *c)
{
	const struct policy *p = r->route.policy;
	struct str opt, rest;

	if (p == NULL || p->size == sizeof(*p))
		return false;
	opt = policy_find(p, POLICY_OPT_CORS);
	if (opt.n < sizeof(c->head))
		return false;
	memcpy(&c->head, opt.p, sizeof(c->head));
	rest = str_from_at(opt, sizeof(c->head));
	c->origins = cut(&rest, c->head.origins_n);
	c->methods = cut(&rest, c->head.methods_n);
	c->headers = cut(&rest, c->head.headers_n);
	c->expose = cut(&rest, c->head.expose_n);
	return true;
}

/* "https://" STAR ".example.com": one label more, whatever it is. */
static bool below_wildcard(struct str pattern, size_t star, struct str origin)
{
	struct str head = str_make(pattern.p, star), tail = str_from_at(pattern, star + 1);
	struct str label;

	if (origin.n <= head.n + tail.n || !str_ieq(str_make(origin.p, head.n), head))
		return false;
	label = str_make(origin.p + head.n, origin.n - head.n - tail.n);
	if (!str_ieq(str_from_at(origin, head.n + label.n), tail))
		return false;
	for (size_t i = 0; i < label.n; i++) {
		char c = ascii_lower(label.p[i]);

		if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '-' && c != '_')
			return false;
	}
	return true;
}

static bool fits(struct str pattern, struct str origin)
{
	ptrdiff_t star = str_chr(pattern, '*');

	return star == -1 ? str_ieq(pattern, origin)
			  : below_wildcard(pattern, (size_t)star, origin);
}

/* What Access-Control-Allow-Origin says; empty: not allowed. */
static struct str allowed(const struct request *r, const struct cors *c)
{
	struct str origin = head_value(&r->in, FIELD_ORIGIN), rest = c->origins;
	bool known = false;

	while (rest.n > 0) {
		ptrdiff_t comma = str_chr(rest, ',');
		struct str one = str_trim(comma == -1 ? rest : str_make(rest.p, (size_t)comma));

		rest = comma == -1 ? STR_NONE : str_from_at(rest, (size_t)comma + 1);
		if (str_eq(one, STR("*")))
			return one;
		known = known || (one.n > 0 && origin.n > 0 && fits(one, origin));
	}
	return known ? origin : STR_NONE;
}

bool cors_answers(const struct request *r)
{
	struct cors c;

	return r->in.method == METHOD_OPTIONS && read_option(r, &c) && allowed(r, &c).n > 0;
}

static void set(struct head *h, enum field_id id, struct str value)
{
	head_drop(h, id);
	if (value.p != NULL && value.n > 0)
		(void)head_add(h, id, field_infos[id].name, value);
}

void cors_add(struct request *r, struct head *h)
{
	struct str origin, age;
	struct cors c;
	char text[16];

	if (!read_option(r, &c))
		return;
	origin = allowed(r, &c);
	if (origin.n == 0)
		return;
	age = arena_str(&r->arena,
			str_make(text, (size_t)snprintf(text, sizeof(text), "%u", c.head.max_age)));
	set(h, FIELD_ACCESS_CONTROL_ALLOW_ORIGIN, origin);
	set(h, FIELD_ACCESS_CONTROL_ALLOW_CREDENTIALS,
	    c.head.credentials != 0 ? STR("true") : STR_NONE);
	set(h, FIELD_ACCESS_CONTROL_ALLOW_METHODS, c.methods);
	set(h, FIELD_ACCESS_CONTROL_ALLOW_HEADERS, c.headers);
	set(h, FIELD_ACCESS_CONTROL_EXPOSE_HEADERS, c.expose);
	set(h, FIELD_ACCESS_CONTROL_MAX_AGE, age);
}
