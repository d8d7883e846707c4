/* ops: set, if, return, rewrite and break, one after the other. See snippet.h. */
#include <string.h>

#include "worker/rewrite/uri.h"
#include "worker/snippet/snippet_int.h"
#include "worker/vars/vars.h"

#define VALUE_MAX 16384

bool snippet_value(struct request *r, struct str program, struct str *out)
{
	char buf[VALUE_MAX];

	if (!vars_eval_in(program, r, buf, sizeof(buf), out))
		return false;
	if (out->p == NULL)
		*out = STR("");
	return true;
}

static bool set(struct request *r, const struct snip_step *s)
{
	struct snippet *sn = r->snip;
	struct str value;
	unsigned i = 0;

	if (!snippet_value(r, s->b, &value))
		return false;
	while (i < sn->n_vars && !str_eq(sn->vars[i].name, s->a))
		i++;
	if (i == SNIPPET_VARS_MAX)
		return false;
	sn->vars[i].name = s->a;
	sn->vars[i].value = value;
	sn->n_vars += i == sn->n_vars;
	return true;
}

/* --- if ------------------------------------------------------------------------------------ */

static enum regex_result fits(struct request *r, const struct snip_step *s, struct str value)
{
	bool any_case = s->op.how == SNIP_FITS_ANY_CASE || s->op.how == SNIP_FITS_NOT_ANY_CASE;
	bool not = s->op.how == SNIP_FITS_NOT || s->op.how == SNIP_FITS_NOT_ANY_CASE;
	struct regex_groups groups;
	enum regex_result found = regex_capture(r->w->regexes, s->b, value, any_case, &groups);

	if (found == REGEX_YES)
		r->snip->groups = groups;
	if (found == REGEX_FAILED || !not )
		return found;
	return found == REGEX_YES ? REGEX_NO : REGEX_YES;
}

static enum regex_result holds(struct request *r, const struct snip_step *s)
{
	struct str value, other;
	bool same;

	if (!snippet_value(r, s->a, &value))
		return REGEX_FAILED;
	switch ((enum snip_test)s->op.how) {
	case SNIP_TRUE:
		return value.n > 0 && !str_eq(value, STR("0")) ? REGEX_YES : REGEX_NO;
	case SNIP_EQUAL:
	case SNIP_DIFFERS:
		if (!snippet_value(r, s->b, &other))
			return REGEX_FAILED;
		same = str_eq(value, other);
		return same == (s->op.how == SNIP_EQUAL) ? REGEX_YES : REGEX_NO;
	case SNIP_FITS:
	case SNIP_FITS_ANY_CASE:
	case SNIP_FITS_NOT:
	case SNIP_FITS_NOT_ANY_CASE:
		return fits(r, s, value);
	case SNIP_TESTS:
		break;
	}
	return REGEX_FAILED;
}

/* --- rewrite ------------------------------------------------------------------------------- */

struct target {
	struct snip_target head;
	struct str path, query;
};

static bool read_target(struct request *r, struct str b, struct target *t)
{
	struct str rest;

	if (b.n < sizeof(t->head))
		return false;
	memcpy(&t->head, b.p, sizeof(t->head));
	rest = str_from_at(b, sizeof(t->head));
	return snippet_value(r, str_head(rest, t->head.path_n), &t->path) &&
	       snippet_value(r, str_from_at(rest, t->head.path_n), &t->query);
}

static size_t put(char *to, struct str s)
{
	if (s.n > 0)
		memcpy(to, s.p, s.n);
	return s.n;
}

/* The new query: what the target says, and the old one behind it. .p NULL with n 0: none. */
static bool make_query(struct request *r, const struct target *t, struct str *out)
{
	struct str old = t->head.drops ? STR_NONE : r->query;
	char *to;
	size_t n;

	*out = old;
	if (!t->head.has_query)
		return true;
	to = arena_alloc(&r->arena, 3 * t->query.n + 1 + old.n + 1);
	if (to == NULL)
		return false;
	n = uri_put_query(to, t->query);
	if (n > 0 && old.n > 0)
		to[n++] = '&';
	n += put(to + n, old);
	*out = str_make(to, n);
	return true;
}

static bool is_url(struct str s)
{
	return str_starts(s, STR("http://")) || str_starts(s, STR("https://"));
}

static enum step_next redirect(struct request *r, const struct target *t, struct str query,
			       uint16_t status)
{
	char *to = arena_alloc(&r->arena, 3 * t->path.n + query.n + 2);
	size_t n;

	if (to == NULL)
		return snippet_failed(r, REASON_NO_MEMORY);
	n = is_url(t->path) ? put(to, t->path) : uri_put_path(to, t->path);
	if (query.p != NULL)
		to[n++] = '?';
	n += put(to + n, query);
	return snippet_go(r, status, str_make(to, n));
}

/* The path is another one from here on. */
static bool change(struct request *r, const struct target *t, struct str query)
{
	bool slash = t->path.n == 0 || t->path.p[0] != '/';
	char *to = arena_alloc(&r->arena, t->path.n + 2);

	if (to == NULL)
		return false;
	to[0] = '/';
	(void)put(to + slash, t->path);
	r->path = str_make(to, t->path.n + slash);
	r->query = query;
	r->snip->rewritten = true;
	return true;
}

/* RUN_ON: the next op. */
static enum run rewrite(struct request *r, const struct snip_step *s, bool *changed,
			enum step_next *next)
{
	enum regex_result found;
	struct regex_groups groups;
	struct target t;
	struct str query;

	found = regex_capture(r->w->regexes, s->a, r->path, false, &groups);
	if (found == REGEX_NO)
		return RUN_ON;
	if (found == REGEX_YES)
		r->snip->groups = groups;
	if (found == REGEX_FAILED || !read_target(r, s->b, &t) || !make_query(r, &t, &query)) {
		*next = snippet_failed(r, found == REGEX_FAILED ? REASON_REGEX_LIMIT
								: REASON_NO_MEMORY);
		return RUN_LEFT;
	}
	if (s->op.how == SNIP_MOVED_FOR_NOW || s->op.how == SNIP_MOVED_FOR_GOOD) {
		*next = redirect(r, &t, query, s->op.how == SNIP_MOVED_FOR_NOW ? 302 : 301);
		return RUN_LEFT;
	}
	if (!change(r, &t, query)) {
		*next = snippet_failed(r, REASON_NO_MEMORY);
		return RUN_LEFT;
	}
	*changed = s->op.how != SNIP_STAY;
	r->snip->stopped = s->op.how == SNIP_STAY;
	return s->op.how == SNIP_LAST ? RUN_AGAIN : RUN_ON;
}

/* --- all of them --------------------------------------------------------------------------- */

/* A true condition leads into its block, and on behind it; a false one behind it at once. False: it
 * cannot be told. */
static bool do_if(struct request *r, const struct snip_step *s, struct snippet_part *part,
		  struct str *ops)
{
	switch (holds(r, s)) {
	case REGEX_YES:
		part->scope = s->op.scope;
		return true;
	case REGEX_NO:
		*ops = str_from_at(*ops, s->op.arg);
		return true;
	case REGEX_FAILED:
		break;
	}
	return false;
}

enum run snippet_run(struct request *r, struct snippet_part *part, enum step_next *next)
{
	struct str ops = part->program.ops;
	bool changed = false;
	struct snip_step s;
	enum run run;

	while (!r->snip->stopped && snip_next(&ops, &s)) {
		switch ((enum snip_code)s.op.code) {
		case SNIP_SET:
			if (set(r, &s))
				break;
			*next = snippet_failed(r, REASON_NO_MEMORY);
			return RUN_LEFT;
		case SNIP_IF:
			if (do_if(r, &s, part, &ops))
				break;
			*next = snippet_failed(r, REASON_REGEX_LIMIT);
			return RUN_LEFT;
		case SNIP_RETURN:
			*next = snippet_return(r, &s);
			return RUN_LEFT;
		case SNIP_REWRITE:
			run = rewrite(r, &s, &changed, next);
			if (run == RUN_ON)
				break;
			return run;
		case SNIP_BREAK:
			r->snip->stopped = true;
			break;
		case SNIP_CODES:
			break;
		}
	}
	return changed ? RUN_AGAIN : RUN_ON;
}

/* --- of a question ------------------------------------------------------------------------- */

int snippet_verdict(struct request *r, struct str ops, enum reason *why)
{
	struct snippet_part part = {.there = true};
	struct snip_step s;

	*why = REASON_NO_MEMORY;
	if (r->snip == NULL)
		r->snip = arena_zalloc(&r->arena, sizeof(*r->snip));
	if (r->snip == NULL)
		return -1;
	r->snip->groups.n = 0;
	while (snip_next(&ops, &s)) {
		if (s.op.code == SNIP_RETURN) {
			*why = REASON_NONE;
			return s.op.arg;
		}
		if (s.op.code == SNIP_SET && !set(r, &s))
			return -1;
		if (s.op.code == SNIP_IF && !do_if(r, &s, &part, &ops)) {
			*why = REASON_REGEX_LIMIT;
			return -1;
		}
	}
	*why = REASON_NONE;
	return 0;
}
