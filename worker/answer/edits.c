/* edits: see edits.h. */
#include "worker/answer/edits.h"

#include <string.h>

#include "common/policy/policy_edit.h"
#include "worker/head/set_cookie.h"
#include "worker/rewrite/regex.h"
#include "worker/vars/vars.h"

#define VALUE_MAX 8192 /* of a field that was changed */

enum change {
	CHANGE_NONE,
	CHANGE_MADE,
	CHANGE_FAILED,
};

/* A part of a field's value, and what it becomes. */
struct place {
	size_t at, n;
	struct str becomes;
};

/* --- one rule ------------------------------------------------------------------------------ */

static bool fill(struct request *r, struct str to, const struct str groups[REGEX_GROUPS],
		 struct str *out)
{
	struct policy_edit_part part;
	char buf[VALUE_MAX];
	struct text t;

	text_fixed(&t, buf, sizeof(buf));
	while (policy_edit_next_part(&to, &part)) {
		struct str value;

		if (!vars_eval(part.program, r, &value))
			return false;
		text_str(&t, value);
		if (part.group != -1 && groups != NULL)
			text_str(&t, groups[part.group]);
	}
	*out = t.full ? STR_NONE : arena_str(&r->arena, str_make(buf, t.n));
	return out->p != NULL;
}

static enum change by_regex(struct request *r, const struct policy_edit_view *rule,
			    struct str value, struct place *p)
{
	struct str groups[REGEX_GROUPS];

	switch (regex_groups(r->w->regexes, rule->from, rule->how == EDIT_REGEX_ANY_CASE, value,
			     groups)) {
	case REGEX_NO:
		return CHANGE_NONE;
	case REGEX_FAILED:
		return CHANGE_FAILED;
	case REGEX_YES:
		break;
	}
	p->n = value.n;
	return fill(r, rule->to, groups, &p->becomes) ? CHANGE_MADE : CHANGE_FAILED;
}

static enum change by_text(struct request *r, const struct policy_edit_view *rule, struct str value,
			   struct place *p)
{
	bool whole = rule->how == EDIT_WHOLE;
	struct str from;

	if (!vars_eval(rule->from, r, &from))
		return CHANGE_FAILED;
	if (whole && str_starts(value, STR("."))) {
		value = str_from_at(value, 1);
		p->at++;
	}
	if (from.n == 0 || !(whole ? str_ieq(value, from) : str_starts(value, from)))
		return CHANGE_NONE;
	p->n = from.n;
	return fill(r, rule->to, NULL, &p->becomes) ? CHANGE_MADE : CHANGE_FAILED;
}

/* The first of the rules for this kind that fits a value; p->at is where that begins. */
static enum change find(struct request *r, struct str rules, enum policy_edit_what what,
			struct str value, struct place *p)
{
	enum change c = CHANGE_NONE;
	struct policy_edit_view rule;
	size_t at = p->at;

	while (c == CHANGE_NONE && policy_edit_next(&rules, &rule)) {
		p->at = at;
		if (rule.what != what)
			continue;
		c = rule.how == EDIT_REGEX || rule.how == EDIT_REGEX_ANY_CASE
			? by_regex(r, &rule, value, p)
			: by_text(r, &rule, value, p);
	}
	return c;
}

/* --- fields -------------------------------------------------------------------------------- */

static enum change put(struct request *r, struct field *f, const struct place *p)
{
	size_t n = f->value_n - p->n + p->becomes.n;
	char *to = arena_alloc(&r->arena, n + 1);

	if (to == NULL)
		return CHANGE_FAILED;
	memcpy(to, f->value, p->at);
	if (p->becomes.n > 0)
		memcpy(to + p->at, p->becomes.p, p->becomes.n);
	memcpy(to + p->at + p->becomes.n, f->value + p->at + p->n, f->value_n - p->at - p->n);
	f->value = to;
	f->value_n = (uint32_t)n;
	return CHANGE_MADE;
}

static struct str value_of(const struct field *f)
{
	return str_make(f->value, f->value_n);
}

static enum change redirect(struct request *r, struct str rules, struct field *f, size_t at)
{
	struct place p = {.at = at};
	enum change c = at == f->value_n
			    ? CHANGE_NONE
			    : find(r, rules, EDIT_REDIRECT, str_from_at(value_of(f), at), &p);

	return c == CHANGE_MADE ? put(r, f, &p) : c;
}

/* "5; url=/there": its URL, if it has one. */
static enum change refresh(struct request *r, struct str rules, struct field *f)
{
	struct str v = value_of(f);

	for (size_t i = 0; i + 4 <= v.n; i++)
		if (str_ieq(str_make(v.p + i, 4), STR("url=")))
			return redirect(r, rules, f, i + 4);
	return CHANGE_NONE;
}

static enum change set_cookie(struct request *r, struct str rules, struct field *f)
{
	struct set_cookie_attr a;
	enum change c = CHANGE_NONE;
	size_t from = 0;

	while (c != CHANGE_FAILED && set_cookie_next(value_of(f), &from, &a)) {
		bool domain = str_ieq(a.name, STR("domain"));
		struct place p = {.at = a.at};

		if (a.n == 0 || (!domain && !str_ieq(a.name, STR("path"))))
			continue;
		c = find(r, rules, domain ? EDIT_COOKIE_DOMAIN : EDIT_COOKIE_PATH,
			 str_make(f->value + a.at, a.n), &p);
		if (c == CHANGE_MADE)
			c = put(r, f, &p);
		if (c == CHANGE_MADE) /* what was put there is not read again */
			from = p.at + p.becomes.n;
	}
	return c;
}

int edits_apply(struct request *r, struct head *h)
{
	struct str rules = policy_find(r->route.policy, POLICY_OPT_EDITS);
	enum change c = CHANGE_NONE;

	for (uint16_t i = 0; i < h->n_fields && c != CHANGE_FAILED; i++) {
		struct field *f = &h->fields[i];

		if (f->drop || f->value_n == 0)
			continue;
		if (f->id == FIELD_LOCATION)
			c = redirect(r, rules, f, 0);
		else if (f->id == FIELD_REFRESH)
			c = refresh(r, rules, f);
		else if (f->id == FIELD_SET_COOKIE)
			c = set_cookie(r, rules, f);
	}
	return c == CHANGE_FAILED ? -1 : 0;
}
