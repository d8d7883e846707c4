/*
 * passthrough: hosts whose TLS goes to their Service as it is (facts: annotations §3,
 * ssl-passthrough). See state.h.
 *
 * The oldest Ingress of a host that has the annotation decides; the Service is that of its path "/"
 * for this host. It is reached by its ClusterIP, as ingress-nginx does it, so that kube-proxy
 * balances; where there is none (headless Services, manifests without) by its endpoints. Plain HTTP
 * of the host is served as ever: it is TLS that the other annotations have no say in.
 */
#include <errno.h>

#include "master/translate/state.h"

#define LABEL_MAX 63

/* The backend of path "/" that this Ingress has for a host; NULL: none. */
static const struct ingress_backend *root_of(const struct ingress *ing, struct str host)
{
	for (uint32_t r = 0; r < ing->n_rules; r++) {
		const struct ingress_rule *rule = &ing->rules[r];

		if (!str_eq(rule->host, host))
			continue;
		for (uint32_t p = 0; p < rule->n_paths; p++)
			if (rule->paths[p].path.n <= 1 && rule->paths[p].backend.service.n > 0)
				return &rule->paths[p].backend;
	}
	return NULL;
}

/* The same Service and port by its own address; false for a port that can be nobody's. */
static bool by_address(const struct ingress_backend *b, struct port_ref *port)
{
	*port = b->port;
	port->cluster_ip = true;
	return b->port.name.n <= LABEL_MAX;
}

static bool is_on(const struct translate *t, const struct g_ingress *i)
{
	return t->conf.enable_ssl_passthrough && t->tls.certs != NULL && i->annots->ssl_passthrough;
}

static bool has_others(const struct translate *t, const struct obj *o)
{
	struct str prefix = str_from(t->conf.annotations_prefix);

	for (uint32_t n = 0; n < o->annotations.n; n++) {
		struct str key = o->annotations.kv[n].key;

		if (str_starts(key, prefix) && !str_ends(key, STR("/ssl-passthrough")))
			return true;
	}
	return false;
}

void passthrough_attach(struct translate *t, struct g_ingress *i)
{
	const struct obj *o = &i->ing->o;

	if (!i->annots->ssl_passthrough)
		return;
	if (!is_on(t, i)) {
		finding_about(&t->findings, &i->found, FINDING_WARN, "SslPassthrough", o,
			      "ssl-passthrough has no effect and TLS is terminated: start Silex "
			      "with --enable-ssl-passthrough and an HTTPS port");
		return;
	}
	if (has_others(t, o))
		finding_about(&t->findings, &i->found, FINDING_WARN, "SslPassthrough", o,
			      "the other annotations have no effect on TLS connections, which "
			      "ssl-passthrough leads to the Service as they are; they hold for "
			      "plain HTTP only: remove them, or ssl-passthrough");
	if (i->annots->server_alias.n > 0)
		finding_about(&t->findings, &i->found, FINDING_WARN, "SslPassthrough", o,
			      "TLS of the names of server-alias is terminated, ssl-passthrough "
			      "holds for the hosts of rules alone: add rules for these names");
	for (uint32_t r = 0; r < i->ing->n_rules; r++) {
		struct str host = i->ing->rules[r].host;
		const struct ingress_backend *b = root_of(i->ing, host);
		struct port_ref port;

		if (host.n > 0 && b != NULL && by_address(b, &port))
			(void)graph_use(&t->graph, i, b->service, &port);
	}
}

static void no_root(struct translate *t, struct g_host *h, const struct g_ingress *i)
{
	finding_about(&t->findings, &h->found, FINDING_WARN, "SslPassthrough", &i->ing->o,
		      "TLS of host " STR_FMT " is terminated in spite of ssl-passthrough, because "
		      "this Ingress has no path / with a Service for it: add one",
		      STR_ARG(h->name));
}

/* The cluster it is passed through to; 0: it is not. */
static uint64_t cluster_of(struct translate *t, struct g_host *h, struct g_ingress *const *by_age,
			   uint32_t n)
{
	const struct g_cluster *c = NULL;

	for (uint32_t i = 0; i < n; i++) {
		const struct ingress_backend *b;
		struct port_ref port;

		if (!is_on(t, by_age[i]))
			continue;
		b = root_of(by_age[i]->ing, h->name);
		if (b != NULL && by_address(b, &port))
			c = graph_cluster_find(&t->graph, by_age[i]->ing->o.ns, b->service, &port);
		if (c == NULL)
			no_root(t, h, by_age[i]);
		return c == NULL ? 0 : c->id;
	}
	return 0;
}

int passthrough_render(struct translate *t, struct g_host *h, struct g_ingress *const *by_age,
		       uint32_t n)
{
	uint64_t cluster;

	if (!t->conf.enable_ssl_passthrough || t->tls.certs == NULL || h->name.n == 0)
		return 0;
	cluster = cluster_of(t, h, by_age, n);
	if (cluster == 0)
		return t->sink.del_passthrough(t->sink.arg, h->name);
	if (t->sink.put_passthrough(t->sink.arg, h->name, cluster) == 0)
		return 0;
	return errno == EINVAL ? 0 : -1; /* host.c has told that the table cannot hold the name */
}
