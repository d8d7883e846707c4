/* fcgi: see fcgi.h. */
#include "master/translate/fcgi.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/policy/policy_header.h"
#include "master/translate/named.h"
#include "master/translate/state.h"

static bool is_name(struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		char c = ascii_lower(s.p[i]);

		if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '_')
			return false;
	}
	return s.n > 0 && s.n <= 256;
}

/* NULL, or what is wrong with it. */
static const char *put_all(const struct configmap *cm, struct text *list, char why[VARS_WHY_MAX])
{
	for (uint32_t n = 0; n < cm->data.n; n++) {
		struct str name = cm->data.kv[n].key;

		if (!is_name(name)) {
			(void)snprintf(why, VARS_WHY_MAX,
				       "has the key \"" STR_FMT "\": a parameter's name has "
				       "letters, digits and \"_\"",
				       STR_ARG(str_head(name, 60)));
			return why;
		}
		if (policy_header_put(list, HEADER_SET, name, str_trim(cm->data.kv[n].value), false,
				      why) == VARS_BAD)
			return why;
	}
	return NULL;
}

static const char *params(struct translate *t, struct g_ingress *i, struct text *list,
			  char why[VARS_WHY_MAX])
{
	const struct configmap *cm;
	const char *wrong = named_follow(t, i, &i->fcgi, i->annots.fcgi_params, &cm);

	return wrong != NULL || cm == NULL ? wrong : put_all(cm, list, why);
}

void fcgi_attach(struct translate *t, struct g_ingress *i)
{
	char why[VARS_WHY_MAX];
	const char *wrong;
	struct text list;

	if (i->annots.fcgi_params.n == 0)
		return;
	text_growing(&list, POLICY_LIST_MAX);
	wrong = params(t, i, &list, why);
	i->fcgi_list = list.p;
	i->annots.fcgi_list = str_make(list.p, list.n);
	if (wrong == NULL)
		return;
	i->annots.fcgi_list = STR_NONE;
	i->annots.policy.flags |= POLICY_DENY;
	finding_about(&t->findings, &i->found, FINDING_WARN, "AnnotationParsingFailed", &i->ing->o,
		      "annotation fastcgi-params-configmap: \"" STR_FMT "\" %s: its paths answer "
		      "503 until that is mended",
		      STR_ARG(str_head(i->annots.fcgi_params, 100)), wrong);
}

void fcgi_detach(struct translate *t, struct g_ingress *i)
{
	named_drop(t, &i->fcgi);
	free(i->fcgi_list);
	i->fcgi_list = NULL;
}
