/* selector: see selector.h. */
#include "k8s/objects/selector.h"

#include <string.h>

enum op {
	OP_EXISTS,
	OP_ABSENT,
	OP_IN,
	OP_NOT_IN,
};

struct requirement {
	enum op op;
	struct str key;
	struct str values; /* of IN and NOT_IN: comma separated */
};

static bool is_word_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       strchr("-._/", c) != NULL;
}

static void skip_blanks(struct str *s)
{
	while (s->n > 0 && (s->p[0] == ' ' || s->p[0] == '\t'))
		*s = str_from_at(*s, 1);
}

static struct str take_word(struct str *s)
{
	struct str word = {s->p, 0};

	while (word.n < s->n && s->p[word.n] != '\0' && is_word_char(s->p[word.n]))
		word.n++;
	*s = str_from_at(*s, word.n);
	skip_blanks(s);
	return word;
}

static bool take_token(struct str *s, struct str token)
{
	if (!str_starts(*s, token))
		return false;
	*s = str_from_at(*s, token.n);
	skip_blanks(s);
	return true;
}

/* "(a, b)": the text between the brackets. */
static const char *take_set(struct str *s, struct requirement *r)
{
	ptrdiff_t end = str_chr(*s, ')');

	if (!str_starts(*s, STR("(")) || end == -1)
		return "\"in\" and \"notin\" are followed by values in brackets";
	r->values = str_make(s->p + 1, (size_t)end - 1);
	for (size_t i = 0; i < r->values.n; i++)
		if (!is_word_char(r->values.p[i]) && strchr(", \t", r->values.p[i]) == NULL)
			return "a value has a character that labels cannot have";
	*s = str_from_at(*s, (size_t)end + 1);
	skip_blanks(s);
	return NULL;
}

static const char *take_operator(struct str *s, struct requirement *r)
{
	bool not_equal = take_token(s, STR("!="));

	if (not_equal || take_token(s, STR("==")) || take_token(s, STR("="))) {
		r->op = not_equal ? OP_NOT_IN : OP_IN;
		r->values = take_word(s); /* may be empty */
		return NULL;
	}
	if (s->n == 0 || s->p[0] == ',') {
		r->op = OP_EXISTS;
		return NULL;
	}
	r->op = take_token(s, STR("notin")) ? OP_NOT_IN : OP_IN;
	if (r->op == OP_IN && !take_token(s, STR("in")))
		return "a label is followed by =, ==, !=, in, notin or nothing";
	return take_set(s, r);
}

/* The next requirement, its comma taken too. */
static const char *take_requirement(struct str *s, struct requirement *r)
{
	const char *wrong = NULL;
	bool absent = take_token(s, STR("!"));

	*r = (struct requirement){.key = take_word(s)};
	if (r->key.n == 0)
		return "a label's name is missing";
	if (absent)
		r->op = OP_ABSENT;
	else
		wrong = take_operator(s, r);
	if (wrong != NULL)
		return wrong;
	if (s->n > 0 && !take_token(s, STR(",")))
		return "requirements are separated by commas";
	return NULL;
}

static bool is_in(struct str value, struct str list)
{
	for (;;) {
		ptrdiff_t comma = str_chr(list, ',');

		if (str_eq(value, str_trim(comma == -1 ? list : str_head(list, (size_t)comma))))
			return true;
		if (comma == -1)
			return false;
		list = str_from_at(list, (size_t)comma + 1);
	}
}

static bool holds(const struct requirement *r, const struct obj_map *labels)
{
	const struct str *value = obj_map_get(labels, r->key);

	switch (r->op) {
	case OP_EXISTS:
		return value != NULL;
	case OP_ABSENT:
		return value == NULL;
	case OP_IN:
		return value != NULL && is_in(*value, r->values);
	case OP_NOT_IN:
		return value == NULL || !is_in(*value, r->values);
	}
	return false;
}

const char *selector_wrong(struct str text)
{
	struct requirement r;

	skip_blanks(&text);
	while (text.n > 0) {
		const char *wrong = take_requirement(&text, &r);

		if (wrong != NULL)
			return wrong;
	}
	return NULL;
}

bool selector_matches(struct str text, const struct obj_map *labels)
{
	struct requirement r;

	skip_blanks(&text);
	while (text.n > 0)
		if (take_requirement(&text, &r) != NULL || !holds(&r, labels))
			return false;
	return true;
}
