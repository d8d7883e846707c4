/*
 * edits: what an Ingress, or the settings, change in the fields of endpoints' answers, compiled for
 * the table (policy_edit.h): proxy-redirect-from and -to, proxy-cookie-domain, proxy-cookie-path.
 * See state.h.
 *
 * Facts: annotations §2, §9. What cannot be compiled is left out and told: the answer is then what
 * the endpoint said.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/policy/policy_edit.h"
#include "master/translate/regex_check.h"
#include "master/translate/state.h"

struct compiling {
	struct translate *t;
	struct g_ingress *i;
	const struct annots *a;
	struct text list;
};

__attribute__((format(printf, 4, 5))) static void tell(struct compiling *c, enum annot_id id,
						       const char *name, const char *fmt, ...)
{
	char text[VARS_WHY_MAX + REGEX_ERROR_MAX];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	finding_about(&c->t->findings, &c->i->found, FINDING_WARN, "AnnotationParsingFailed",
		      &c->i->ing->o, "%s %s: %s", annots_has(c->a, id) ? "annotation" : "setting",
		      name, text);
}

static bool is_regex(const struct policy_edit_view *v)
{
	return v->how == EDIT_REGEX || v->how == EDIT_REGEX_ANY_CASE;
}

static void put(struct compiling *c, enum annot_id id, const char *name, enum policy_edit_what what,
		struct str from, struct str to)
{
	size_t before = c->list.n;
	char why[VARS_WHY_MAX], err[REGEX_ERROR_MAX];
	enum vars_result result = policy_edit_put(&c->list, what, from, to, why);
	struct policy_edit_view v;
	struct str put;

	if (result == VARS_BAD)
		tell(c, id, name, "%s; it has no effect", why);
	else if (result == VARS_UNKNOWN)
		tell(c, id, name, "%s", why);
	put = str_make(c->list.p + before, c->list.n - before);
	if (result == VARS_BAD || !policy_edit_next(&put, &v) || !is_regex(&v) ||
	    regex_check(v.from, err))
		return;
	c->list.n = before;
	tell(c, id, name, "\"" STR_FMT "\" is no regular expression (%s); it has no effect",
	     STR_ARG(str_head(v.from, 100)), err);
}

/* "default" is about an address that endpoints of nginx never learn, so neither says anything. */
static void put_redirect(struct compiling *c)
{
	const struct annots *a = c->a;
	bool none = str_eq(a->redirect_from, STR("off")) ||
		    str_eq(a->redirect_from, STR("default")) || a->redirect_from.n == 0;
	bool no_end = str_eq(a->redirect_to, STR("off")) || a->redirect_to.n == 0;

	if (!none && !no_end)
		put(c, ANNOT_REDIRECT_FROM, "proxy-redirect-from", EDIT_REDIRECT, a->redirect_from,
		    a->redirect_to);
	else if (!none)
		tell(c, ANNOT_REDIRECT_FROM, "proxy-redirect-from",
		     "has no effect without proxy-redirect-to: say what it becomes");
	else if (annots_has(a, ANNOT_REDIRECT_TO) && !no_end)
		tell(c, ANNOT_REDIRECT_TO, "proxy-redirect-to",
		     "has no effect without proxy-redirect-from: say what is replaced");
}

static void put_cookie(struct compiling *c, enum annot_id id, const char *name,
		       enum policy_edit_what what, struct str words)
{
	ptrdiff_t blank;

	words = str_trim(words);
	blank = str_chr(words, ' ');
	if (blank != -1) /* else it is "off", or nothing (annot_value.c) */
		put(c, id, name, what, str_head(words, (size_t)blank),
		    str_trim(str_from_at(words, (size_t)blank)));
}

void edits_attach(struct translate *t, struct g_ingress *i, struct annots *a)
{
	struct compiling c = {t, i, a, {.n = 0}};

	text_growing(&c.list, POLICY_EDITS_MAX);
	put_redirect(&c);
	put_cookie(&c, ANNOT_EDIT_COOKIE_DOMAIN, "proxy-cookie-domain", EDIT_COOKIE_DOMAIN,
		   a->edit_cookie_domain);
	put_cookie(&c, ANNOT_EDIT_COOKIE_PATH, "proxy-cookie-path", EDIT_COOKIE_PATH,
		   a->edit_cookie_path);
	a->made.edits = str_make(c.list.p, c.list.n);
}
