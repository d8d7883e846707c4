/* compile: a snippet, block by block and directive by directive, into a program. See snippet.h. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/check.h"
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
#define DIRECTIVE_IDLE(name, text)  {name, text, NULL, 0, 0, 31, -1, FORM_SAME, 'i'},
#define DIRECTIVE_MINOR(name, text) {name, text, NULL, 0, 0, 31, -1, FORM_SAME, 'm'},
#define DIRECTIVE_OFF(name, text)   {name, text, NULL, 0, 1, 31, -1, FORM_SAME, 'o'},
#define DIRECTIVE_NOT(name, text)   {name, text, NULL, 0, 0, 31, -1, FORM_SAME, 'n'},
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

/* A sentence that begins with its line and the directive. */
__attribute__((format(printf, 4, 0))) static bool
say(struct build *b, enum snippet_told how, const struct directive *d, const char *fmt, va_list ap)
{
	char text[BUILD_WHY_MAX];
	int n = snprintf(text, sizeof(text), "line %u: " STR_FMT " has no effect: ", d->line,
			 STR_ARG(str_head(d->word[0], 40)));

	(void)vsnprintf(text + n, sizeof(text) - (size_t)n, fmt, ap);
	b->user->tell(b->user->arg, how, text);
	return true;
}

bool build_note(struct build *b, const struct directive *d, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)say(b, SNIPPET_NOTE, d, fmt, ap);
	va_end(ap);
	return true;
}

bool build_leave_out(struct build *b, const struct directive *d, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)say(b, SNIPPET_LEFT_OUT, d, fmt, ap);
	va_end(ap);
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

/* Nothing of main{} or stream{} is done, and nothing in them protects a request. */
static bool of_other(struct build *b, const struct directive *d, const struct row *row)
{
	if (row != NULL && row->how == 'i')
		return build_note(b, d, "%s", row->text);
	return build_leave_out(b, d, "%s",
			       row != NULL ? row->text
					   : "there is no nginx that could read it: remove it");
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

	if (b->block == IN_AUTH)
		return build_note(b, d, "a question has what its path has (%s)", row->text);
	if (b->block != IN_PATH || b->user->give == NULL)
		return build_note(b, d,
				  "every path has its own value: use the annotation, or the "
				  "ConfigMap's key (%s)",
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

	if (b->block == IN_OTHER)
		return of_other(b, d, row);
	if (row != NULL && row->how == 'o' && d->n == 2 && str_eq(d->word[1], STR("off")))
		return true;
	if (row != NULL && row->how == 'm' && b->of_all)
		return build_leave_out(b, d, "%s", row->text);
	if (row == NULL || row->how == 'n' || row->how == 'o' || row->how == 'm')
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

bool block_each(struct build *b, unsigned depth, block_fn *fn, void *arg)
{
	struct directive d;

	while (b->depth > depth) {
		switch (lex_next(&b->lex, &d)) {
		case LEX_SIMPLE:
			if (fn != NULL && !fn(b, &d, arg))
				return false;
			break;
		case LEX_OPEN:
			b->depth++;
			if (fn != NULL && !fn(b, &d, arg))
				return false;
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
		   : around == IN_AUTH ? IN_AUTH_IF
				       : IN_LOCATION_IF;
	b->scope = b->p->n_scopes - 1;
	if (!block_read(b))
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

/* Told, and not done. */
static bool leave_block_out(struct build *b, const struct directive *d, const char *why)
{
	return build_leave_out(b, d, "%s", why) && block_each(b, b->depth - 1, NULL, NULL);
}

static bool open_block(struct build *b, const struct directive *d)
{
	const struct row *row = find(d->word[0]);

	b->depth++;
	if (b->block == IN_OTHER)
		return leave_block_out(b, d,
				       row != NULL ? row->text
						   : "use tcp-services-configmap and "
						     "udp-services-configmap for streams");
	if (row != NULL && row->how == 'm' && b->of_all)
		return leave_block_out(b, d, row->text);
	if (b->block == IN_HTTP)
		return http_block(b, d) || (b->why[0] == '\0' && refuse_name(b, d, row));
	if (str_eq(d->word[0], STR("if")))
		return read_if(b, d);
	if (str_eq(d->word[0], STR("location")) && (b->block == IN_SERVER || b->block == IN_PATH))
		return location_read(b, d);
	if (str_eq(d->word[0], STR("location")))
		return build_refuse(b, d,
				    "location cannot stand here: give the path a rule of an "
				    "Ingress");
	return refuse_name(b, d, row);
}

bool block_read(struct build *b)
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

/* --- all of it ----------------------------------------------------------------------------- */

static const struct {
	enum build_block block;
	size_t most; /* bytes of the program */
} kinds[SNIPPET_KINDS] = {
    [SNIPPET_OF_PATH] = {IN_PATH, SNIP_PATH_MAX},   [SNIPPET_OF_HOST] = {IN_SERVER, SNIP_HOST_MAX},
    [SNIPPET_OF_AUTH] = {IN_AUTH, SNIP_PATH_MAX},   [SNIPPET_OF_HTTP] = {IN_HTTP, SNIP_HOST_MAX},
    [SNIPPET_OF_OTHER] = {IN_OTHER, SNIP_HOST_MAX},
};

static bool read_sources(struct build *b, const struct snippet_job *job)
{
	bool ok = true;

	for (unsigned i = 0; ok && i < job->n; i++) {
		b->user = job->from[i].user;
		b->of_all = job->from[i].of_all;
		lex_init(&b->lex, job->from[i].text);
		ok = block_read(b);
	}
	return ok;
}

bool snippet_compile(const struct snippet_job *job, struct snippet_names *names, struct text *out)
{
	struct build *b = calloc(1, sizeof(*b));
	size_t most = kinds[job->kind].most;
	bool ok;

	CHECK(b != NULL);
	b->p = program_new();
	b->block = kinds[job->kind].block;
	b->names = names;
	b->job = job;
	text_growing(out, most);
	ok = read_sources(b, job);
	if (ok) {
		program_inherit(b->p, job->above);
		ok = program_write(b->p, out, most);
		if (!ok)
			(void)snprintf(b->why, sizeof(b->why),
				       "it is too long: what it means must fit into %zu bytes",
				       most);
	}
	servers_end(b, ok, str_make(out->p, out->n));
	if (!ok)
		b->user->tell(b->user->arg, SNIPPET_REFUSED, b->why);
	program_free(b->p);
	free(b);
	return ok;
}
