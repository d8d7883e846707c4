/* auth_cluster: where auth services are, and targets of copies (mirror/mirror.h); see auth.h. */
#include <stdio.h>

#include "common/policy/policy_auth.h"
#include "common/policy/policy_mirror.h"
#include "master/translate/auth/auth.h"

#define NAME_MAX_BYTES 300

/* What DNS is asked for: the name itself, or the Service's where nobody here knows the Service
 * (watch-namespace). */
static struct str dns_name(const struct g_cluster *c, char buf[NAME_MAX_BYTES])
{
	int n;

	if (c->service->ns.n == 0)
		return c->service->name;
	n = snprintf(buf, NAME_MAX_BYTES, STR_FMT "." STR_FMT ".svc.cluster.local",
		     STR_ARG(c->service->name), STR_ARG(c->service->ns));
	return n < 0 || n >= NAME_MAX_BYTES ? STR_NONE : str_make(buf, (size_t)n);
}

static bool by_name(const struct translate *t, const struct g_cluster *c)
{
	return c->service->ns.n == 0 ||
	       store_get(t->store, OBJ_SERVICE, c->service->ns, c->service->name) == NULL;
}

enum endpoints_state auth_endpoints(struct translate *t, const struct g_cluster *c,
				    const struct obj *by)
{
	char buf[NAME_MAX_BYTES];

	if (!by_name(t, c))
		return endpoints_find(&t->endpoints, t->store, &t->conf, c->service->ns,
				      c->service->name, &c->port);
	return endpoints_of_name(&t->endpoints, &t->conf, by, dns_name(c, buf), c->port.number);
}

static const char *trouble(enum endpoints_state s)
{
	switch (s) {
	case ENDPOINTS_FOUND:
	case ENDPOINTS_EXTERNAL_WAITING:
		break;
	case ENDPOINTS_NONE_READY:
		return "has no ready endpoint";
	case ENDPOINTS_NO_SERVICE:
	case ENDPOINTS_EXTERNAL_UNKNOWN:
		return "is no Service that is known here, and cannot be resolved: correct the "
		       "name, or the name servers";
	case ENDPOINTS_NO_PORT:
		return "has no such port: name one of the Service's ports in the URL";
	case ENDPOINTS_EXTERNAL_OFF:
		return "is a Service of type ExternalName, which --disable-svc-external-name "
		       "refuses";
	case ENDPOINTS_EXTERNAL_REFUSED:
		return "leads to a loopback or link-local address or the API server: allow it with "
		       "--external-name-allow-local";
	}
	return NULL;
}

static bool asks(const struct annots *a, const struct g_cluster *c)
{
	struct policy_auth_view v;

	return policy_auth_read(a->made.auth_option, &v) && v.cluster == c->id;
}

static bool copies(const struct annots *a, const struct g_cluster *c)
{
	struct policy_mirror_view v;

	return policy_mirror_read(a->made.mirror_option, &v) && v.cluster == c->id;
}

/* NULL: nobody does. */
static const struct g_ingress *
one_who(bool (*does)(const struct annots *, const struct g_cluster *), const struct g_cluster *c)
{
	const struct g_use *u;

	LIST_FOREACH (u, &c->uses, of_cluster)
		if (does(u->ingress->annots, c))
			return u->ingress;
	return NULL;
}

unsigned auth_uses(const struct g_cluster *c)
{
	return (one_who(asks, c) != NULL ? 1u : 0u) | (one_who(copies, c) != NULL ? 2u : 0u);
}

static void tell(struct translate *t, struct g_cluster *c, const struct g_ingress *i,
		 const char *reason, const char *what, const char *why, const char *outcome)
{
	char buf[NAME_MAX_BYTES];

	if (i != NULL)
		finding_about(&t->findings, &c->found, FINDING_WARN, reason, &i->ing->o,
			      "%s " STR_FMT ":%u %s; %s", what, STR_ARG(dns_name(c, buf)),
			      c->port.number, why, outcome);
}

void auth_tell_cluster(struct translate *t, struct g_cluster *c, enum endpoints_state s)
{
	const char *why = trouble(s);

	if (why == NULL)
		return;
	tell(t, c, one_who(asks, c), "AuthService", "auth service", why,
	     "requests that it is asked about are answered 500");
	tell(t, c, one_who(copies, c), "MirrorTarget", "mirror-target", why,
	     "no copies are sent, requests are served");
}

bool auth_asks_name(const struct translate *t, const struct g_cluster *c, struct str name)
{
	char buf[NAME_MAX_BYTES];

	return c->port.asks != PORT_ASKS_NOTHING && graph_cluster_used(c) && by_name(t, c) &&
	       str_ieq(dns_name(c, buf), name);
}

bool auth_wants_name(const struct translate *t, struct str name)
{
	/* Walking changes nothing, but hands out what may be changed. */
	struct graph *g = (struct graph *)(uintptr_t)&t->graph;

	for (const struct g_cluster *c = graph_cluster_first(g); c != NULL;
	     c = graph_cluster_next((struct g_cluster *)(uintptr_t)c))
		if (auth_asks_name(t, c, name))
			return true;
	return false;
}
