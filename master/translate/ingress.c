/*
 * ingress: one Ingress into the graph: is it ours, what do its annotations say, which hosts and
 * backends does it have to do with. See state.h.
 */
#include "common/hash.h"
#include "master/translate/hosts/alias.h"
#include "master/translate/auth/auth.h"
#include "master/translate/fcgi.h"
#include "master/translate/mirror/mirror.h"
#include "master/translate/named.h"
#include "master/translate/policy_make.h"
#include "master/translate/state.h"
#include "master/translate/graph/take.h"
#include "master/translate/hosts/www.h"

struct telling {
	struct translate *t;
	struct g_ingress *i;
};

static void tell_annotation(void *arg, const struct annot_finding *f)
{
	static const enum finding_level levels[] = {
	    [ANNOT_NOTE] = FINDING_NOTE,
	    [ANNOT_WARN] = FINDING_WARN,
	    [ANNOT_REFUSE] = FINDING_REFUSED,
	};
	struct telling *to = arg;

	finding_about(&to->t->findings, &to->i->found, levels[f->severity],
		      f->severity == ANNOT_NOTE ? "AnnotationIdle" : "AnnotationParsingFailed",
		      &to->i->ing->o, "annotation " STR_FMT ": %s", STR_ARG(f->annotation),
		      f->text);
}

static void tell_verdict(struct translate *t, struct g_ingress *i)
{
	const struct ingress *ing = i->ing;

	switch ((enum take)i->verdict) {
	case TAKE_NO_SUCH_CLASS:
		finding_about(&t->findings, &i->found, FINDING_REFUSED, "NoIngressClass", &ing->o,
			      "IngressClass " STR_FMT " does not exist, so nobody serves this "
			      "Ingress: create it, or correct spec.ingressClassName",
			      STR_ARG(ing->class_name));
		return;
	case TAKE_NO_CLASS:
		finding_about(&t->findings, &i->found, FINDING_REFUSED, "NoIngressClass", &ing->o,
			      "not served, because it names no class: set spec.ingressClassName, "
			      "or start Silex with --watch-ingress-without-class");
		return;
	case TAKE_CATCH_ALL:
		finding_about(&t->findings, &i->found, FINDING_REFUSED, "CatchAllDisabled", &ing->o,
			      "not served, because it has a spec.defaultBackend and Silex runs "
			      "with --disable-catch-all: remove one of the two");
		return;
	case TAKE_INSPECTED:
		finding_about(
		    &t->findings, &i->found, FINDING_REFUSED, "DeepInspect", &ing->o,
		    "not served, because a path holds what only attacks on nginx do (a file "
		    "of its system, alias, root, _by_lua): change the path, or start Silex "
		    "with --deep-inspect=false");
		return;
	case TAKE_YES:
	case TAKE_NOT_OURS:
		return;
	}
}

static void use_backend(struct translate *t, struct g_ingress *i, const struct ingress_backend *b)
{
	if (b->service.n > 0)
		(void)graph_use(&t->graph, i, b->service, &b->port);
}

static void link_all(struct translate *t, struct g_ingress *i)
{
	const struct ingress *ing = i->ing;

	for (uint32_t r = 0; r < ing->n_rules; r++) {
		const struct ingress_rule *rule = &ing->rules[r];

		graph_link(&t->graph, i, rule->host, LINK_RULE);
		www_link(t, i, rule->host);
		for (uint32_t p = 0; p < rule->n_paths; p++)
			use_backend(t, i, &rule->paths[p].backend);
	}
	if (!ing->has_default)
		return;
	use_backend(t, i, &ing->default_backend);
	if (ing->n_rules == 0) /* the catch-all (facts: routing §6) */
		graph_link(&t->graph, i, STR_NONE, LINK_RULE);
}

/* Each tls entry counts, so that attach and detach are the same number whatever they repeat. */
static void for_secrets(struct translate *t, const struct ingress *ing,
			void (*fn)(void *secrets, struct str ns, struct str name))
{
	for (uint32_t n = 0; n < ing->n_tls && fn != NULL; n++)
		if (ing->tls[n].secret.n > 0)
			fn(t->sink.secrets, ing->o.ns, ing->tls[n].secret);
}

/* What annotations say by yes and no, in the policy's terms. */
static void set_flags(struct annots *a)
{
	uint32_t *flags = &a->policy.flags;

	*flags &= ~(uint32_t)(POLICY_SSL_REDIRECT | POLICY_FORCE_SSL | POLICY_KEEP_SLASH |
			      POLICY_RELATIVE | POLICY_PORT);
	*flags |= a->http10 ? POLICY_HTTP10 : 0;
	*flags |= a->connection == 1 ? POLICY_CONN_CLOSE : 0;
	*flags |= a->connection == 2 ? POLICY_CONN_KEEP : 0;
	*flags |= a->relative_redirects ? POLICY_RELATIVE : 0;
	*flags |= a->port_in_redirects ? POLICY_PORT : 0;
	*flags |= a->access_log ? 0 : POLICY_NO_ACCESS_LOG;
	*flags |= a->ssl_redirect ? POLICY_SSL_REDIRECT : 0;
	*flags |= a->force_ssl_redirect ? POLICY_FORCE_SSL : 0;
	*flags |= a->preserve_trailing_slash ? POLICY_KEEP_SLASH : 0;
}

/* The name of its limits. Two Ingresses of one hash would share them: one in 2^64. */
static uint64_t zone_of(const struct obj *o)
{
	return hash_str(o->name, hash_str(o->ns, 0));
}

/* Everything that a is made of, before it is shared and no longer changed. */
static void compile(struct translate *t, struct g_ingress *i, struct annots *a)
{
	set_flags(a);
	snippets_attach(t, i, a);
	headers_attach(t, i, a);
	fcgi_attach(t, i, a);
	up_tls_attach(t, i, a);
	auth_attach(t, i, a);
	mirror_attach(t, i, a);
	errors_attach(t, i, a);
	edits_attach(t, i, a);
	if (policy_limits(a))
		a->zone = zone_of(&i->ing->o);
}

static void attach_taken(struct translate *t, struct g_ingress *i, struct annots *a)
{
	compile(t, i, a);
	i->annots = annots_share(&t->shares, a, &t->defaults);
	annots_made_free(a);
	t->graph.n_taken++;
	link_all(t, i);
	alias_attach(t, i);
	tls_attach(t, i);
	passthrough_attach(t, i);
	client_tls_attach(t, i);
	for_secrets(t, i->ing, t->sink.secret_ref);
}

void ingress_attach(struct translate *t, struct g_ingress *i)
{
	struct telling to = {t, i};
	struct annot_conf conf = ANNOT_CONF_DEFAULT;
	struct annots a;

	conf.prefix = str_from(t->conf.annotations_prefix);
	conf.risk_max = (enum annot_risk)t->conf.annotations_risk;
	finding_begin(&i->found);
	i->verdict = (uint8_t)take_ingress(&t->conf, t->store, i->ing);
	tell_verdict(t, i);
	i->taken = i->verdict == TAKE_YES &&
		   annots_parse(&i->ing->o, &conf, &t->defaults, &a, tell_annotation, &to);
	if (i->taken)
		attach_taken(t, i, &a);
	finding_end(&i->found);
}

bool ingress_verdict_changed(const struct translate *t, const struct g_ingress *i)
{
	return take_ingress(&t->conf, t->store, i->ing) != (enum take)i->verdict;
}

void ingress_detach(struct translate *t, struct g_ingress *i)
{
	if (i->taken) {
		t->graph.n_taken--;
		for_secrets(t, i->ing, t->sink.secret_unref);
	}
	i->taken = false;
	tls_detach(t, i);
	client_tls_detach(t, i);
	snippets_detach(i);
	named_detach(t, i);
	up_tls_detach(t, i);
	auth_detach(t, i);
	mirror_detach(t, i);
	graph_detach(&t->graph, i);
	annots_unshare(&t->shares, i->annots);
	i->annots = NULL;
}
