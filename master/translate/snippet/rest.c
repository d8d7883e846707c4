/* rest: allow and deny, default_type, access_log; what only an auth-snippet may hold. */
#include "common/policy/policy.h"
#include "master/translate/snippet/build.h"

#define RULES_MAX 128

static bool put_rule(struct build *b, const struct directive *d, bool allow)
{
	struct text *list = build_list(b, SNIP_ACCESS);
	struct snip_rule rule = {.allow = allow};
	struct policy_net net;

	if (list->n / sizeof(rule) == RULES_MAX)
		return build_refuse(b, d, "there are more than 128 rules of allow and deny");
	if (!str_eq(d->word[1], STR("all"))) {
		if (!policy_net_parse(d->word[1], &net))
			return build_refuse(b, d,
					    "\"" STR_FMT
					    "\" is neither an IP address nor a network "
					    "(192.0.2.0/24), nor all",
					    STR_ARG(str_head(d->word[1], 60)));
		memcpy(rule.ip, net.ip, sizeof(rule.ip));
		rule.family = net.family;
		rule.bits = net.bits;
	}
	text_str(list, str_make((const char *)&rule, sizeof(rule)));
	return true;
}

bool do_allow(struct build *b, const struct directive *d)
{
	return put_rule(b, d, true);
}

bool do_deny(struct build *b, const struct directive *d)
{
	return put_rule(b, d, false);
}

/* type/subtype and what follows it: visible characters and blanks. */
static bool is_type(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] < 0x20 || s.p[i] >= 0x7f)
			return false;
	return s.n > 0 && s.n <= 100 && str_chr(s, '/') > 0 && str_chr(s, '$') == -1;
}

bool do_default_type(struct build *b, const struct directive *d)
{
	struct text *list = build_list(b, SNIP_TYPE);

	if (!is_type(d->word[1]))
		return build_refuse(b, d, "default_type takes a media type such as text/plain");
	list->n = 0;
	text_str(list, d->word[1]);
	return true;
}

bool do_access_log(struct build *b, const struct directive *d)
{
	struct text *list = build_list(b, SNIP_LOG);
	bool off = d->n == 2 && str_eq(d->word[1], STR("off"));

	list->n = 0;
	text_str(list, off ? STR("off") : STR("on"));
	return off || build_note(b, d,
				 "where lines go and what is in them are settings of all: "
				 "access-log-path, log-format-upstream");
}

/* --- of a question ------------------------------------------------------------------------- */

static bool is_off(const struct directive *d)
{
	return str_eq(d->word[1], STR("off"));
}

bool do_pass_fields(struct build *b, const struct directive *d)
{
	struct text *list = build_list(b, SNIP_PASS);

	list->n = 0;
	text_str(list, is_off(d) ? STR("off") : STR("on"));
	return true;
}

bool do_pass_body(struct build *b, const struct directive *d)
{
	return is_off(d)
		   ? true
		   : build_refuse(b, d, "a question has no content: an auth service gets the head");
}

bool do_auth_set(struct build *b, const struct directive *d)
{
	if (b->block != IN_AUTH)
		return build_refuse(b, d,
				    "auth_request_set is not supported: use the annotation "
				    "auth-response-headers");
	return build_note(b, d, "in an auth-snippet it gives no variable a value, as in nginx");
}
