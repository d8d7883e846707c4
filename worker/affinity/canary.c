/* canary: see canary.h. */
#include "worker/affinity/canary.h"

#include <string.h>

#include "worker/head/cookie.h"
#include "worker/metrics/count.h"
#include "worker/rewrite/regex.h"
#include "worker/affinity/sticky.h"

struct rules {
	struct policy_canary head;
	struct str header, value, pattern, cookie;
};

enum answer {
	NO,
	YES,
	NEXT_RULE
};

static bool read_rules(const struct policy *p, struct rules *to)
{
	struct str opt = policy_find(p, POLICY_OPT_CANARY);
	const char *at;

	if (opt.n < sizeof(to->head))
		return false;
	memcpy(&to->head, opt.p, sizeof(to->head));
	if ((size_t)to->head.header_n + to->head.value_n + to->head.pattern_n + to->head.cookie_n >
	    opt.n - sizeof(to->head))
		return false;
	at = opt.p + sizeof(to->head);
	to->header = str_make(at, to->head.header_n);
	to->value = str_make(at += to->header.n, to->head.value_n);
	to->pattern = str_make(at += to->value.n, to->head.pattern_n);
	to->cookie = str_make(at + to->pattern.n, to->head.cookie_n);
	return true;
}

static enum answer always_or_never(struct str s)
{
	if (str_eq(s, STR("always")))
		return YES;
	return str_eq(s, STR("never")) ? NO : NEXT_RULE;
}

/* "_" in the name of the annotation means "-" and the other way round, as for nginx' $http_x. */
static bool is_named(const struct field *f, struct str name)
{
	for (size_t i = 0; f->name_n == name.n && i < name.n; i++) {
		char a = ascii_lower(f->name[i]), b = ascii_lower(name.p[i]);

		if ((a == '_' ? '-' : a) != (b == '_' ? '-' : b))
			return false;
	}
	return f->name_n == name.n && name.n > 0;
}

static enum answer by_header(struct request *r, const struct rules *c)
{
	for (uint16_t i = 0; i < r->in.n_fields; i++) {
		const struct field *f = &r->in.fields[i];
		struct str value = str_make(f->value, f->value_n);

		if (!is_named(f, c->header))
			continue;
		if (c->value.n > 0)
			return str_eq(value, c->value) ? YES : NEXT_RULE;
		if (c->pattern.n == 0)
			return always_or_never(value);
		switch (regex_search_case(r->w->regexes, c->pattern, value)) {
		case REGEX_YES:
			return YES;
		case REGEX_NO:
			return NEXT_RULE;
		case REGEX_FAILED:
			return NO;
		}
	}
	return NEXT_RULE;
}

static bool by_chance(struct request *r, const struct rules *c)
{
	uint32_t total = c->head.total > 100 ? c->head.total : 100;

	return picker_random(r->w->picker, total) < c->head.weight;
}

static bool takes(struct request *r, const struct rules *c)
{
	enum answer a = by_header(r, c);

	if (a == NEXT_RULE)
		a = always_or_never(cookie_find(&r->in, c->cookie));
	return a == NEXT_RULE ? by_chance(r, c) : a == YES;
}

/* Its requests are counted apart (the label canary). */
static void count_for(struct request *r)
{
	if (r->route.canary_group == 0 || r->series == 0)
		return;
	r->route.group = r->route.canary_group;
	r->series = counter_identity(r->w->counter, r);
}

void canary_decide(struct request *r, struct cluster_view *c)
{
	struct cluster_view other;
	struct sticky s;
	struct rules rules;
	bool sticks;

	if (!read_rules(r->route.policy, &rules) ||
	    !table_cluster(r->w->table, rules.head.cluster, &other) || other.n_endpoints == 0)
		return;
	sticks = sticky_read(c, &s);
	if (sticks && sticky_belongs(r, &s, c->name))
		return;
	sticks = sticks && rules.head.legacy == 0;
	if (!(sticks && sticky_belongs(r, &s, other.name)) && !takes(r, &rules))
		return;
	r->sticky_cluster = rules.head.legacy != 0 ? 0 : r->route.cluster;
	r->route.cluster = other.id;
	count_for(r);
	r->canary = arena_str(&r->arena, other.name);
	*c = other;
}
