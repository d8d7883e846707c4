/*
 * errors: default-backend, custom-http-errors and disable-proxy-intercept-errors of an Ingress,
 * compiled (facts: annotations §1). See state.h.
 *
 * The Service of default-backend answers; where it has no endpoints, or none is named, the global
 * default backend does. Without either, errors stay what they are.
 */
#include "master/translate/state.h"

static void tell(struct translate *t, struct g_ingress *i, struct str word)
{
	finding_about(&t->findings, &i->found, FINDING_WARN, "AnnotationParsingFailed", &i->ing->o,
		      "custom-http-errors: \"%.*s\" is no status from %d to %d and is left out",
		      STR_ARG(str_head(word, 80)), POLICY_ERROR_LEAST, POLICY_ERROR_MOST);
}

static bool add_code(struct policy_errors *e, struct str word)
{
	uint64_t code;

	if (!str_u64(word, POLICY_ERROR_MOST, &code) || code < POLICY_ERROR_LEAST)
		return false;
	code -= POLICY_ERROR_LEAST;
	e->codes[code / 64] |= (uint64_t)1 << (code % 64);
	return true;
}

void errors_attach(struct translate *t, struct g_ingress *i, struct annots *a)
{
	const struct port_ref first = {.number = 0};
	struct policy_errors *e = &a->errors;
	struct str rest = a->http_errors, word;

	*e = (struct policy_errors){.flags = a->pass_errors ? ERRORS_OURS_ONLY : 0u};
	while (annot_csv_next(&rest, &word))
		if (!add_code(e, word))
			tell(t, i, word);
	if (a->default_backend.n > 0) {
		e->clusters[0] = graph_use(&t->graph, i, a->default_backend, &first)->id;
		e->flags |= ERRORS_NO_ENDPOINT;
	}
	if (t->default_cluster != NULL)
		e->clusters[1] = t->default_cluster->id;
}
