/* vars: see vars.h. */
#include "common/vars/vars.h"

#include <stdio.h>

static const struct vars_known table[] = {
#define VAR(id, name)          {{#name, sizeof(#name) - 1}, VAR_##id, false, NULL},
#define VAR_PREFIX(id, prefix) {{#prefix, sizeof(#prefix) - 1}, VAR_##id, true, NULL},
#define VAR_ABSENT(name, why)  {{name, sizeof(name) - 1}, VAR_NOTHING, false, why},
#include "common/vars/var_tbl.h"
};
#define N_KNOWN (sizeof(table) / sizeof(table[0]))

const struct vars_set vars_of_requests = {table, N_KNOWN};

static struct {
	const struct str *names;
	size_t n;
} defined;

void vars_define(const struct str *names, size_t n)
{
	defined.names = names;
	defined.n = n;
}

static bool is_defined(struct str name)
{
	for (size_t i = 0; i < defined.n; i++)
		if (str_eq(defined.names[i], name))
			return true;
	return false;
}

struct compiler {
	const struct vars_set *set;
	struct text *out;
	char *why; /* VARS_WHY_MAX bytes */
	enum vars_result result;
};

static bool bad(struct compiler *c, const char *what, struct str at)
{
	(void)snprintf(c->why, VARS_WHY_MAX, "%s at \"" STR_FMT "\"", what,
		       STR_ARG(str_head(at, 40)));
	c->result = VARS_BAD;
	return false;
}

/* Only the first is told: one sentence that can be acted on. */
static void unknown(struct compiler *c, struct str name, const char *absent)
{
	if (c->result != VARS_OK)
		return;
	c->result = VARS_UNKNOWN;
	(void)snprintf(c->why, VARS_WHY_MAX, "$" STR_FMT " never has a value: %s", STR_ARG(name),
		       absent != NULL ? absent : "there is no such variable");
}

static void emit(struct compiler *c, enum var_id id, struct str text)
{
	struct vars_op op = {.id = (uint16_t)id, .n = (uint16_t)text.n};

	if (!text_reserve(c->out, sizeof(op) + text.n))
		return;
	text_str(c->out, str_make((const char *)&op, sizeof(op)));
	text_str(c->out, text);
}

static bool is_name(char c)
{
	c = ascii_lower(c);
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
}

static const struct vars_known *find(const struct vars_set *set, struct str name)
{
	for (size_t i = 0; i < set->n; i++) {
		const struct vars_known *k = &set->known[i];

		if (k->prefix ? name.n > k->name.n && str_starts(name, k->name)
			      : str_eq(name, k->name))
			return k;
	}
	return NULL;
}

bool vars_builtin(struct str name)
{
	const struct vars_known *k = find(&vars_of_requests, name);

	return k != NULL && k->absent == NULL;
}

bool vars_absent(struct str name)
{
	const struct vars_known *k = find(&vars_of_requests, name);

	return k != NULL && k->absent != NULL;
}

static bool variable(struct compiler *c, struct str written)
{
	char lower[VARS_NAME_MAX];
	struct str name = str_make(lower, written.n);
	const struct vars_known *k;

	if (written.n > sizeof(lower))
		return bad(c, "the name of a variable is too long", written);
	for (size_t i = 0; i < written.n; i++)
		lower[i] = ascii_lower(written.p[i]);
	k = find(c->set, name);
	if (k == NULL && c->set == &vars_of_requests) {
		if (!is_defined(name))
			unknown(c, name, NULL);
		emit(c, VAR_NAMED, name);
	} else if (k == NULL || k->id == VAR_NOTHING) {
		unknown(c, name, k == NULL ? NULL : k->absent);
		emit(c, VAR_NOTHING, STR_NONE);
	} else {
		emit(c, (enum var_id)k->id, k->prefix ? str_from_at(name, k->name.n) : STR_NONE);
	}
	return true;
}

/* "$name" or "${name}" at the beginning of rest. */
static bool take_variable(struct compiler *c, struct str *rest)
{
	bool braces = rest->n > 1 && rest->p[1] == '{';
	size_t from = braces ? 2 : 1, to = from;

	while (to < rest->n && is_name(rest->p[to]))
		to++;
	if (to == from)
		return bad(c, "\"$\" without the name of a variable", *rest);
	if (braces && (to == rest->n || rest->p[to] != '}'))
		return bad(c, "\"${\" without \"}\"", *rest);
	if (!variable(c, str_make(rest->p + from, to - from)))
		return false;
	*rest = str_from_at(*rest, to + (braces ? 1 : 0));
	return true;
}

static void take_literal(struct compiler *c, struct str *rest)
{
	ptrdiff_t dollar = str_chr(*rest, '$');
	size_t n = dollar == -1 ? rest->n : (size_t)dollar;

	emit(c, VAR_LITERAL, str_make(rest->p, n));
	*rest = str_from_at(*rest, n);
}

enum vars_result vars_compile(struct str template, struct text *out, char why[VARS_WHY_MAX])
{
	return vars_compile_of(&vars_of_requests, template, out, why);
}

enum vars_result vars_compile_of(const struct vars_set *set, struct str template, struct text *out,
				 char why[VARS_WHY_MAX])
{
	char unused[VARS_WHY_MAX];
	struct compiler c = {.set = set, .out = out, .why = why != NULL ? why : unused};
	struct str rest = template;

	c.why[0] = '\0';
	if (template.n > VARS_PROGRAM_MAX / 2) {
		(void)bad(&c, "the template is too long", template);
		return c.result;
	}
	while (rest.n > 0) {
		if (rest.p[0] != '$')
			take_literal(&c, &rest);
		else if (!take_variable(&c, &rest))
			return c.result;
	}
	if (out->full)
		(void)bad(&c, "the template has too many parts", template);
	return c.result;
}

bool vars_next(struct str *program, struct vars_op *op, struct str *text)
{
	if (program->n < sizeof(*op))
		return false;
	memcpy(op, program->p, sizeof(*op));
	if (op->id >= VAR_COUNT || op->n > program->n - sizeof(*op))
		return false;
	*text = str_make(program->p + sizeof(*op), op->n);
	*program = str_from_at(*program, sizeof(*op) + op->n);
	return true;
}

bool vars_is_literal(struct str program, struct str *out)
{
	struct vars_op op;

	*out = STR_NONE;
	if (program.n == 0)
		return true;
	return vars_next(&program, &op, out) && op.id == VAR_LITERAL && program.n == 0;
}

const char *vars_name(enum var_id id)
{
	for (size_t i = 0; i < N_KNOWN; i++)
		if (table[i].id == id && id != VAR_NOTHING)
			return table[i].name.p;
	return NULL;
}
