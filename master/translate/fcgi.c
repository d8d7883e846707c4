/* fcgi: see fcgi.h. */
#include "master/translate/fcgi.h"

#include <stdio.h>

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

static const char *put_all(struct translate *t, const struct configmap *cm, struct text *list,
			   char why[VARS_WHY_MAX])
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

void fcgi_attach(struct translate *t, struct g_ingress *i, struct annots *a)
{
	if (!named_list(t, i, "fastcgi-params-configmap", a->fcgi_params, put_all,
			&a->made.fcgi_list))
		a->policy.flags |= POLICY_DENY;
}
