/* vars: see vars.h. The walk over a program; the values are in the other files of this room. */
#include "worker/vars/vars.h"

#include "worker/vars/vars_int.h"

static vars_fn *const fns[VAR_COUNT] = {
#define VAR(id, name)          [VAR_##id] = var_##name,
#define VAR_PREFIX(id, prefix) [VAR_##id] = var_##prefix,
#include "common/vars/var_tbl.h"
    [VAR_OWN] = var_own,
    [VAR_CAPTURE] = var_capture,
    [VAR_NAMED] = var_named,
};

/* Only control characters can end a line or a field: they become blanks. */
static void put_plain(struct text *t, struct str s)
{
	char *to;

	if (s.n == 0 || !text_reserve(t, s.n))
		return;
	to = t->p + t->n;
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		to[i] = c < 0x20 || c == 0x7f ? ' ' : s.p[i];
	}
	t->n += s.n;
}

void vars_put(struct vars_out *o, struct str s)
{
	switch (o->style.escape) {
	case VARS_HEX:
		text_hex(o->t, s, o->style.most);
		break;
	case VARS_JSON:
		text_json(o->t, s, o->style.most);
		break;
	case VARS_PLAIN:
		put_plain(o->t, str_head(s, o->style.most));
		break;
	}
}

bool vars_give(struct vars_out *o, struct str s)
{
	if (s.p == NULL)
		return false;
	vars_put(o, s);
	return true;
}

/* What is text of a map's value is a value like any other. */
static void put_literal(struct vars_out *o)
{
	if (o->depth > 0)
		vars_put(o, o->rest);
	else
		text_str(o->t, o->rest);
}

void vars_walk(struct str program, struct vars_out *o)
{
	struct vars_op op;

	while (!o->t->full && vars_next(&program, &op, &o->rest)) {
		if (op.id == VAR_LITERAL)
			put_literal(o);
		else if ((fns[op.id] == NULL || !fns[op.id](o)) && o->depth == 0 &&
			 o->style.escape == VARS_HEX)
			text_char(o->t, '-');
	}
}

void vars_write(struct str program, const struct request *r, const struct moment *now,
		struct vars_style style, struct text *t)
{
	unsigned looks = 0;
	struct vars_out o = {
	    .r = r, .now = now, .style = style, .looks = &looks, .lenient = true, .t = t};

	vars_walk(program, &o);
}

static void eval(struct str program, const struct request *r, size_t most, struct text *t)
{
	unsigned looks = 0;
	struct vars_out o = {.r = r, .style = {VARS_PLAIN, most}, .looks = &looks, .t = t};

	o.now = moment_read(&r->w->clock, ev_now_us(r->w->ev));
	vars_walk(program, &o);
}

bool vars_eval_in(struct str program, struct request *r, char *buf, size_t n, struct str *out)
{
	struct text t;

	if (vars_is_literal(program, out))
		return true;
	text_fixed(&t, buf, n);
	eval(program, r, n + 1, &t);
	if (t.full)
		return false;
	*out = arena_str(&r->arena, str_make(t.p, t.n));
	return out->p != NULL;
}

bool vars_eval(struct str program, struct request *r, struct str *out)
{
	char buf[VARS_VALUE_MAX];

	return vars_eval_in(program, r, buf, sizeof(buf), out);
}
