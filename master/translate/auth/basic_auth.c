/* basic_auth: see basic_auth.h. */
#include "master/translate/auth/basic_auth.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/policy/policy_basic.h"
#include "common/text.h"
#include "k8s/text/names.h"
#include "master/basic/users.h"
#include "master/translate/named.h"

#define CHALLENGE_MAX 4096

__attribute__((format(printf, 3, 4))) static bool tell(struct translate *t, struct g_ingress *i,
						       const char *fmt, ...)
{
	char text[800];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	finding_about(&t->findings, &i->found, FINDING_WARN, "AnnotationParsingFailed", &i->ing->o,
		      "%s", text);
	return false;
}

#define CLOSED "its paths answer 503 until that is mended"

/* NULL, or why it cannot be used. */
static const char *named_secret(const struct translate *t, const struct g_ingress *i,
				struct str ref, struct str *ns, struct str *name)
{
	if (ref.n == 0)
		return "is missing, and auth-type is basic: name the Secret with the users";
	if (!named_split(ref, ns, name) || (ns->n > 0 && name_label(*ns) != NULL) ||
	    name_subdomain(*name) != NULL)
		return "must be the name of a Secret, with or without its namespace before a \"/\"";
	if (ns->n == 0)
		*ns = i->ing->o.ns;
	if (!str_eq(*ns, i->ing->o.ns) && !t->conf.allow_cross_namespace)
		return "names another namespace, and allow-cross-namespace-resources is off: put "
		       "the Secret into the Ingress' own";
	return NULL;
}

static bool find_form(struct translate *t, struct g_ingress *i, struct str s, enum users_form *form)
{
	*form = str_eq(s, STR("auth-map")) ? USERS_MAP : USERS_FILE;
	if (s.n == 0 || str_eq(s, STR("auth-map")) || str_eq(s, STR("auth-file")))
		return true;
	return tell(t, i, "annotation auth-secret-type must be auth-file or auth-map: " CLOSED);
}

/* --- the list ------------------------------------------------------------------------------- */

static void hold(struct translate *t, struct g_ingress *i, struct str ns, struct str name,
		 enum users_form form)
{
	if (t->sink.secret_ref != NULL)
		t->sink.secret_ref(t->sink.secrets, ns, name);
	i->users = users_hold(t->sink.users, ns, name, form);
}

static bool is_settling(const struct translate *t)
{
	return t->sink.settling != NULL && t->sink.settling(t->sink.secrets);
}

/* Is there a list in force? */
static bool look_at_list(struct translate *t, struct g_ingress *i)
{
	const struct users_list *l = i->users;
	const char *trouble = users_trouble(l), *remark = users_remark(l);

	if (trouble != NULL) {
		i->users_wait = is_settling(t);
		if (!i->users_wait)
			(void)tell(t, i,
				   "annotation auth-secret: Secret " STR_FMT "/" STR_FMT
				   ": %s: " CLOSED,
				   STR_ARG(users_ns(l)), STR_ARG(users_name(l)), trouble);
		return false;
	}
	if (remark != NULL)
		(void)tell(t, i, "annotation auth-secret: Secret " STR_FMT "/" STR_FMT ": %s",
			   STR_ARG(users_ns(l)), STR_ARG(users_name(l)), remark);
	return users_number(l) != 0;
}

/* --- the option ----------------------------------------------------------------------------- */

/* As a quoted-string (RFC 9110 §5.6.4). */
static bool put_challenge(struct text *t, struct str realm)
{
	text_lit(t, "Basic realm=\"");
	for (size_t n = 0; n < realm.n; n++) {
		char c = realm.p[n];

		if ((unsigned char)c < 0x20 || c == 0x7f)
			return false;
		if (c == '"' || c == '\\')
			text_char(t, '\\');
		text_char(t, c);
	}
	text_char(t, '"');
	return !t->full;
}

static bool compile(struct translate *t, struct g_ingress *i, struct annots *a)
{
	struct policy_basic head = {.list = users_number(i->users)};
	struct text all;

	text_growing(&all, sizeof(head) + CHALLENGE_MAX);
	text_str(&all, str_make((const char *)&head, sizeof(head)));
	if (!put_challenge(&all, a->auth_realm)) {
		free(all.p);
		return tell(
		    t, i,
		    "annotation auth-realm is too long or holds a control character: " CLOSED);
	}
	a->made.basic_option = str_make(all.p, all.n);
	return true;
}

/* --- an Ingress ----------------------------------------------------------------------------- */

/* Where the default would be laxer, an invalid value closes the paths. */
static bool is_spoilt(const struct annots *a)
{
	return annots_spoilt(a, ANNOT_AUTH_TYPE) || annots_spoilt(a, ANNOT_AUTH_SECRET);
}

/* What ingress-nginx would leave open without a word is left open, with one. */
static bool without_type(struct translate *t, struct g_ingress *i, const struct annots *a)
{
	if (a->auth_secret.n > 0)
		(void)tell(
		    t, i,
		    "annotation auth-secret has no effect without auth-type: basic: nobody is "
		    "asked for a password");
	return true;
}

bool basic_attach(struct translate *t, struct g_ingress *i, struct annots *a)
{
	struct str ns, name;
	enum users_form form;
	const char *wrong;

	if (is_spoilt(a))
		return false; /* told already */
	if (a->auth_type.n == 0)
		return without_type(t, i, a);
	if (!str_eq(a->auth_type, STR("basic")))
		return tell(t, i,
			    "annotation auth-type must be basic, the only type that is supported "
			    "(digest is not): " CLOSED);
	wrong = named_secret(t, i, a->auth_secret, &ns, &name);
	if (wrong != NULL)
		return tell(t, i, "annotation auth-secret %s: " CLOSED, wrong);
	if (!find_form(t, i, a->auth_secret_type, &form))
		return false;
	if (t->sink.users == NULL)
		return tell(t, i, "annotation auth-type cannot be honoured here: " CLOSED);
	hold(t, i, ns, name, form);
	return look_at_list(t, i) && compile(t, i, a);
}

void basic_detach(struct translate *t, struct g_ingress *i)
{
	if (i->users != NULL) {
		if (t->sink.secret_unref != NULL)
			t->sink.secret_unref(t->sink.secrets, users_ns(i->users),
					     users_name(i->users));
		users_drop(t->sink.users, i->users);
	}
	i->users = NULL;
	i->users_wait = false;
}
