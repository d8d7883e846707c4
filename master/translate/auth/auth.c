/* auth: see auth.h. What the settings say, checked and compiled; where the service is:
 * auth_cluster.c. */
#include "master/translate/auth/auth.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/policy/policy_auth.h"
#include "common/policy/policy_header.h"
#include "common/policy/policy_snippet.h"
#include "master/translate/auth/auth_cache.h"
#include "master/translate/auth/auth_url.h"
#include "master/translate/auth/basic_auth.h"
#include "master/translate/graph/graph_mem.h"
#include "master/translate/named.h"

#define WHY_MAX (VARS_WHY_MAX + 64)

struct settings { /* of one Ingress: its own, or what holds for all */
	bool global;
	struct str url, method, signin, param, names, redirect, cache_key, cache_times;
	bool always;
};

struct compiling {
	struct translate *t;
	struct g_ingress *i;
	struct annots *a;
	struct settings s;
	struct auth_url url;
	struct policy_auth head;
	/* in the option's order */
	struct text host, target, signin, redirect, names, set;
	struct str input, ops; /* borrowed from the snippet's program */
};

__attribute__((format(printf, 4, 5))) static void tell(struct translate *t, struct g_ingress *i,
						       const char *annotation, const char *fmt, ...)
{
	char text[WHY_MAX + 200];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	finding_about(&t->findings, &i->found, FINDING_WARN, "AnnotationParsingFailed", &i->ing->o,
		      "%s %s", annotation, text);
}

/* The end of an attempt: nobody passes. */
static bool refuse(struct compiling *c, const char *what, const char *why)
{
	char name[64];

	(void)snprintf(name, sizeof(name), "%s%s", c->s.global ? "setting global-" : "annotation ",
		       what);
	tell(c->t, c->i, name, "%s: its paths answer 503 until that is mended", why);
	return false;
}

/* --- what the settings say ----------------------------------------------------------------- */

static void own(struct settings *s, const struct annots *a)
{
	*s = (struct settings){
	    .url = a->auth_url,
	    .method = a->auth_method,
	    .signin = a->auth_signin,
	    .param = a->auth_signin_param,
	    .names = a->auth_names,
	    .redirect = a->auth_redirect,
	    .always = a->auth_always_cookie,
	    .cache_key = a->auth_cache_key,
	    .cache_times = a->auth_cache_duration,
	};
}

static void of_all(struct settings *s, const struct conf *c)
{
	*s = (struct settings){
	    .global = true,
	    .url = str_from(c->global_auth_url),
	    .method = str_from(c->global_auth_method),
	    .signin = str_from(c->global_auth_signin),
	    .param = str_from(c->global_auth_signin_param),
	    .names = str_from(c->global_auth_response_headers),
	    .redirect = str_from(c->global_auth_request_redirect),
	    .always = c->global_auth_always_set_cookie,
	    .cache_key = str_from(c->global_auth_cache_key),
	    .cache_times = str_from(c->global_auth_cache_duration),
	};
}

/* Does anybody have to be asked? */
static bool find_settings(struct settings *s, const struct translate *t, const struct annots *a)
{
	own(s, a);
	if (s->url.n == 0 && a->global_auth)
		of_all(s, &t->conf);
	return s->url.n > 0;
}

/* Where the default would be laxer, or is another question, an invalid value closes the paths. */
static bool is_spoilt(const struct annots *a)
{
	static const enum annot_id ids[] = {
	    ANNOT_AUTH_URL,     ANNOT_AUTH_METHOD, ANNOT_AUTH_NAMES,   ANNOT_AUTH_SET_HEADERS,
	    ANNOT_AUTH_SNIPPET, ANNOT_AUTH_SIGNIN, ANNOT_AUTH_REDIRECT};

	for (size_t n = 0; n < sizeof(ids) / sizeof(ids[0]); n++)
		if (annots_spoilt(a, ids[n]))
			return true;
	return false;
}

/* --- the parts ----------------------------------------------------------------------------- */

static bool set_method(struct compiling *c)
{
	static const char *const methods[] = {"GET",    "HEAD",    "POST",  "PUT",
					      "DELETE", "OPTIONS", "PATCH", "TRACE"};

	if (c->s.method.n == 0) {
		c->s.method = STR("GET");
		return true;
	}
	c->head.flags |= AUTH_METHOD_GIVEN;
	for (size_t n = 0; n < sizeof(methods) / sizeof(methods[0]); n++)
		if (str_eq(c->s.method, str_from(methods[n])))
			return true;
	return refuse(c, "auth-method",
		      "must be GET, HEAD, POST, PUT, DELETE, OPTIONS, PATCH or "
		      "TRACE");
}

/* Variables that never have a value are told, and work. */
static bool compile(struct compiling *c, const char *what, struct str template, struct text *out)
{
	char why[VARS_WHY_MAX];

	switch (vars_compile(template, out, why)) {
	case VARS_OK:
		return true;
	case VARS_UNKNOWN:
		tell(c->t, c->i, what, "%s", why);
		return true;
	case VARS_BAD:
		break;
	}
	return refuse(c, what, why);
}

static bool set_url(struct compiling *c)
{
	const char *wrong = auth_url_parse(c->s.url, &c->url);

	if (wrong != NULL)
		return refuse(c, "auth-url", wrong);
	c->head.flags |= c->url.https ? AUTH_HTTPS : 0u;
	c->head.flags |= c->url.same_scheme ? AUTH_SAME_SCHEME : 0u;
	return compile(c, "auth-url", c->url.host, &c->host) &&
	       compile(c, "auth-url", c->url.path, &c->target) &&
	       compile(c, "auth-url", c->url.query, &c->target);
}

/* Is there a parameter of this name, with a value? */
static bool has_param(struct str query, struct str name)
{
	while (query.n > 0) {
		ptrdiff_t end = str_chr(query, '&');
		struct str one = end == -1 ? query : str_head(query, (size_t)end);

		query = end == -1 ? STR_NONE : str_from_at(query, (size_t)end + 1);
		if (one.n > name.n + 1 && one.p[name.n] == '=' && str_starts(one, name))
			return true;
	}
	return false;
}

static bool is_param(struct str s)
{
	for (size_t n = 0; n < s.n; n++)
		if (s.p[n] <= 0x20 || s.p[n] >= 0x7f || strchr("&=?#$", s.p[n]) != NULL)
			return false;
	return s.n > 0;
}

static bool is_location(struct str s)
{
	for (size_t n = 0; n < s.n; n++)
		if (s.p[n] <= 0x20 || s.p[n] >= 0x7f)
			return false;
	return true;
}

/* The URL the client wanted is added in the parameter, unless the URL has one of that name. */
static bool set_signin(struct compiling *c)
{
	static const char wanted[] = "=$pass_access_scheme://$http_host$escaped_request_uri";
	struct str url = c->s.signin, param = c->s.param.n > 0 ? c->s.param : STR("rd");
	ptrdiff_t mark = str_chr(url, '?');
	struct str query = mark == -1 ? STR_NONE : str_from_at(url, (size_t)mark + 1);
	struct text t;
	bool ok;

	if (url.n == 0)
		return true;
	if (!is_location(url))
		return refuse(c, "auth-signin",
			      "holds a blank or a character that must be escaped");
	if (!is_param(param))
		return refuse(c, "auth-signin-redirect-param", "is no name of a parameter");
	text_growing(&t, VARS_PROGRAM_MAX);
	text_str(&t, url);
	if (!has_param(query, param)) {
		text_char(&t, query.n == 0 ? '?' : '&');
		text_str(&t, param);
		text_str(&t, str_from(wanted));
	}
	ok = compile(c, "auth-signin", str_make(t.p, t.n), &c->signin);
	free(t.p);
	return ok;
}

static bool set_names(struct compiling *c)
{
	struct str rest = c->s.names, name;
	char why[VARS_WHY_MAX];

	while (annot_csv_next(&rest, &name))
		if (policy_header_put(&c->names, HEADER_SET, name, STR_NONE, true, why) != VARS_OK)
			return refuse(c, "auth-response-headers", why);
	return true;
}

/* --- auth-proxy-set-headers ---------------------------------------------------------------- */

static bool put_headers(struct compiling *c, const struct configmap *cm)
{
	char why[VARS_WHY_MAX];

	for (uint32_t n = 0; n < cm->data.n; n++)
		if (policy_header_put(&c->set, HEADER_SET, cm->data.kv[n].key,
				      str_trim(cm->data.kv[n].value), false, why) == VARS_BAD)
			return refuse(c, "auth-proxy-set-headers", why);
	return true;
}

static bool set_headers(struct compiling *c)
{
	const struct configmap *cm;
	const char *wrong;

	if (c->a->auth_set_headers.n == 0 || c->s.global)
		return true;
	wrong = named_follow(c->t, c->i, c->a->auth_set_headers, &cm);
	if (wrong != NULL)
		return refuse(c, "auth-proxy-set-headers", wrong);
	return cm != NULL && put_headers(c, cm); /* else closed until it is there */
}

/* --- auth-snippet -------------------------------------------------------------------------- */

/* Compiled by snippet/: an Ingress' own, or what the ConfigMap has for all. */
static bool set_snippet(struct compiling *c)
{
	struct str program =
	    c->s.global ? of_all_program(c->t, OF_ALL_AUTH) : c->a->made.auth_program;
	struct snip s;

	if (c->s.global && c->t->snippets.auth_closed)
		return refuse(c, "auth-snippet", "is refused, as was told of the ConfigMap");
	if (program.n == 0)
		return true;
	CHECK(snip_read(program, &s));
	c->ops = s.ops;
	c->input = snip_list(&s, 0, SNIP_INPUT);
	text_str(&c->set, snip_list(&s, 0, SNIP_SEND));
	if (str_eq(snip_list(&s, 0, SNIP_PASS), STR("off")))
		c->head.flags |= AUTH_NO_FIELDS;
	return !c->set.full || refuse(c, "auth-snippet", "is too long");
}

/* --- together ------------------------------------------------------------------------------ */

/* A cluster that asks, and TLS towards it. */
static void set_service(struct compiling *c)
{
	const struct auth_url *u = &c->url;
	struct port_ref port = {.number = u->port,
				.asks = u->https ? PORT_ASKS_HTTPS : PORT_ASKS_HTTP};
	struct g_cluster *to;

	if (u->by_host)
		return;
	to = graph_use_of(&c->t->graph, c->i, u->ns, u->ns.n > 0 ? u->service : u->host, &port);
	c->head.cluster = to->id;
	if (!u->https)
		return;
	c->i->auth_profile = up_tls_ask(c->t, u->host);
	c->head.profile = up_tls_id(c->i->auth_profile);
}

static uint16_t length(const struct text *t)
{
	CHECK(t->n <= UINT16_MAX); /* VARS_PROGRAM_MAX, POLICY_LIST_MAX */
	return (uint16_t)t->n;
}

static struct str of(const struct text *t)
{
	return str_make(t->p, t->n);
}

static void join(struct compiling *c)
{
	const struct str parts[] = {of(&c->host),  of(&c->target), of(&c->signin), of(&c->redirect),
				    of(&c->names), c->input,       of(&c->set),    c->ops};
	struct text all;

	c->head.method_n = (uint16_t)c->s.method.n;
	c->head.host_n = length(&c->host);
	c->head.target_n = length(&c->target);
	c->head.signin_n = length(&c->signin);
	c->head.redirect_n = length(&c->redirect);
	c->head.names_n = length(&c->names);
	c->head.set_n = length(&c->set);
	c->head.input_n = (uint16_t)c->input.n; /* of a program, SNIP_PATH_MAX */
	c->head.ops_n = (uint16_t)c->ops.n;
	text_growing(&all, SIZE_MAX / 2);
	text_str(&all, str_make((const char *)&c->head, sizeof(c->head)));
	text_str(&all, c->s.method);
	for (size_t n = 0; n < sizeof(parts) / sizeof(parts[0]); n++)
		text_str(&all, parts[n]);
	CHECK(!all.full);
	c->a->made.auth_option = str_make(all.p, all.n);
}

static void put_times(struct compiling *c, struct text *to)
{
	size_t begin = to->n;
	const char *wrong = auth_cache_times(c->s.cache_times, to);

	if (wrong == NULL)
		return;
	tell(c->t, c->i, "auth-cache-duration", "%s; " AUTH_CACHE_DURATION " is used", wrong);
	to->n = begin;
	wrong = auth_cache_times(STR(AUTH_CACHE_DURATION), to);
	CHECK(wrong == NULL);
}

/* A key without one of its parts would be that of many: then nothing is remembered. */
static bool compile_key(struct compiling *c, struct text *key)
{
	char why[VARS_WHY_MAX];

	if (vars_compile(c->s.cache_key, key, why) == VARS_OK)
		return true;
	tell(c->t, c->i, "auth-cache-key", "%s: nothing is remembered until that is mended", why);
	return false;
}

/* Which answers are remembered; without a key none is. */
static void set_cache(struct compiling *c)
{
	struct policy_auth_cache head = {.space = 0};
	struct text all, key;

	if (c->s.cache_key.n == 0)
		return;
	text_growing(&key, VARS_PROGRAM_MAX);
	if (!compile_key(c, &key)) {
		free(key.p);
		return;
	}
	text_growing(&all, UINT16_MAX);
	text_str(&all, str_make((const char *)&head, sizeof(head)));
	put_times(c, &all);
	head.n_times = (uint32_t)((all.n - sizeof(head)) / sizeof(struct policy_auth_time));
	memcpy(all.p, &head, sizeof(head));
	text_str(&all, str_make(key.p, key.n));
	free(key.p);
	c->a->made.auth_cache_option = str_make(all.p, all.n);
}

static bool make(struct compiling *c)
{
	struct text *texts[] = {&c->host, &c->target, &c->signin, &c->redirect};
	bool ok;

	for (size_t n = 0; n < sizeof(texts) / sizeof(texts[0]); n++)
		text_growing(texts[n], VARS_PROGRAM_MAX);
	text_growing(&c->names, POLICY_LIST_MAX);
	text_growing(&c->set, POLICY_LIST_MAX);
	c->head.flags = c->s.always ? AUTH_ALWAYS_COOKIE : 0u;
	ok = set_method(c) && set_url(c) && set_signin(c) && set_names(c) && set_headers(c) &&
	     set_snippet(c) && compile(c, "auth-request-redirect", c->s.redirect, &c->redirect);
	if (ok) {
		set_cache(c);
		set_service(c);
		join(c);
	}
	for (size_t n = 0; n < sizeof(texts) / sizeof(texts[0]); n++)
		free(texts[n]->p);
	free(c->names.p);
	free(c->set.p);
	return ok;
}

static void set_satisfy(struct translate *t, struct g_ingress *i, struct annots *a)
{
	if (str_eq(a->satisfy, STR("any")))
		a->policy.flags |= POLICY_SATISFY_ANY;
	else if (!str_eq(a->satisfy, STR("all")))
		tell(t, i, "annotation satisfy", "must be any or all; all is used");
}

void auth_attach(struct translate *t, struct g_ingress *i, struct annots *a)
{
	struct compiling c = {.t = t, .i = i, .a = a};

	set_satisfy(t, i, a);
	a->no_auth_locations = str_from(t->conf.no_auth_locations);
	if (!basic_attach(t, i, a))
		a->policy.flags |= POLICY_DENY;
	if (is_spoilt(a)) {
		a->policy.flags |= POLICY_DENY;
		return;
	}
	if (find_settings(&c.s, t, a) && !make(&c))
		a->policy.flags |= POLICY_DENY;
}

void auth_detach(struct translate *t, struct g_ingress *i)
{
	basic_detach(t, i);
	if (i->auth_profile != NULL)
		up_tls_ask_no_more(t, i->auth_profile);
	i->auth_profile = NULL;
}
