/* policy_edit: see policy_edit.h. */
#include "common/policy/policy_edit.h"

#include <stdio.h>

struct part_head {
	uint16_t program_n;
	int16_t group;
};

bool policy_edit_next(struct str *list, struct policy_edit_view *out)
{
	struct policy_edit h;
	size_t rest;

	if (list->n < sizeof(h))
		return false;
	memcpy(&h, list->p, sizeof(h));
	rest = list->n - sizeof(h);
	if (h.from_n > rest || h.to_n > rest - h.from_n || h.what > EDIT_COOKIE_PATH ||
	    h.how > EDIT_REGEX_ANY_CASE)
		return false;
	*out = (struct policy_edit_view){
	    .what = (enum policy_edit_what)h.what,
	    .how = (enum policy_edit_how)h.how,
	    .from = str_make(list->p + sizeof(h), h.from_n),
	    .to = str_make(list->p + sizeof(h) + h.from_n, h.to_n),
	};
	*list = str_from_at(*list, sizeof(h) + h.from_n + h.to_n);
	return true;
}

bool policy_edit_next_part(struct str *to, struct policy_edit_part *out)
{
	struct part_head h;

	if (to->n < sizeof(h))
		return false;
	memcpy(&h, to->p, sizeof(h));
	if (h.program_n > to->n - sizeof(h) || h.group < -1 || h.group >= POLICY_EDIT_GROUPS)
		return false;
	out->program = str_make(to->p + sizeof(h), h.program_n);
	out->group = h.group;
	*to = str_from_at(*to, sizeof(h) + h.program_n);
	return true;
}

/* --- making them --------------------------------------------------------------------------- */

static enum policy_edit_how how_of(enum policy_edit_what what, struct str *from)
{
	bool any_case = str_starts(*from, STR("~*"));

	if (any_case || str_starts(*from, STR("~"))) {
		*from = str_from_at(*from, any_case ? 2 : 1);
		/* Domains have no case (RFC 6265 §5.1.3). */
		return any_case || what == EDIT_COOKIE_DOMAIN ? EDIT_REGEX_ANY_CASE : EDIT_REGEX;
	}
	if (what != EDIT_COOKIE_DOMAIN)
		return EDIT_PREFIX;
	if (str_starts(*from, STR(".")))
		*from = str_from_at(*from, 1);
	return EDIT_WHOLE;
}

/* Where the first $1 to $9 stands; the length of s: there is none. */
static size_t group_at(struct str s)
{
	for (size_t i = 0; i + 1 < s.n; i++)
		if (s.p[i] == '$' && s.p[i + 1] >= '1' && s.p[i + 1] <= '9')
			return i;
	return s.n;
}

static void raw(struct text *t, const void *p, size_t n)
{
	text_str(t, str_make(p, n));
}

static enum vars_result put_part(struct text *to, struct str template, int group,
				 char why[VARS_WHY_MAX])
{
	char buf[VARS_PROGRAM_MAX];
	enum vars_result result;
	struct text program;
	struct part_head h;

	text_fixed(&program, buf, sizeof(buf));
	result = vars_compile(template, &program, why);
	if (result == VARS_BAD)
		return result;
	h = (struct part_head){.program_n = (uint16_t)program.n, .group = (int16_t)group};
	raw(to, &h, sizeof(h));
	raw(to, program.p, program.n);
	return result;
}

static enum vars_result put_parts(struct text *to, struct str template, bool groups,
				  char why[VARS_WHY_MAX])
{
	enum vars_result worst = VARS_OK;
	char said[VARS_WHY_MAX];

	while (template.n > 0) {
		size_t at = groups ? group_at(template) : template.n;
		bool found = at < template.n;
		enum vars_result result = put_part(to, str_head(template, at),
						   found ? template.p[at + 1] - '0' : -1, said);

		if (result > worst) {
			worst = result;
			memcpy(why, said, sizeof(said));
		}
		template = str_from_at(template, found ? at + 2 : at);
	}
	return worst;
}

static enum vars_result put_from(struct text *out, struct str from, enum policy_edit_how how,
				 char why[VARS_WHY_MAX])
{
	if (how != EDIT_REGEX && how != EDIT_REGEX_ANY_CASE)
		return vars_compile(from, out, why);
	text_str(out, from);
	return VARS_OK;
}

static enum vars_result put_edit(struct text *list, struct policy_edit head, struct str from,
				 struct str to)
{
	if (!text_reserve(list, sizeof(head) + from.n + to.n))
		return VARS_BAD;
	raw(list, &head, sizeof(head));
	text_str(list, from);
	text_str(list, to);
	return VARS_OK;
}

enum vars_result policy_edit_put(struct text *list, enum policy_edit_what what, struct str from,
				 struct str to, char why[VARS_WHY_MAX])
{
	enum policy_edit_how how = how_of(what, &from);
	char from_buf[VARS_PROGRAM_MAX], to_buf[VARS_PROGRAM_MAX];
	struct text from_t, to_t;
	enum vars_result result, second;
	struct policy_edit head;

	why[0] = '\0';
	text_fixed(&from_t, from_buf, sizeof(from_buf));
	text_fixed(&to_t, to_buf, sizeof(to_buf));
	if (what == EDIT_COOKIE_DOMAIN && str_starts(to, STR(".")))
		to = str_from_at(to, 1);
	result = put_from(&from_t, from, how, why);
	if (result == VARS_BAD)
		return result;
	second = put_parts(&to_t, to, how == EDIT_REGEX || how == EDIT_REGEX_ANY_CASE, why);
	result = second > result ? second : result;
	head = (struct policy_edit){.what = (uint8_t)what,
				    .how = (uint8_t)how,
				    .from_n = (uint16_t)from_t.n,
				    .to_n = (uint32_t)to_t.n};
	if (result == VARS_BAD)
		return result;
	if (from_t.full || to_t.full ||
	    put_edit(list, head, str_make(from_t.p, from_t.n), str_make(to_t.p, to_t.n)) ==
		VARS_BAD) {
		(void)snprintf(why, VARS_WHY_MAX, "the text is too long");
		return VARS_BAD;
	}
	return result;
}
