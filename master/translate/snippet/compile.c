/* compile: a snippet, block by block and directive by directive, into a program. See snippet.h. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/check.h"
#include "master/translate/regex_check.h"
#include "master/translate/snippet/build.h"
#include "master/translate/snippet/program.h"

enum form { /* of the value of a directive that is an annotation, too */
	FORM_SAME,
	FORM_TIME, /* nginx' time; annotations have seconds */
};

static const struct row {
	const char *name, *text;
	build_fn *fn; /* NULL: idle, not, or an annotation */
	unsigned where, least, most;
	int annotation; /* enum annot_id, or -1 */
	enum form form;
	char how;
} rows[] = {
#define DIRECTIVE(name, where, least, most, fn, text) \
	{name, text, fn, where, least, most, -1, FORM_SAME, 'd'},
#define DIRECTIVE_AS(name, annotation, form, text) \
	{name, text, NULL, 0, 1, 31, ANNOT_##annotation, FORM_##form, 'a'},
#define DIRECTIVE_IDLE(name, text) {name, text, NULL, 0, 0, 31, -1, FORM_SAME, 'i'},
#define DIRECTIVE_OFF(name, text)  {name, text, NULL, 0, 1, 31, -1, FORM_SAME, 'o'},
#define DIRECTIVE_NOT(name, text)  {name, text, NULL, 0, 0, 31, -1, FORM_SAME, 'n'},
#include "master/translate/snippet/directive_tbl.h"
};
#define N_ROWS (sizeof(rows) / sizeof(rows[0]))

const struct snippet_row *snippet_rows(size_t *n)
{
	static struct snippet_row all[N_ROWS];

	for (size_t i = 0; i < N_ROWS && all[N_ROWS - 1].name == NULL; i++)
		all[i] = (struct snippet_row){rows[i].name, rows[i].text, rows[i].how};
	*n = N_ROWS;
	return all;
}

static const struct row *find(struct str name)
{
	for (size_t i = 0; i < N_ROWS; i++)
		if (str_eq(name, str_from(rows[i].name)))
			return &rows[i];
	return NULL;
}

/* --- what the user is told ----------------------------------------------------------------- */

bool build_refuse(struct build *b, const struct directive *d, const char *fmt, ...)
{
	va_list ap;
	int n = snprintf(b->why, sizeof(b->why), "line %u: ", d->line);

	va_start(ap, fmt);
	(void)vsnprintf(b->why + n, sizeof(b->why) - (size_t)n, fmt, ap);
	va_end(ap);
	return false;
}

bool build_note(struct build *b, const struct directive *d, const char *fmt, ...)
{
	char text[BUILD_WHY_MAX];
	va_list ap;
	int n = snprintf(text, sizeof(text), "line %u: " STR_FMT " has no effect: ", d->line,
			 STR_ARG(str_head(d->word[0], 40)));

	va_start(ap, fmt);
	(void)vsnprintf(text + n, sizeof(text) - (size_t)n, fmt, ap);
	va_end(ap);
	b->user->tell(b->user->arg, SNIPPET_NOTE, text);
	return true;
}

static bool fatal(struct build *b, const struct directive *d, const char *why)
{
	b->fatal = true;
	return build_refuse(b, d, "%s", why);
}

/* --- one directive ------------------------------------------------------------------------- */

static bool refuse_name(struct build *b, const struct directive *d, const struct row *row)
{
	if (row == NULL)
		return build_refuse(b, d,
				    "\"" STR_FMT "\" is none of the directives that Silex reads: "
				    "remove it, or use the annotation for what it does",
				    STR_ARG(str_head(d->word[0], 40)));
	return build_refuse(b, d, "%s is not supported: %s", row->name, row->text);
}

/* nginx' time as whole seconds; false: it is none. */
static bool as_seconds(struct str in, char out[24], struct str *value)
{
	static const struct {
		const char *unit;
		uint64_t s;
	} units[] = {{"ms", 0}, {"s", 1}, {"m", 60}, {"h", 3600}, {"d", 86400}};
	uint64_t n, times = 1;

	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (str_ends(in, str_from(units[i].unit))) {
			times = units[i].s;
			in.n -= strlen(units[i].unit);
			break;
		}
	if (!str_u64(in, 4000000, &n))
		return false;
	n = times == 0 ? (n + 999) / 1000 : n * times;
	*value = str_make(out, (size_t)snprintf(out, 24, "%llu", (unsigned long long)n));
	return true;
}

/* The words behind the name as one value. */
static struct str join(const struct directive *d, char *to, size_t room)
{
	struct text t;

	text_fixed(&t, to, room);
	for (unsigned i = 1; i < d->n; i++) {
		if (i > 1)
			text_char(&t, ' ');
		text_str(&t, d->word[i]);
	}
	return str_make(t.p, t.n);
}

static bool as_annotation(struct build *b, const struct directive *d, const struct row *row)
{
	char joined[400], digits[24];
	struct str value = join(d, joined, sizeof(joined));
	const char *wrong;

	if (b->block != IN_PATH || b->user->give == NULL)
		return build_note(b, d, "every path has its own value: use the annotation (%s)",
				  row->text);
	if (row->form == FORM_TIME && !as_seconds(value, digits, &value))
		return build_refuse(b, d, "%s takes a time such as 60s", row->name);
	wrong = b->user->give(b->user->arg, (enum annot_id)row->annotation, value);
	return wrong == NULL || build_refuse(b, d, "%s \"" STR_FMT "\" %s", row->name,
					     STR_ARG(str_head(value, 40)), wrong);
}

static bool simple(struct build *b, const struct directive *d)
{
	const struct row *row = find(d->word[0]);

	if (row != NULL && row->how == 'o' && d->n == 2 && str_eq(d->word[1], STR("off")))
		return true;
	if (row == NULL || row->how == 'n' || row->how == 'o')
		return refuse_name(b, d, row);
	if (row->how == 'i')
		return build_note(b, d, "%s", row->text);
	if (d->n - 1 < row->least || d->n - 1 > row->most)
		return build_refuse(b, d, "%s has too %s words", row->name,
				    d->n - 1 < row->least ? "few" : "many");
	if (row->how == 'a')
		return as_annotation(b, d, row);
	if ((row->where & b->block) == 0)
		return build_refuse(b, d, "%s cannot stand in this block", row->name);
	return row->fn(b, d);
}

/* --- blocks -------------------------------------------------------------------------------- */

static bool read_block(struct build *b);

/* Past the block that is open, whatever is in it. False: it cannot be read. */
static bool skip_to(struct build *b, unsigned depth)
{
	struct directive d;

	while (b->depth > depth) {
		switch (lex_next(&b->lex, &d)) {
		case LEX_SIMPLE:
			break;
		case LEX_OPEN:
			b->depth++;
			break;
		case LEX_CLOSE:
			b->depth--;
			break;
		case LEX_EOF:
			return fatal(b, &d, "a block is not closed");
		case LEX_BAD:
			return fatal(b, &d, b->lex.why);
		}
	}
	return true;
}

static bool read_if(struct build *b, const struct directive *d)
{
	unsigned scope = b->scope;
	enum build_block around = b->block;
	size_t at, from;
	struct snip_op op;

	if ((b->block & IN_IF) != 0)
		return build_refuse(b, d, "if cannot stand in an if");
	if (!flow_if(b, d, &at))
		return false;
	from = b->p->ops.n;
	b->block = around == IN_SERVER ? IN_SERVER_IF
		   : around == IN_PATH ? IN_PATH_IF
				       : IN_LOCATION_IF;
	b->scope = b->p->n_scopes - 1;
	if (!read_block(b))
		return false;
	b->block = around;
	b->scope = scope;
	if (b->p->ops.full || b->p->ops.n - from > UINT16_MAX)
		return build_refuse(b, d, "it is too long");
	memcpy(&op, b->p->ops.p + at, sizeof(op));
	op.arg = (uint16_t)(b->p->ops.n - from);
	memcpy(b->p->ops.p + at, &op, sizeof(op));
	return true;
}

static bool kind_of(struct build *b, const struct directive *d, enum snip_kind *kind,
		    struct str *text)
{
	static const struct {
		const char *word;
		enum snip_kind kind;
	} kinds[] = {{"=", SNIP_EXACT},
		     {"^~", SNIP_PREFIX_FIRST},
		     {"~", SNIP_REGEX},
		     {"~*", SNIP_REGEX_ANY_CASE}};

	*kind = SNIP_PREFIX;
	*text = d->word[d->n - 1];
	if (d->n == 2)
		return true;
	for (size_t i = 0; d->n == 3 && i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (str_eq(d->word[1], str_from(kinds[i].word))) {
			*kind = kinds[i].kind;
			return true;
		}
	return build_refuse(b, d, "location takes =, ^~, ~, ~* or nothing, and a path");
}

static bool place_ok(struct build *b, const struct directive *d, enum snip_kind kind,
		     struct str text)
{
	char err[REGEX_ERROR_MAX];
	bool regex = kind == SNIP_REGEX || kind == SNIP_REGEX_ANY_CASE;

	if (!regex && (text.n == 0 || text.p[0] != '/'))
		return build_refuse(b, d, "the path of a location must begin with \"/\"");
	if (regex && !regex_check(text, err))
		return build_refuse(b, d, "\"" STR_FMT "\" is no regular expression: %s",
				    STR_ARG(str_head(text, 60)), err);
	return true;
}

/* Its block in a program of its own. What is refused in it closes only this location. */
static bool read_location(struct build *b, const struct directive *d)
{
	struct program *outer = b->p, *own = program_new();
	unsigned depth = b->depth - 1, line = d->line;
	enum build_block around = b->block;
	bool captures = b->captures, ok, regex;
	enum snip_kind kind;
	struct text bytes;
	struct str text;

	ok = kind_of(b, d, &kind, &text) && place_ok(b, d, kind, text);
	if (!ok) {
		program_free(own);
		return false;
	}
	regex = kind == SNIP_REGEX || kind == SNIP_REGEX_ANY_CASE;
	text_growing(&bytes, SNIP_HOST_MAX);
	b->p = own;
	b->block = IN_LOCATION;
	b->captures = captures || regex;
	ok = read_block(b) && program_write(own, &bytes, SNIP_HOST_MAX);
	if (!ok && !b->fatal) {
		char why[BUILD_WHY_MAX + 60];

		(void)snprintf(why, sizeof(why),
			       "%s: the location of line %u answers 503 until that is mended",
			       b->why[0] != '\0' ? b->why : "it is too long", line);
		b->user->tell(b->user->arg, SNIPPET_LOCATION_CLOSED, why);
		ok = skip_to(b, depth);
		bytes.n = 0;
		program_put_location(outer, kind, true, text, STR_NONE);
	} else if (ok) {
		program_put_location(outer, kind, false, text, str_make(bytes.p, bytes.n));
	}
	free(bytes.p);
	program_free(own);
	b->p = outer;
	b->block = around;
	b->scope = 0;
	b->captures = captures;
	return ok;
}

static bool open_block(struct build *b, const struct directive *d)
{
	b->depth++;
	if (str_eq(d->word[0], STR("if")))
		return read_if(b, d);
	if (str_eq(d->word[0], STR("location")) && (b->block == IN_SERVER || b->block == IN_PATH))
		return read_location(b, d);
	if (str_eq(d->word[0], STR("location")))
		return build_refuse(b, d,
				    "location cannot stand here: give the path a rule of an "
				    "Ingress");
	return refuse_name(b, d, find(d->word[0]));
}

/* To the end of the block, or of the snippet. */
static bool read_block(struct build *b)
{
	unsigned depth = b->depth;
	struct directive d;

	for (;;) {
		switch (lex_next(&b->lex, &d)) {
		case LEX_SIMPLE:
			if (!simple(b, &d))
				return false;
			break;
		case LEX_OPEN:
			if (!open_block(b, &d))
				return false;
			break;
		case LEX_CLOSE:
			if (depth == 0)
				return fatal(b, &d, "\"}\" without \"{\"");
			b->depth--;
			return true;
		case LEX_EOF:
			return depth == 0 || fatal(b, &d, "a block is not closed");
		case LEX_BAD:
			return fatal(b, &d, b->lex.why);
		}
	}
}

bool snippet_compile(enum snippet_kind kind, struct str text, struct snippet_names *names,
		     const struct snippet_user *user, struct text *out)
{
	size_t most = kind == SNIPPET_OF_HOST ? SNIP_HOST_MAX : SNIP_PATH_MAX;
	struct build *b = malloc(sizeof(*b));
	bool ok;

	CHECK(b != NULL);
	*b = (struct build){.p = program_new(),
			    .block = kind == SNIPPET_OF_HOST ? IN_SERVER : IN_PATH,
			    .names = names,
			    .user = user};
	lex_init(&b->lex, text);
	text_growing(out, most);
	ok = read_block(b);
	if (ok && !program_write(b->p, out, most)) {
		(void)snprintf(b->why, sizeof(b->why),
			       "it is too long: what it means must fit into %zu bytes", most);
		ok = false;
	}
	if (!ok)
		user->tell(user->arg, SNIPPET_REFUSED, b->why);
	program_free(b->p);
	free(b);
	return ok;
}
