/* mirror: see mirror.h. */
#include "master/translate/mirror/mirror.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/policy/policy_mirror.h"
#include "common/vars/vars.h"
#include "master/translate/graph/graph_mem.h"
#include "master/translate/mirror/mirror_url.h"

#define PROGRAM_MAX 1024 /* a policy has room for little (POLICY_ROUTED_MAX) */

struct compiling {
	struct translate *t;
	struct g_ingress *i;
	struct annots *a;
	struct auth_url url;
	struct policy_mirror head;
	struct text host, target; /* programs */
};

static void tell(struct compiling *c, const char *name, const char *wrong, const char *outcome)
{
	finding_about(&c->t->findings, &c->i->found, FINDING_WARN, "AnnotationParsingFailed",
		      &c->i->ing->o, "annotation %s %s%s", name, wrong, outcome);
}

/* What the paths do without it. */
static bool refuse(struct compiling *c, const char *wrong)
{
	tell(c, "mirror-target", wrong,
	     ": its paths are served, and nothing is copied until that is mended");
	return false;
}

/* Variables that never have a value are told, and work. */
static bool compile(struct compiling *c, const char *name, struct str template, struct text *out,
		    char why[VARS_WHY_MAX])
{
	switch (vars_compile(template, out, why)) {
	case VARS_OK:
		return true;
	case VARS_UNKNOWN:
		tell(c, name, why, "");
		return true;
	case VARS_BAD:
		break;
	}
	return false;
}

/* name may be "*.domain": one label stands before it. */
static bool is_called(struct str host, struct str name)
{
	ptrdiff_t dot = str_chr(host, '.');

	if (str_eq(str_head(name, 2), STR("*.")))
		return dot > 0 && str_ieq(str_from_at(host, (size_t)dot), str_from_at(name, 1));
	return name.n > 0 && str_ieq(host, name);
}

/* A request that comes in there is copied there again, and so on without end. */
static bool is_itself(const struct compiling *c, bool same)
{
	const struct ingress *ing = c->i->ing;
	struct str aliases = c->a->server_alias, name;

	if (!same || (c->url.port != 80 && c->url.port != 443))
		return false;
	for (uint32_t n = 0; n < ing->n_rules; n++)
		if (is_called(c->url.host, ing->rules[n].host))
			return true;
	while (annot_csv_next(&aliases, &name))
		if (is_called(c->url.host, name))
			return true;
	return false;
}

/* NULL, or what is wrong with it. */
static const char *compile_target(struct compiling *c, struct text *template,
				  char why[VARS_WHY_MAX])
{
	bool same;
	const char *wrong = mirror_url_parse(c->a->mirror_target, &c->url, template, &same);

	if (wrong != NULL)
		return wrong;
	if (template->full)
		return "is too long";
	if (is_itself(c, same))
		return "leads to a host of the Ingress itself, so that copies would be copied";
	return compile(c, "mirror-target", str_make(template->p, template->n), &c->target, why)
		   ? NULL
		   : why;
}

static bool set_target(struct compiling *c)
{
	char why[VARS_WHY_MAX];
	struct text template;
	const char *wrong;

	text_growing(&template, PROGRAM_MAX);
	wrong = compile_target(c, &template, why);
	free(template.p);
	return wrong == NULL || refuse(c, wrong);
}

/* Of the program's own texts; what variables bring is seen when they do (mirror_head.c). */
static bool are_host_parts(const struct text *t)
{
	struct str program = str_make(t->p, t->n), part;
	struct vars_op op;

	while (vars_next(&program, &op, &part))
		for (size_t n = 0; op.id == VAR_LITERAL && n < part.n; n++)
			if (strchr("~/^(){}*+?|&=\\$", part.p[n]) != NULL)
				return false;
	return true;
}

/* An address of IPv6 stands in brackets. */
static void default_host(struct compiling *c)
{
	bool v6 = str_chr(c->url.host, ':') != -1;
	char why[VARS_WHY_MAX], space[280];
	struct text t;
	bool ok;

	text_fixed(&t, space, sizeof(space)); /* a name has 253 bytes at most */
	text_str(&t, v6 ? STR("[") : STR(""));
	text_str(&t, c->url.host);
	text_str(&t, v6 ? STR("]") : STR(""));
	c->host.n = 0;
	ok = compile(c, "mirror-target", str_make(t.p, t.n), &c->host, why);
	CHECK(ok && !t.full);
}

/* As ingress-nginx has it, the target's is used where this one will not do. */
static void set_host(struct compiling *c)
{
	struct str host = c->a->mirror_host;
	char why[VARS_WHY_MAX];

	if (host.n > 0 && mirror_url_chars(host) &&
	    compile(c, "mirror-host", host, &c->host, why) && are_host_parts(&c->host))
		return;
	if (host.n > 0)
		tell(c, "mirror-host", "is no host", "; the host of mirror-target is used");
	default_host(c);
}

static void set_content(struct compiling *c)
{
	struct str body = c->a->mirror_body;

	c->head.flags = str_eq(body, STR("off")) ? 0 : MIRROR_CONTENT;
	if (c->head.flags != 0 && !str_eq(body, STR("on")))
		tell(c, "mirror-request-body", "must be on or off", "; on is used");
}

/* One cluster for all who name this place, auth services included. */
static void set_cluster(struct compiling *c)
{
	const struct auth_url *u = &c->url;
	struct port_ref port = {.number = u->port,
				.asks = u->https ? PORT_ASKS_HTTPS : PORT_ASKS_HTTP};
	struct g_cluster *to =
	    graph_use_of(&c->t->graph, c->i, u->ns, u->ns.n > 0 ? u->service : u->host, &port);

	c->head.cluster = to->id;
	if (!u->https)
		return;
	c->i->mirror_profile = up_tls_ask(c->t, u->host);
	c->head.profile = up_tls_id(c->i->mirror_profile);
}

static void join(struct compiling *c)
{
	struct text all;

	c->head.host_n = (uint16_t)c->host.n; /* PROGRAM_MAX */
	c->head.target_n = (uint16_t)c->target.n;
	text_growing(&all, SIZE_MAX / 2);
	text_str(&all, str_make((const char *)&c->head, sizeof(c->head)));
	text_str(&all, str_make(c->host.p, c->host.n));
	text_str(&all, str_make(c->target.p, c->target.n));
	CHECK(!all.full);
	c->a->made.mirror_option = str_make(all.p, all.n);
}

void mirror_attach(struct translate *t, struct g_ingress *i, struct annots *a)
{
	struct compiling c = {.t = t, .i = i, .a = a};

	if (a->mirror_target.n == 0 || a->canary) /* of a canary it does not count */
		return;
	text_growing(&c.host, PROGRAM_MAX);
	text_growing(&c.target, PROGRAM_MAX);
	if (set_target(&c)) {
		set_host(&c);
		set_content(&c);
		set_cluster(&c);
		join(&c);
	}
	free(c.host.p);
	free(c.target.p);
}

void mirror_detach(struct translate *t, struct g_ingress *i)
{
	if (i->mirror_profile != NULL)
		up_tls_ask_no_more(t, i->mirror_profile);
	i->mirror_profile = NULL;
}
