/* flow: nginx' rewrite module in snippets: set, if, return, rewrite, break. */
#include "master/translate/regex_check.h"
#include "master/translate/snippet/build.h"

#define TEXT_MAX LEX_TEXT_MAX /* bytes of a template: nothing longer fits into a program */

/* A regular expression that compiles under the limits of those that are run. */
static bool regex_ok(struct build *b, const struct directive *d, struct str pattern)
{
	char err[REGEX_ERROR_MAX];

	if (regex_check(pattern, err))
		return true;
	return build_refuse(b, d, "\"" STR_FMT "\" is no regular expression: %s",
			    STR_ARG(str_head(pattern, 60)), err);
}

bool do_set(struct build *b, const struct directive *d)
{
	char space[TEXT_MAX], lower[SNIPPET_NAME_MAX];
	struct str name = d->word[1];
	struct text value;
	size_t n = 0;

	if (!template_names(b, d, name))
		return false;
	for (size_t i = 1; i < name.n; i++)
		if (name.p[i] != '{' && name.p[i] != '}')
			lower[n++] = ascii_lower(name.p[i]);
	text_fixed(&value, space, sizeof(space));
	if (!template_decides(b, d, d->word[2], &value))
		return false;
	(void)build_op(b, (struct snip_op){.code = SNIP_SET}, str_make(lower, n),
		       str_make(value.p, value.n));
	return true;
}

/* --- if ------------------------------------------------------------------------------------ */

/* What stands between the parentheses, word by word. */
static bool take_parentheses(struct build *b, const struct directive *d, struct str word[3],
			     unsigned *n)
{
	unsigned last = d->n - 1;

	*n = 0;
	if (d->n < 2 || d->quoted[1] || d->word[1].n == 0 || d->word[1].p[0] != '(' ||
	    d->quoted[last] || d->word[last].n == 0 || d->word[last].p[d->word[last].n - 1] != ')')
		return build_refuse(b, d, "the condition of if must stand in parentheses");
	for (unsigned i = 1; i <= last; i++) {
		struct str w = d->word[i];

		if (i == 1)
			w = str_from_at(w, 1);
		if (i == last && w.n > 0)
			w.n--;
		if (w.n == 0 && !d->quoted[i])
			continue; /* the parenthesis stood alone */
		if (*n == 3)
			return build_refuse(b, d, "the condition of if has too many words");
		word[(*n)++] = w.n == 0 ? STR("") : w;
	}
	return true;
}

static bool test_of(struct str word, enum snip_test *out)
{
	static const struct {
		const char *word;
		enum snip_test test;
	} tests[] = {
	    {"=", SNIP_EQUAL},          {"!=", SNIP_DIFFERS},  {"~", SNIP_FITS},
	    {"~*", SNIP_FITS_ANY_CASE}, {"!~", SNIP_FITS_NOT}, {"!~*", SNIP_FITS_NOT_ANY_CASE},
	};

	for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)
		if (str_eq(word, str_from(tests[i].word))) {
			*out = tests[i].test;
			return true;
		}
	return false;
}

static bool is_text_test(enum snip_test test)
{
	return test == SNIP_EQUAL || test == SNIP_DIFFERS;
}

/* What the value is compared with. */
static bool compile_other(struct build *b, const struct directive *d, enum snip_test test,
			  struct str word, struct text *out)
{
	if (is_text_test(test))
		return template_decides(b, d, word, out);
	if (!regex_ok(b, d, word))
		return false;
	text_str(out, word);
	return out->full ? build_refuse(b, d, "the regular expression is too long") : true;
}

bool flow_if(struct build *b, const struct directive *d, size_t *at)
{
	char left[256], right[TEXT_MAX];
	enum snip_test test = SNIP_TRUE;
	struct text subject, other;
	struct str word[3];
	unsigned n;

	if (!take_parentheses(b, d, word, &n))
		return false;
	if (n > 0 && word[0].n > 0 && (word[0].p[0] == '-' || word[0].p[0] == '!'))
		return build_refuse(b, d, "if cannot look for files: there are none");
	if ((n != 1 && n != 3) || (n == 3 && !test_of(word[1], &test)) || word[0].n < 2 ||
	    word[0].p[0] != '$')
		return build_refuse(b, d,
				    "the condition of if must be a variable, or a variable, one of "
				    "= != ~ ~* !~ !~*, and a text");
	text_fixed(&subject, left, sizeof(left));
	text_fixed(&other, right, sizeof(right));
	if (!template_decides(b, d, word[0], &subject) ||
	    (n == 3 && !compile_other(b, d, test, word[2], &other)))
		return false;
	if (b->p->n_scopes == SNIP_SCOPES_MAX)
		return build_refuse(b, d, "there are more than 31 ifs");
	b->captures |= test == SNIP_FITS || test == SNIP_FITS_ANY_CASE;
	*at = build_op(b,
		       (struct snip_op){.code = SNIP_IF,
					.how = (uint8_t)test,
					.scope = (uint16_t)b->p->n_scopes++},
		       str_make(subject.p, subject.n), str_make(other.p, other.n));
	return true;
}

/* --- return -------------------------------------------------------------------------------- */

static bool is_place(struct str s)
{
	return str_starts(s, STR("http://")) || str_starts(s, STR("https://")) ||
	       str_starts(s, STR("$scheme"));
}

static bool is_redirect(uint64_t status)
{
	return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

static bool may_return(uint64_t status)
{
	return status == 200 || status == 201 || status == 202 || status == 204 ||
	       is_redirect(status) || (status >= 400 && status <= 599);
}

static bool emit_return(struct build *b, const struct directive *d, uint64_t status,
			struct str what)
{
	bool place = is_redirect(status);
	char space[TEXT_MAX];
	struct text text;

	text_fixed(&text, space, sizeof(space));
	if (!template_compile(b, d, what, &text))
		return false;
	(void)build_op(b,
		       (struct snip_op){.code = SNIP_RETURN,
					.how = (uint8_t)(what.p == NULL ? SNIP_NOTHING
							 : place        ? SNIP_PLACE
									: SNIP_TEXT),
					.arg = (uint16_t)status},
		       str_make(text.p, text.n), STR_NONE);
	return true;
}

/* In the place of an auth service's answer, of which the status is all that matters. */
static bool return_verdict(struct build *b, const struct directive *d)
{
	uint64_t status;

	if (!str_u64(d->word[1], 999, &status) ||
	    (status != 200 && status != 201 && status != 202 && status != 204 && status != 401 &&
	     status != 403))
		return build_refuse(b, d,
				    "return of a question takes 200, 201, 202, 204, which let in, "
				    "401 or 403");
	return emit_return(b, d, status, STR_NONE);
}

bool do_return(struct build *b, const struct directive *d)
{
	struct str what = d->n > 2 ? d->word[2] : STR_NONE;
	uint64_t status;

	if ((b->block & IN_QUESTION) != 0)
		return return_verdict(b, d);
	if (d->n == 2 && is_place(d->word[1]))
		return emit_return(b, d, 302, d->word[1]);
	if (!str_u64(d->word[1], 999, &status) || !may_return(status))
		return build_refuse(b, d,
				    "return takes 200, 201, 202, 204, 301, 302, 303, 307, 308, "
				    "400 to 599, or a URL with http://, https:// or $scheme");
	if (status == 204 && what.n > 0)
		return build_refuse(b, d, "an answer of status 204 has no content");
	return emit_return(b, d, status, what.n > 0 ? what : STR_NONE);
}

/* --- rewrite ------------------------------------------------------------------------------- */

static bool flag_of(struct str word, enum snip_flag *out)
{
	static const struct {
		const char *word;
		enum snip_flag flag;
	} flags[] = {{"last", SNIP_LAST},
		     {"break", SNIP_STAY},
		     {"redirect", SNIP_MOVED_FOR_NOW},
		     {"permanent", SNIP_MOVED_FOR_GOOD}};

	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
		if (str_eq(word, str_from(flags[i].word))) {
			*out = flags[i].flag;
			return true;
		}
	return false;
}

/* | struct snip_target | path | query |; a "?" at the end drops the query that was there. */
static bool compile_target(struct build *b, const struct directive *d, struct text *out)
{
	struct str path = d->word[2], query = STR_NONE;
	struct snip_target head = {.drops = str_ends(path, STR("?"))};
	ptrdiff_t mark;
	size_t from = out->n;

	path.n -= head.drops;
	mark = str_chr(path, '?');
	head.has_query = mark != -1;
	if (mark != -1) {
		query = str_from_at(path, (size_t)mark + 1);
		path.n = (size_t)mark;
	}
	text_str(out, str_make((const char *)&head, sizeof(head)));
	if (!template_compile(b, d, path, out))
		return false;
	head.path_n = (uint16_t)(out->n - from - sizeof(head));
	memcpy(out->p + from, &head, sizeof(head));
	return template_compile(b, d, query, out);
}

bool do_rewrite(struct build *b, const struct directive *d)
{
	enum snip_flag flag = SNIP_GO_ON;
	char space[TEXT_MAX];
	struct text target;

	if (d->n == 4 && !flag_of(d->word[3], &flag))
		return build_refuse(b, d, "rewrite takes last, break, redirect or permanent");
	if (is_place(d->word[2]) && flag != SNIP_MOVED_FOR_GOOD)
		flag = SNIP_MOVED_FOR_NOW;
	if (!regex_ok(b, d, d->word[1]))
		return false;
	b->captures = true;
	text_fixed(&target, space, sizeof(space));
	if (!compile_target(b, d, &target))
		return false;
	(void)build_op(b, (struct snip_op){.code = SNIP_REWRITE, .how = (uint8_t)flag}, d->word[1],
		       str_make(target.p, target.n));
	return true;
}

bool do_break(struct build *b, const struct directive *d)
{
	(void)d;
	(void)build_op(b, (struct snip_op){.code = SNIP_BREAK}, STR_NONE, STR_NONE);
	return true;
}
