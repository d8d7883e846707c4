/* www: see www.h. */
#include "master/translate/hosts/www.h"

#include <stdlib.h>
#include <string.h>

#include "master/translate/graph/graph_mem.h"
#include "master/translate/state.h"

#define PREFIX STR("www.")

struct str www_other(struct str host, char buf[WWW_HOST_MAX])
{
	if (host.n == 0 || host.p[0] == '*' || host.n + PREFIX.n > WWW_HOST_MAX)
		return STR_NONE;
	if (str_starts(host, PREFIX)) {
		memcpy(buf, host.p + PREFIX.n, host.n - PREFIX.n);
		return str_make(buf, host.n - PREFIX.n);
	}
	memcpy(buf, PREFIX.p, PREFIX.n);
	memcpy(buf + PREFIX.n, host.p, host.n);
	return str_make(buf, PREFIX.n + host.n);
}

void www_link(struct translate *t, struct g_ingress *i, struct str host)
{
	char buf[WWW_HOST_MAX];
	struct str other;

	if (!i->annots->www || i->annots->canary)
		return;
	other = www_other(host, buf);
	if (other.n > 0)
		graph_link(&t->graph, i, other, LINK_WWW);
}

static bool has_rule(const struct ingress *ing, struct str host)
{
	for (uint32_t n = 0; n < ing->n_rules; n++)
		if (str_eq(ing->rules[n].host, host))
			return true;
	return host.n == 0; /* the catch-all is linked for what it is */
}

uint32_t www_part(struct str host, struct g_ingress **by_age, uint32_t n)
{
	struct g_ingress **apart = mem_zalloc((n + 1) * sizeof(struct g_ingress *));
	uint32_t others = 0, n_apart = 0;

	for (uint32_t i = 0; i < n; i++) {
		if (has_rule(by_age[i]->ing, host))
			by_age[others++] = by_age[i];
		else
			apart[n_apart++] = by_age[i];
	}
	memcpy(by_age + others, apart, n_apart * sizeof(struct g_ingress *));
	free(apart);
	return others;
}
