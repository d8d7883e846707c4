/* template: text with variables; beside those of common/vars there are $1 to $9, of the regular
 * expression that matched last, and the variables that the snippet sets. */
#include <stdio.h>

#include "common/policy/policy_map.h"
#include "master/translate/snippet/build.h"

static bool is_name(char c)
{
	c = ascii_lower(c);
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
}

static void emit(struct text *out, enum var_id id, struct str text)
{
	struct vars_op op = {.id = (uint16_t)id, .n = (uint16_t)text.n};

	text_str(out, str_make((const char *)&op, sizeof(op)));
	text_str(out, text);
}

/* The variable at the beginning of rest, with "$" and braces; its name. Empty: there is none. */
static struct str variable(struct str rest, struct str *name)
{
	bool braces = rest.n > 1 && rest.p[1] == '{';
	size_t from = braces ? 2 : 1, to = from;

	if (!braces && rest.n > 1 && rest.p[1] >= '1' && rest.p[1] <= '9') { /* one digit */
		*name = str_make(rest.p + 1, 1);
		return str_head(rest, 2);
	}
	while (to < rest.n && is_name(rest.p[to]))
		to++;
	*name = str_make(rest.p + from, to - from);
	if (to == from || (braces && (to == rest.n || rest.p[to] != '}')))
		return STR_NONE;
	return str_head(rest, to + braces);
}

/* In lower case; false: too long. */
static bool lower(struct str name, char to[SNIPPET_NAME_MAX + 1])
{
	if (name.n > SNIPPET_NAME_MAX)
		return false;
	for (size_t i = 0; i < name.n; i++)
		to[i] = ascii_lower(name.p[i]);
	to[name.n] = '\0';
	return true;
}

static bool is_set(const struct snippet_names *names, const char *name)
{
	for (unsigned i = 0; i < names->n; i++)
		if (strcmp(names->name[i], name) == 0)
			return true;
	return false;
}

static bool is_capture(struct str name)
{
	return name.n == 1 && name.p[0] >= '1' && name.p[0] <= '9';
}

/* --- of a question ------------------------------------------------------------------------- */

#define LOOKS_MAX 10000 /* at parts of maps; then it counts as one of the question's */

struct looking {
	struct str maps;
	unsigned left;
};

static bool looks_at_question(struct looking *l, struct str program, unsigned depth);

static bool map_looks_at_question(struct looking *l, const struct map_view *m, unsigned depth)
{
	struct str entries = m->entries;
	struct map_entry_view e;

	if (looks_at_question(l, m->source, depth) || looks_at_question(l, m->value, depth))
		return true;
	while (map_next_entry(&entries, &e))
		if (looks_at_question(l, e.value, depth))
			return true;
	return false;
}

/* nginx asks by a request of its own, whose path is internal and whose query is empty: what these
 * would decide there must not be decided by the client's, nor by a map of them. */
static bool looks_at_question(struct looking *l, struct str program, unsigned depth)
{
	struct vars_op op;
	struct str name;
	struct map_view m;

	while (vars_next(&program, &op, &name)) {
		if (l->left == 0)
			return true;
		l->left--;
		if (op.id == VAR_URI || op.id == VAR_DOCUMENT_URI || op.id == VAR_ARGS ||
		    op.id == VAR_QUERY_STRING || op.id == VAR_IS_ARGS || op.id == VAR_ARG)
			return true;
		if (op.id == VAR_NAMED && depth < MAP_DEPTH_MAX && map_find(l->maps, name, &m) &&
		    map_looks_at_question(l, &m, depth + 1))
			return true;
	}
	return false;
}

static bool question_may(struct build *b, const struct directive *d, const char *name,
			 struct str program)
{
	const struct text *maps = b->job->maps;
	struct looking l = {.left = LOOKS_MAX};

	if ((b->block & IN_QUESTION) == 0)
		return true;
	l.maps = maps == NULL ? STR_NONE : str_make(maps->p, maps->n);
	return !looks_at_question(&l, program, 0) ||
	       build_refuse(
		   b, d,
		   "$%s is made of what is of the question there, in nginx, and not of the "
		   "client's request: use $request_uri",
		   name);
}

/* --- variables ----------------------------------------------------------------------------- */

static bool take(struct build *b, const struct directive *d, struct str written, struct str name,
		 struct text *out)
{
	char text[SNIPPET_NAME_MAX + 1], why[VARS_WHY_MAX];
	size_t from = out->n;

	if (is_capture(name)) {
		if (!b->captures)
			return build_refuse(b, d,
					    "$%c has no value: no regular expression of the "
					    "snippet stands before it",
					    name.p[0]);
		emit(out, VAR_CAPTURE, name);
		return true;
	}
	if (!lower(name, text))
		return build_refuse(b, d, "the name of a variable is longer than 64 bytes");
	if (is_set(b->names, text)) {
		emit(out, VAR_OWN, str_from(text));
		return true;
	}
	if (vars_compile(written, out, why) == VARS_OK)
		return question_may(b, d, text, str_make(out->p + from, out->n - from));
	/* Nothing must be decided by what never has a value; a header without it is only less. */
	return vars_absent(str_from(text)) && !b->condition ? build_note(b, d, "%s", why)
							    : build_refuse(b, d, "%s", why);
}

bool template_compile(struct build *b, const struct directive *d, struct str text, struct text *out)
{
	while (text.n > 0) {
		ptrdiff_t dollar = str_chr(text, '$');
		struct str literal = dollar == -1 ? text : str_head(text, (size_t)dollar);
		struct str written, name;

		if (literal.n > 0)
			emit(out, VAR_LITERAL, literal);
		text = str_from_at(text, literal.n);
		if (text.n == 0)
			break;
		written = variable(text, &name);
		if (written.n == 0)
			return build_refuse(b, d, "\"$\" without the name of a variable");
		if (!take(b, d, written, name, out))
			return false;
		text = str_from_at(text, written.n);
	}
	return out->full ? build_refuse(b, d, "a value is too long") : true;
}

bool template_decides(struct build *b, const struct directive *d, struct str text, struct text *out)
{
	bool ok;

	b->condition = true;
	ok = template_compile(b, d, text, out);
	b->condition = false;
	return ok;
}

void template_literal(struct text *out, struct str text)
{
	if (text.n > 0)
		emit(out, VAR_LITERAL, text);
}

bool template_names(struct build *b, const struct directive *d, struct str word)
{
	char text[SNIPPET_NAME_MAX + 1], unused[64], why[VARS_WHY_MAX];
	struct str name, written;
	struct text probe;

	written = word.n > 0 && word.p[0] == '$' ? variable(word, &name) : STR_NONE;
	if (written.n != word.n || word.n == 0 || is_capture(name))
		return build_refuse(b, d, "\"" STR_FMT "\" is no name of a variable",
				    STR_ARG(str_head(word, 60)));
	if (!lower(name, text))
		return build_refuse(b, d, "the name of a variable is longer than 64 bytes");
	if (is_set(b->names, text))
		return true;
	text_fixed(&probe, unused, sizeof(unused));
	if (vars_compile(written, &probe, why) == VARS_OK)
		return build_refuse(b, d, "$%s cannot be set: it is known already", text);
	if (b->names->n == SNIPPET_NAMES_MAX)
		return build_refuse(b, d, "there are more than 32 variables");
	memcpy(b->names->name[b->names->n++], text, sizeof(text));
	return true;
}
