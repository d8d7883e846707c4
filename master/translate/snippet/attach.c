/* attach: an Ingress' snippets into the graph: the gate, the programs, what its owner is told. */
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

	if (how == SNIPPET_LOCATION_CLOSED)
		finding_about(&to->t->findings, &to->i->found, FINDING_WARN,
			      "AnnotationParsingFailed", &to->i->ing->o, "annotation %s: %s",
			      to->annotation, text);
	else if (how == SNIPPET_REFUSED)
		finding_about(&to->t->findings, &to->i->found, FINDING_WARN,
			      "AnnotationParsingFailed", &to->i->ing->o,
			      "annotation %s: %s: %s until that is mended", to->annotation, text,
			      to->closed);
	else
		finding_about(&to->t->findings, &to->i->found, FINDING_NOTE, "AnnotationIdle",
			      &to->i->ing->o, "annotation %s: %s", to->annotation, text);
}

static const char *give(void *arg, enum annot_id id, struct str value)
{
	const struct telling *to = arg;

	if (annots_has(to->a, id))
		return "is given twice, here and by an annotation or another line: remove one";
	return annots_set(to->a, id, value);
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
	const struct snippet_user user = {.tell = tell, .arg = to};
	struct g_ingress *i = to->i;
	struct text program;

	i->host_snippet = true;
	i->host_refused =
	    !snippet_compile(SNIPPET_OF_HOST, to->a->host_snippet, names, &user, &program);
	to->a->made.host_program = str_make(program.p, i->host_refused ? 0 : program.n);
}

static void of_path(struct telling *to, struct snippet_names *names)
{
	const struct snippet_user user = {.tell = tell, .give = give, .arg = to};
	struct annots *a = to->a;
	struct text program;
	bool ok = snippet_compile(SNIPPET_OF_PATH, a->path_snippet, names, &user, &program);

	a->made.path_program = str_make(program.p, ok ? program.n : 0);
	a->policy.flags |= ok ? 0u : POLICY_DENY;
}

void snippets_attach(struct translate *t, struct g_ingress *i, struct annots *a)
{
	struct snippet_names names = {.n = 0};
	bool path = a->path_snippet.n > 0, host = a->host_snippet.n > 0;

	if (host && !t->conf.allow_snippets)
		tell_off(t, i, "server-snippet");
	if (path && !t->conf.allow_snippets)
		tell_off(t, i, "configuration-snippet");
	if (!t->conf.allow_snippets)
		return;
	if (host)
		of_host(&(struct telling){t, i, a, "server-snippet",
					  "everything of its hosts answers 503"},
			&names);
	if (path)
		of_path(&(struct telling){t, i, a, "configuration-snippet", "its paths answer 503"},
			&names);
}

void snippets_detach(struct g_ingress *i)
{
	i->host_snippet = i->host_refused = false;
}
