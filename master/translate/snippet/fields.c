/* fields: directives about header fields, into lists of policy_header.h. */
#include <stdio.h>

#include "common/policy/policy_header.h"
#include "k8s/text/nginx_time.h"
#include "master/translate/snippet/build.h"

#define TEXT_MAX LEX_TEXT_MAX
#define MUST_NOT "belongs to the connection or says where a message ends"

/* One entry of a list. */
static bool put(struct build *b, const struct directive *d, enum snip_list list,
		enum policy_header_op op, struct str name, struct str value)
{
	char space[TEXT_MAX], why[VARS_WHY_MAX];
	struct text program;

	if (!policy_header_clean(value))
		return build_refuse(b, d, "the value of a header holds a control character");
	text_fixed(&program, space, sizeof(space));
	if (!template_compile(b, d, value, &program))
		return false;
	if (policy_header_put_program(build_list(b, list), op, name, str_make(program.p, program.n),
				      why) != VARS_OK)
		return build_refuse(b, d, "%s", why);
	return true;
}

/* Fields by which nginx asks for an upgrade, or for none: what is meant happens anyway. */
static bool is_upgrade(struct str name)
{
	return str_ieq(name, STR("Connection")) || str_ieq(name, STR("Upgrade")) ||
	       str_ieq(name, STR("Keep-Alive")) || str_ieq(name, STR("Proxy-Connection"));
}

static bool note_upgrade(struct build *b, const struct directive *d, struct str name)
{
	return build_note(b, d,
			  STR_FMT " is said to each side as its connection needs it; upgrades as "
				  "to WebSocket pass",
			  STR_ARG(str_head(name, 40)));
}

static bool refuse_framing(struct build *b, const struct directive *d, struct str name)
{
	return build_refuse(b, d, "header " STR_FMT " " MUST_NOT, STR_ARG(str_head(name, 40)));
}

/* --- to the client ------------------------------------------------------------------------- */

/* "Name: value", where a name alone has an empty value. */
static void split(struct str word, struct str *name, struct str *value)
{
	ptrdiff_t colon = str_chr(word, ':');

	*name = str_trim(colon == -1 ? word : str_head(word, (size_t)colon));
	*value = colon == -1 ? STR_NONE : str_trim(str_from_at(word, (size_t)colon + 1));
}

static bool is_option(const struct directive *d, unsigned i)
{
	return d->word[i].n > 0 && d->word[i].p[0] == '-';
}

static bool set_one(struct build *b, const struct directive *d, struct str word)
{
	struct str name, value;

	split(word, &name, &value);
	if (is_upgrade(name))
		return note_upgrade(b, d, name);
	if (policy_header_frames(name))
		return refuse_framing(b, d, name);
	return put(b, d, SNIP_MORE, HEADER_SET, name, value);
}

bool do_more_set(struct build *b, const struct directive *d)
{
	for (unsigned i = 1; i < d->n; i++) {
		if (is_option(d, i))
			return build_refuse(b, d,
					    "the options of %s are not supported: remove "
					    "them",
					    "more_set_headers");
		if (!set_one(b, d, d->word[i]))
			return false;
	}
	return true;
}

/* Names, each word one or several; "*" at the end is whatever follows. */
static bool clear_all(struct build *b, const struct directive *d, enum snip_list list)
{
	for (unsigned i = 1; i < d->n; i++) {
		struct str name, unused;

		if (is_option(d, i))
			return build_refuse(b, d, "its options are not supported: remove them");
		split(d->word[i], &name, &unused);
		if (policy_header_frames(name))
			return refuse_framing(b, d, name);
		if (!put(b, d, list, HEADER_CLEAR, name, STR_NONE))
			return false;
	}
	return true;
}

bool do_more_clear(struct build *b, const struct directive *d)
{
	return clear_all(b, d, SNIP_MORE);
}

bool do_add_header(struct build *b, const struct directive *d)
{
	bool always = d->n == 4;
	struct str name = d->word[1];

	if (always && !str_eq(d->word[3], STR("always")))
		return build_refuse(b, d, "add_header takes a name, a value, and always");
	if (is_upgrade(name))
		return note_upgrade(b, d, name);
	if (policy_header_frames(name))
		return refuse_framing(b, d, name);
	return put(b, d, SNIP_ADD, always ? HEADER_ADD_ALWAYS : HEADER_ADD, name, d->word[2]);
}

bool do_hide_header(struct build *b, const struct directive *d)
{
	if (policy_header_frames(d->word[1]))
		return refuse_framing(b, d, d->word[1]);
	return put(b, d, SNIP_HIDE, HEADER_HIDE, d->word[1], STR_NONE);
}

/* --- expires ------------------------------------------------------------------------------- */

static bool put_expires(struct build *b, const struct directive *d, struct str date,
			struct str control)
{
	if (date.n > 0 && !put(b, d, SNIP_EXPIRES, HEADER_SET_GOOD, STR("Expires"), date))
		return false;
	return put(b, d, SNIP_EXPIRES, HEADER_SET_GOOD, STR("Cache-Control"), control);
}

bool do_expires(struct build *b, const struct directive *d)
{
	struct str when = d->word[1];
	char text[40];
	uint32_t seconds;

	if (str_eq(when, STR("off"))) /* an entry that adds nothing, so that nothing is inherited */
		return put(b, d, SNIP_EXPIRES, HEADER_ADD, STR("Expires"), STR_NONE);
	if (str_eq(when, STR("epoch")))
		return put_expires(b, d, STR("Thu, 01 Jan 1970 00:00:01 GMT"), STR("no-cache"));
	if (str_eq(when, STR("max")))
		return put_expires(b, d, STR("Thu, 31 Dec 2037 23:55:55 GMT"),
				   STR("max-age=315360000"));
	if (when.n > 1 && when.p[0] == '-' &&
	    nginx_seconds(str_from_at(when, 1), INT32_MAX, &seconds))
		return put_expires(b, d, STR_NONE, STR("no-cache"));
	if (when.n > 0 && when.p[0] == '+')
		when = str_from_at(when, 1);
	if (!nginx_seconds(when, INT32_MAX, &seconds))
		return build_refuse(b, d, "expires takes off, epoch, max or a time such as 30d");
	(void)snprintf(text, sizeof(text), "max-age=%u", seconds);
	return put_expires(b, d, STR_NONE, str_from(text));
}

/* --- to the endpoint ----------------------------------------------------------------------- */

static bool send_one(struct build *b, const struct directive *d, enum snip_list list,
		     enum policy_header_op op, struct str name, struct str value)
{
	if (str_ieq(name, STR("Host")) && value.n > 0)
		return put(b, d, list, HEADER_HOST, name, value);
	if (is_upgrade(name))
		return note_upgrade(b, d, name);
	if (policy_header_frames(name))
		return refuse_framing(b, d, name);
	return put(b, d, list, op, name, value);
}

/* A question has no content, and is never an upgrade: what says so is said anyway. */
static bool send_of_question(struct build *b, const struct directive *d)
{
	struct str name = d->word[1];

	if (d->word[2].n == 0 && !str_ieq(name, STR("Host")) && policy_header_frames(name))
		return build_note(b, d, "a question has no content");
	return send_one(b, d, SNIP_SEND, HEADER_SET, name, d->word[2]);
}

bool do_send_header(struct build *b, const struct directive *d)
{
	if (b->block == IN_AUTH)
		return send_of_question(b, d);
	if (b->block != IN_PATH)
		return build_note(b, d,
				  "it has no effect here, as in ingress-nginx, whose locations "
				  "have their own: move it into a configuration-snippet");
	return send_one(b, d, SNIP_SEND, HEADER_SET, d->word[1], d->word[2]);
}

bool do_input_set(struct build *b, const struct directive *d)
{
	bool replace = d->n > 2 && str_eq(d->word[1], STR("-r"));

	for (unsigned i = replace ? 2 : 1; i < d->n; i++) {
		struct str name, value;

		if (is_option(d, i))
			return build_refuse(b, d,
					    "of its options only -r is supported: remove the "
					    "others");
		split(d->word[i], &name, &value);
		if (!send_one(b, d, SNIP_INPUT, replace ? HEADER_REPLACE : HEADER_SET, name, value))
			return false;
	}
	return true;
}

bool do_input_clear(struct build *b, const struct directive *d)
{
	return clear_all(b, d, SNIP_INPUT);
}
