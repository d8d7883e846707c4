/*
 * attach: an Ingress' snippets into the graph, the ConfigMap's behind them: the gate, the programs,
 * what its owner is told. What there is to say of the ConfigMap's was told of that (of_all.c).
 */
#include "master/translate/snippet/snippet.h"
#include "master/translate/state.h"

struct telling {
	struct translate *t;
	struct g_ingress *i;
	struct annots *a;
	const char *annotation, *closed; /* what a refusal closes */
};

static void tell(void *arg, enum snippet_told how, const char *text)
{
	const struct telling *to = arg;
	struct translate *t = to->t;
	struct g_ingress *i = to->i;

	if (how == SNIPPET_LOCATION_CLOSED)
		finding_about(&t->findings, &i->found, FINDING_WARN, "AnnotationParsingFailed",
			      &i->ing->o, "annotation %s: %s answers 503 until that is mended",
			      to->annotation, text);
	else if (how == SNIPPET_REFUSED)
		finding_about(&t->findings, &i->found, FINDING_WARN, "AnnotationParsingFailed",
			      &i->ing->o, "annotation %s: %s: %s until that is mended",
			      to->annotation, text, to->closed);
	else
		finding_about(&t->findings, &i->found, FINDING_NOTE, "AnnotationIdle", &i->ing->o,
			      "annotation %s: %s", to->annotation, text);
}

/* Directives that are annotations, too: of texts there is only satisfy, whose words are kept here
 * because a snippet's are gone when it has been read. */
static const char *set(struct annots *a, enum annot_id id, struct str value)
{
	if (id == ANNOT_SATISFY && str_eq(value, STR("any")))
		value = STR("any");
	else if (id == ANNOT_SATISFY && str_eq(value, STR("all")))
		value = STR("all");
	else if (id == ANNOT_SATISFY)
		return "must be any or all";
	return annots_set(a, id, value);
}

static const char *give(void *arg, enum annot_id id, struct str value)
{
	const struct telling *to = arg;

	if (annots_has(to->a, id))
		return "is given twice, here and by an annotation or another line: remove one";
	return set(to->a, id, value);
}

/* Of the ConfigMap's: only what goes wrong with this Ingress alone, such as being too long. */
static void tell_of_all(void *arg, enum snippet_told how, const char *text)
{
	if (how == SNIPPET_REFUSED)
		tell(arg, how, text);
}

/* What an Ingress says itself counts. */
static const char *give_of_all(void *arg, enum annot_id id, struct str value)
{
	const struct telling *to = arg;

	return annots_has(to->a, id) ? NULL : set(to->a, id, value);
}

/* Its own text, and behind it the ConfigMap's. */
static bool compile(struct telling *to, enum snippet_kind kind, struct str own, struct str all,
		    struct snippet_names *names, struct text *program)
{
	const struct snippet_user user = {.tell = tell, .give = give, .arg = to};
	const struct snippet_user of_all = {.tell = tell_of_all, .give = give_of_all, .arg = to};
	struct snippet_job job = {
	    .kind = kind, .maps = &to->t->snippets.now.maps, .zones = &to->t->snippets.now.zones};

	if (kind == SNIPPET_OF_HOST)
		job.above = of_all_program(to->t, OF_ALL_HTTP);
	if (own.n > 0)
		job.from[job.n++] = (struct snippet_source){own, &user, false};
	if (all.n > 0)
		job.from[job.n++] = (struct snippet_source){all, &of_all, true};
	return snippet_compile(&job, names, program);
}

static void tell_off(struct translate *t, struct g_ingress *i, const char *annotation)
{
	finding_about(&t->findings, &i->found, FINDING_WARN, "AnnotationParsingFailed", &i->ing->o,
		      "annotation %s: it is not read, because allow-snippet-annotations is false: "
		      "remove it, or set that to true in the ConfigMap",
		      annotation);
}

static void of_host(struct telling *to, struct snippet_names *names)
{
	struct g_ingress *i = to->i;
	struct text program;

	i->host_snippet = true;
	i->host_refused = !compile(to, SNIPPET_OF_HOST, to->a->host_snippet,
				   of_all_text(to->t, OF_ALL_HOST), names, &program);
	to->a->made.host_program = str_make(program.p, i->host_refused ? 0 : program.n);
}

static void of_path(struct telling *to, struct str own, struct snippet_names *names)
{
	struct text program;
	bool ok =
	    compile(to, SNIPPET_OF_PATH, own, of_all_text(to->t, OF_ALL_PATH), names, &program);
	bool any = ok && snippet_does_something(&program);

	to->a->made.path_program = str_make(program.p, any ? program.n : 0);
	to->a->policy.flags |= ok ? 0u : POLICY_DENY;
}

static void of_auth(struct telling *to, struct snippet_names *names)
{
	struct text program;
	bool ok = compile(to, SNIPPET_OF_AUTH, to->a->auth_snippet, STR_NONE, names, &program);

	to->a->made.auth_program = str_make(program.p, ok ? program.n : 0);
	to->a->policy.flags |= ok ? 0u : POLICY_DENY;
}

/* Does the Ingress have it, and may it be read? */
static bool may_read(struct translate *t, struct g_ingress *i, struct str text,
		     const char *annotation)
{
	if (text.n > 0 && !t->conf.allow_snippets)
		tell_off(t, i, annotation);
	return text.n > 0 && t->conf.allow_snippets;
}

/* Without it another question would be asked, and perhaps a laxer one: so it is not asked. */
static bool may_ask(struct translate *t, struct g_ingress *i, struct annots *a)
{
	struct str text = a->auth_snippet;

	if (text.n > 0 && a->auth_url.n == 0)
		finding_about(&t->findings, &i->found, FINDING_WARN, "AnnotationIdle", &i->ing->o,
			      "annotation auth-snippet: it has no effect without auth-url (that of "
			      "global-auth-url is global-auth-snippet)");
	if (text.n == 0 || a->auth_url.n == 0)
		return false;
	if (t->conf.allow_snippets)
		return true;
	finding_about(&t->findings, &i->found, FINDING_WARN, "AnnotationParsingFailed", &i->ing->o,
		      "annotation auth-snippet: it is not read, because allow-snippet-annotations "
		      "is false: its paths answer 503 until it is removed, or that is true in the "
		      "ConfigMap");
	a->policy.flags |= POLICY_DENY;
	return false;
}

void snippets_attach(struct translate *t, struct g_ingress *i, struct annots *a)
{
	struct snippet_names names = t->snippets.now.names;
	bool host = may_read(t, i, a->host_snippet, "server-snippet");
	bool path = may_read(t, i, a->path_snippet, "configuration-snippet");
	bool auth = may_ask(t, i, a);

	if (host)
		of_host(&(struct telling){t, i, a, "server-snippet",
					  "everything of its hosts answers 503"},
			&names);
	if (path || of_all_text(t, OF_ALL_PATH).n > 0)
		of_path(&(struct telling){t, i, a, "configuration-snippet", "its paths answer 503"},
			path ? a->path_snippet : STR_NONE, &names);
	if (auth)
		of_auth(&(struct telling){t, i, a, "auth-snippet", "its paths answer 503"}, &names);
}

void snippets_detach(struct g_ingress *i)
{
	i->host_snippet = i->host_refused = false;
}
