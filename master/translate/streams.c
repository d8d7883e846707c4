/*
 * streams: the ports of TCP and UDP services (facts: flags §C), from two ConfigMaps whose keys are
 * ports and whose values name a Service: "namespace/service:port[:PROXY[:PROXY]]". See state.h.
 *
 * The first PROXY: clients send such a header, of any version; the second: endpoints want one, of
 * version 1 as ingress-nginx sends it, or of version 2 where PROXY2 (ours) stands. All are for TCP.
 * What is refused is told about its ConfigMap. A Service that is missing, or has no endpoint, keeps
 * its port: connections are closed with a reason until it has one. Both ConfigMaps are read whole
 * at each change of one of them: they are short.
 *
 * Behind them come the servers of http-snippet (snippet/server.c): ports, too, but without a
 * Service. A port that both want is the Service's.
 */
#include <stdlib.h>

#include "common/check.h"
#include "common/process/worker_fd.h"
#include "master/translate/graph/graph_mem.h"
#include "master/translate/policy_make.h"
#include "master/translate/state.h"

#define LABEL_MAX 63 /* bytes of a Service's or port's name */

_Static_assert((int)PORT_TCP == (int)TRANSPORT_TCP && (int)PORT_UDP == (int)TRANSPORT_UDP,
	       "a transport is the protocol of a Service's port");

struct stream {
	struct model_port at;
	bool proxy_in;
	uint8_t proxy_out;         /* version; 0: none */
	struct g_cluster *cluster; /* of `now`: held; NULL: a server of http-snippet */
};

struct reading { /* one entry of a ConfigMap */
	struct translate *t;
	const struct obj *configmap;
	enum transport transport;
	struct str key, value;
};

static const char *name_of(enum transport transport)
{
	return transport == TRANSPORT_TCP ? "TCP" : "UDP";
}

static const char *ref_of(const struct translate *t, enum transport transport)
{
	return transport == TRANSPORT_TCP ? t->conf.tcp_services_configmap
					  : t->conf.udp_services_configmap;
}

/* --- one entry ------------------------------------------------------------------------------ */

static bool refuse(const struct reading *r, const char *why)
{
	finding_about(&r->t->findings, &r->t->streams.found, FINDING_REFUSED, "StreamService",
		      r->configmap, "%s port " STR_FMT " is not opened: %s", name_of(r->transport),
		      STR_ARG(str_head(r->key, 40)), why);
	return false;
}

static bool is_reserved(const struct conf *c, uint64_t port)
{
	return port == 80 || port == 443 || port == c->http_port || port == c->https_port ||
	       port == c->healthz_port;
}

static bool read_port(const struct reading *r, uint16_t *out)
{
	uint64_t port;

	if (!str_u64(str_trim(r->key), UINT16_MAX, &port) || port == 0)
		return refuse(r, "the key must be a number from 1 to 65535");
	if (is_reserved(&r->t->conf, port))
		return refuse(r, "it is reserved for the Ingress controller; choose another one");
	*out = (uint16_t)port;
	return true;
}

/* The text before the next ":", taken off; *more false when it was the last one. */
static struct str next_part(struct str *rest, bool *more)
{
	ptrdiff_t colon = str_chr(*rest, ':');
	struct str part = colon == -1 ? *rest : str_make(rest->p, (size_t)colon);

	*more = colon != -1;
	*rest = colon == -1 ? STR_NONE : str_from_at(*rest, (size_t)colon + 1);
	return str_trim(part);
}

static bool read_proxy(const struct reading *r, struct str rest, bool more, struct stream *s)
{
	for (unsigned i = 0; more; i++) {
		struct str word = next_part(&rest, &more);
		bool v1 = str_ieq(word, STR("PROXY")), v2 = str_ieq(word, STR("PROXY2"));

		if (i == 2 || (word.n > 0 && !v1 && (!v2 || i == 0)))
			return refuse(r, "behind the Service's port only PROXY may stand, at most "
					 "twice (the second may be PROXY2, for version 2), as in "
					 "default/db:5432:PROXY:PROXY");
		if (i == 0)
			s->proxy_in = v1;
		else
			s->proxy_out = v2 ? 2 : v1 ? 1 : 0;
	}
	if (r->transport == TRANSPORT_UDP && (s->proxy_in || s->proxy_out))
		return refuse(r, "the PROXY protocol is for TCP services only; remove PROXY");
	return true;
}

static bool read_service(const struct reading *r, struct str *ns, struct str *name,
			 struct port_ref *port, struct stream *s)
{
	struct str rest = r->value, service, text;
	uint64_t number = 0;
	ptrdiff_t slash;
	bool more;

	service = next_part(&rest, &more);
	slash = str_chr(service, '/');
	text = more ? next_part(&rest, &more) : STR_NONE;
	if (slash <= 0 || (size_t)slash + 1 == service.n || text.n == 0 || text.n > LABEL_MAX ||
	    service.n > 2 * LABEL_MAX + 1)
		return refuse(r, "the value must be namespace/service:port");
	*ns = str_make(service.p, (size_t)slash);
	*name = str_from_at(service, (size_t)slash + 1);
	*port = (struct port_ref){.protocol = (uint8_t)r->transport};
	if (!str_u64(text, UINT16_MAX, &number) || number == 0)
		port->name = text;
	port->number = (uint16_t)number;
	return read_proxy(r, rest, more, s);
}

static struct stream *add(struct stream_list *l)
{
	if (l->n == l->cap) {
		l->cap = l->cap == 0 ? 8 : l->cap * 2;
		l->v = reallocarray(l->v, l->cap, sizeof(*l->v));
		CHECK(l->v != NULL);
	}
	return &l->v[l->n++];
}

static bool is_taken(const struct stream_list *l, const struct model_port *p)
{
	for (uint32_t i = 0; i < l->n; i++)
		if (l->v[i].at.transport == p->transport && l->v[i].at.port == p->port)
			return true;
	return false;
}

static void read_entry(const struct reading *r, struct stream_list *to)
{
	struct stream s = {.at.transport = r->transport};
	struct port_ref port;
	struct str ns, name;

	if (!read_port(r, &s.at.port) || !read_service(r, &ns, &name, &port, &s))
		return;
	if (is_taken(to, &s.at)) { /* "53" and "053" */
		(void)refuse(r, "another key is the same port; remove one of them");
		return;
	}
	if (to->n == WORKER_PORTS) {
		(void)refuse(r, "there are too many; 256 ports of TCP and UDP services at most");
		return;
	}
	s.cluster = graph_cluster(&r->t->graph, ns, name, &port);
	s.cluster->n_streams++;
	*add(to) = s;
}

/* --- servers of http-snippet ---------------------------------------------------------------- */

static void not_served(struct translate *t, const struct snippet_server *s, const char *why)
{
	const struct configmap *cm = config_of(&t->conf, t->store);

	if (cm != NULL)
		finding_about(&t->findings, &t->streams.found, FINDING_WARN, "SnippetIdle", &cm->o,
			      "http-snippet: line %u: server has no effect: port %u is not opened: "
			      "%s",
			      s->line, s->port, why);
}

/* NULL: it is none of a server. */
static struct policy *policy_of(const struct translate *t, uint16_t port)
{
	const struct snippet_servers *all = of_all_servers(t);

	for (unsigned i = 0; i < all->n; i++) {
		const struct text *program = &all->v[i].program;

		if (all->v[i].port == port)
			return policy_make_server(&t->defaults, str_make(program->p, program->n));
	}
	return NULL;
}

static bool is_too_large(const struct translate *t, uint16_t port)
{
	struct policy *p = policy_of(t, port);
	bool yes = p->size > POLICY_ROUTED_MAX;

	free(p);
	return yes;
}

static void read_servers(struct translate *t, struct stream_list *to)
{
	const struct snippet_servers *all = of_all_servers(t);

	for (unsigned i = 0; i < all->n; i++) {
		const struct snippet_server *s = &all->v[i];
		struct stream port = {.at = {TRANSPORT_TCP, s->port}, .proxy_in = s->proxy_in};

		if (is_taken(to, &port.at))
			not_served(t, s, "it is a TCP service's; choose another one");
		else if (to->n == WORKER_PORTS)
			not_served(t, s, "there are too many; 256 ports at most");
		else if (is_too_large(t, s->port))
			not_served(t, s, "with the fields of add-headers it is too large");
		else
			*add(to) = port;
	}
}

/* --- both ConfigMaps ------------------------------------------------------------------------ */

static void read_all(struct translate *t, struct stream_list *to)
{
	for (enum transport i = TRANSPORT_TCP; i < TRANSPORTS; i++) {
		const struct configmap *cm = configmap_of(ref_of(t, i), t->store);
		struct reading r = {.t = t, .transport = i};

		if (cm == NULL)
			continue;
		r.configmap = &cm->o;
		for (uint32_t n = 0; n < cm->data.n; n++) {
			r.key = cm->data.kv[n].key;
			r.value = str_trim(cm->data.kv[n].value);
			read_entry(&r, to);
		}
	}
}

static void let_go(struct translate *t, struct stream_list *l)
{
	for (uint32_t i = 0; i < l->n; i++) {
		if (l->v[i].cluster == NULL)
			continue;
		l->v[i].cluster->n_streams--;
		graph_mark_cluster(&t->graph, l->v[i].cluster, false);
	}
	free(l->v);
	*l = (struct stream_list){0};
}

bool streams_concern(const struct translate *t, const struct obj *configmap)
{
	for (enum transport i = TRANSPORT_TCP; i < TRANSPORTS; i++) {
		struct str ref = str_from(ref_of(t, i));

		if (ref.n == configmap->ns.n + 1 + configmap->name.n &&
		    str_starts(ref, configmap->ns) && str_ends(ref, configmap->name))
			return true;
	}
	return false;
}

void streams_changed(struct translate *t)
{
	struct stream_list fresh = {0};

	finding_begin(&t->streams.found);
	read_all(t, &fresh);
	read_servers(t, &fresh);
	finding_end(&t->streams.found);
	let_go(t, &t->streams.now); /* after the new ones are held: most are the same */
	t->streams.now = fresh;
	t->streams.queued = true;
}

/* --- into the table ------------------------------------------------------------------------- */

static int put(struct translate *t, const struct stream *s)
{
	struct model_stream m = {
	    .transport = s->at.transport,
	    .port = s->at.port,
	    .cluster = s->cluster == NULL ? 0 : s->cluster->id,
	    .proxy_in = s->proxy_in,
	    .proxy_out = s->proxy_out,
	};
	struct policy *policy = s->cluster == NULL ? policy_of(t, s->at.port) : NULL;
	int rc;

	m.policy = policy;
	if (!is_taken(&t->streams.in_table, &s->at))
		*add(&t->streams.in_table) = (struct stream){.at = s->at};
	t->puts++;
	rc = t->sink.put_stream(t->sink.arg, &m);
	free(policy);
	return rc;
}

static int put_all(struct translate *t)
{
	struct streams_state *s = &t->streams;

	for (uint32_t i = 0; i < s->in_table.n; i++)
		if (!is_taken(&s->now, &s->in_table.v[i].at) &&
		    t->sink.del_stream(t->sink.arg, s->in_table.v[i].at.transport,
				       s->in_table.v[i].at.port) == -1)
			return -1;
	for (uint32_t i = 0; i < s->now.n; i++)
		if (put(t, &s->now.v[i]) == -1)
			return -1;
	return 0;
}

static void list_ports(struct streams_state *s)
{
	s->ports = reallocarray(s->ports, s->now.n + 1, sizeof(*s->ports));
	CHECK(s->ports != NULL);
	for (uint32_t i = 0; i < s->now.n; i++)
		s->ports[i] = s->now.v[i].at;
	s->n_ports = s->now.n;
	s->revision++;
}

int streams_flush(struct translate *t)
{
	struct streams_state *s = &t->streams;

	if (!s->queued || (s->now.n == 0 && s->in_table.n == 0))
		return 0;
	s->queued = false;
	s->touched = true;
	t->wrote = true;
	list_ports(s);
	return put_all(t);
}

void streams_published(struct translate *t)
{
	struct streams_state *s = &t->streams;

	if (!s->touched)
		return;
	s->touched = false;
	if (s->queued) /* changed meanwhile: the next flush goes by all that may be there */
		return;
	s->in_table.n = 0;
	for (uint32_t i = 0; i < s->now.n; i++)
		*add(&s->in_table) = (struct stream){.at = s->now.v[i].at};
}

void streams_rolled_back(struct translate *t)
{
	t->streams.queued |= t->streams.touched;
	t->streams.touched = false;
}

void streams_free(struct translate *t)
{
	struct streams_state *s = &t->streams;

	free(s->now.v); /* the graph goes as a whole */
	free(s->in_table.v);
	free(s->ports);
	finding_scope_free(&s->found);
	finding_scope_free(&s->failed);
}

/* --- listening ------------------------------------------------------------------------------ */

const struct model_port *translate_ports(const struct translate *t, uint32_t *n, uint64_t *revision)
{
	*n = t->streams.n_ports;
	*revision = t->streams.revision;
	return t->streams.ports;
}

/* Is it a server's of http-snippet? */
static bool is_server(const struct translate *t, const struct model_port *p)
{
	for (uint32_t i = 0; i < t->streams.now.n; i++) {
		const struct stream *s = &t->streams.now.v[i];

		if (s->at.transport == p->transport && s->at.port == p->port)
			return s->cluster == NULL;
	}
	return false;
}

void translate_port_failed(struct translate *t, const struct model_port *p, const char *why)
{
	bool server = is_server(t, p);
	const struct configmap *cm = server ? config_of(&t->conf, t->store)
					    : configmap_of(ref_of(t, p->transport), t->store);

	if (cm == NULL)
		return;
	finding_begin(&t->streams.failed);
	finding_about(&t->findings, &t->streams.failed, server ? FINDING_WARN : FINDING_REFUSED,
		      server ? "SnippetIdle" : "StreamService", &cm->o,
		      "%s%s port %u cannot be listened on: %s; it is tried again until it can",
		      server ? "http-snippet: server: " : "", name_of(p->transport), p->port, why);
	finding_scope_free(&t->streams.failed); /* whoever asks again has a reason to */
}
