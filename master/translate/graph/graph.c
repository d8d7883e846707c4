/* graph: nodes and edges. See graph.h; marks and queues are in graph_mark.c. */
#include "master/translate/graph/graph.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/check.h"
#include "master/table/model.h"
#include "master/translate/graph/graph_mem.h"

static int cmp2(struct str a_ns, struct str a, struct str b_ns, struct str b)
{
	int c = obj_str_cmp(a_ns, b_ns);

	return c != 0 ? c : obj_str_cmp(a, b);
}

static int ingress_cmp(const struct g_ingress *a, const struct g_ingress *b)
{
	return cmp2(a->ing->o.ns, a->ing->o.name, b->ing->o.ns, b->ing->o.name);
}

static int host_cmp(const struct g_host *a, const struct g_host *b)
{
	return obj_str_cmp(a->name, b->name);
}

static int cluster_cmp(const struct g_cluster *a, const struct g_cluster *b)
{
	return obj_str_cmp(a->key, b->key);
}

static int service_cmp(const struct g_service *a, const struct g_service *b)
{
	return cmp2(a->ns, a->name, b->ns, b->name);
}

static int class_cmp(const struct g_class *a, const struct g_class *b)
{
	return obj_str_cmp(a->name, b->name);
}

/* RB_GENERATE_STATIC says __unused, which only the BSDs' own headers define. */
#define TREE_STATIC __attribute__((unused)) static
/* clang-format off */
RB_GENERATE_INTERNAL(g_ingresses, g_ingress, entry, ingress_cmp, TREE_STATIC)
RB_GENERATE_INTERNAL(g_hosts, g_host, entry, host_cmp, TREE_STATIC)
RB_GENERATE_INTERNAL(g_clusters, g_cluster, entry, cluster_cmp, TREE_STATIC)
RB_GENERATE_INTERNAL(g_services, g_service, entry, service_cmp, TREE_STATIC)
RB_GENERATE_INTERNAL(g_classes, g_class, entry, class_cmp, TREE_STATIC)
/* clang-format on */

void graph_init(struct graph *g)
{
	*g = (struct graph){0};
	STAILQ_INIT(&g->host_queue);
	STAILQ_INIT(&g->hosts_touched);
	STAILQ_INIT(&g->cluster_queue);
	STAILQ_INIT(&g->clusters_touched);
}

/* --- classes and services: gone with the last that refers to them -------------------------- */

struct g_class *graph_class_find(struct graph *g, struct str name)
{
	struct g_class key = {.name = name};

	return RB_FIND(g_classes, &g->classes, &key);
}

static struct g_class *class_get(struct graph *g, struct str name)
{
	struct g_class *c = graph_class_find(g, name);

	if (c != NULL)
		return c;
	c = mem_zalloc(sizeof(*c));
	c->name = mem_str(name);
	RB_INSERT(g_classes, &g->classes, c);
	return c;
}

static void class_leave(struct graph *g, struct g_ingress *i)
{
	struct g_class *c = i->class;

	if (c == NULL)
		return;
	i->class = NULL;
	LIST_REMOVE(i, of_class);
	if (!LIST_EMPTY(&c->ingresses))
		return;
	RB_REMOVE(g_classes, &g->classes, c);
	mem_str_free(c->name);
	free(c);
}

static struct g_service *service_find(struct graph *g, struct str ns, struct str name)
{
	struct g_service key = {.ns = ns, .name = name};

	return RB_FIND(g_services, &g->services, &key);
}

static struct g_service *service_get(struct graph *g, struct str ns, struct str name)
{
	struct g_service *s = service_find(g, ns, name);

	if (s != NULL)
		return s;
	s = mem_zalloc(sizeof(*s));
	s->ns = mem_str(ns);
	s->name = mem_str(name);
	RB_INSERT(g_services, &g->services, s);
	return s;
}

static void service_leave(struct graph *g, struct g_cluster *c)
{
	struct g_service *s = c->service;

	LIST_REMOVE(c, of_service);
	if (!LIST_EMPTY(&s->clusters))
		return;
	RB_REMOVE(g_services, &g->services, s);
	mem_str_free(s->ns);
	mem_str_free(s->name);
	free(s);
}

void graph_mark_service(struct graph *g, struct str ns, struct str service)
{
	struct g_service *s = service_find(g, ns, service);
	struct g_cluster *c;

	if (s == NULL)
		return;
	LIST_FOREACH (c, &s->clusters, of_service)
		graph_mark_cluster(g, c, true);
}

/* --- ingresses ----------------------------------------------------------------------------- */

struct g_ingress *graph_ingress_find(struct graph *g, struct str ns, struct str name)
{
	struct ingress named = {.o = {.ns = ns, .name = name}};
	struct g_ingress key = {.ing = &named};

	return RB_FIND(g_ingresses, &g->ingresses, &key);
}

struct g_ingress *graph_ingress_add(struct graph *g, const struct ingress *ing)
{
	struct g_ingress *i = graph_ingress_find(g, ing->o.ns, ing->o.name);

	if (i == NULL) {
		i = mem_zalloc(sizeof(*i));
		i->ing = ing;
		RB_INSERT(g_ingresses, &g->ingresses, i);
		g->n_ingresses++;
	}
	i->ing = ing; /* the same names: its place in the tree stays right */
	class_leave(g, i);
	if (ing->class_name.n > 0) {
		i->class = class_get(g, ing->class_name);
		LIST_INSERT_HEAD(&i->class->ingresses, i, of_class);
	}
	return i;
}

void graph_ingress_remove(struct graph *g, struct g_ingress *i)
{
	CHECK(SLIST_EMPTY(&i->links) && SLIST_EMPTY(&i->uses));
	class_leave(g, i);
	RB_REMOVE(g_ingresses, &g->ingresses, i);
	g->n_ingresses--;
	finding_scope_free(&i->found);
	free(i);
}

struct g_ingress *graph_ingress_first(struct graph *g)
{
	return RB_MIN(g_ingresses, &g->ingresses);
}

struct g_ingress *graph_ingress_next(struct g_ingress *i)
{
	return RB_NEXT(g_ingresses, NULL, i);
}

/* --- hosts and clusters -------------------------------------------------------------------- */

struct g_host *graph_host_find(struct graph *g, struct str name)
{
	struct g_host key = {.name = name};

	return RB_FIND(g_hosts, &g->hosts, &key);
}

static struct g_host *host_get(struct graph *g, struct str name)
{
	struct g_host *h = graph_host_find(g, name);

	if (h != NULL)
		return h;
	h = mem_zalloc(sizeof(*h));
	h->name = mem_str(name);
	RB_INSERT(g_hosts, &g->hosts, h);
	g->n_hosts++;
	return h;
}

void graph_host_free(struct graph *g, struct g_host *h)
{
	RB_REMOVE(g_hosts, &g->hosts, h);
	g->n_hosts--;
	finding_scope_free(&h->found);
	mem_str_free(h->name);
	free(h);
}

#define PORT_TEXT 80 /* with something behind it a name is a label: at most 63 bytes */

/* "80", "http", or "" for the first port; "53/udp", "443/ip". Names cannot hold "/" nor begin with
 * a digit only. */
static struct str port_text(const struct port_ref *port, char buf[PORT_TEXT])
{
	static const char *const asks[] = {"", "/auth", "/auths"};
	const char *behind = port->protocol == PORT_UDP ? "/udp"
			     : port->cluster_ip         ? "/ip"
							: asks[port->asks];
	int n;

	if (port->name.n > 0 && *behind == '\0')
		return port->name;
	if (port->name.n == 0 && port->number == 0)
		return STR_NONE;
	if (port->name.n > 0)
		n = snprintf(buf, PORT_TEXT, STR_FMT "%s", STR_ARG(port->name), behind);
	else
		n = snprintf(buf, PORT_TEXT, "%u%s", port->number, behind);
	CHECK(n < PORT_TEXT);
	return str_make(buf, (size_t)n);
}

static struct str join(struct str a, struct str b, struct str c, char by)
{
	size_t n = a.n + b.n + c.n + 2;
	char *p = mem_zalloc(n + 1);
	struct str parts[] = {a, b, c};
	size_t at = 0;

	for (size_t i = 0; i < 3; i++) {
		if (i > 0)
			p[at++] = by;
		if (parts[i].n > 0)
			memcpy(p + at, parts[i].p, parts[i].n);
		at += parts[i].n;
	}
	return str_make(p, n);
}

struct g_cluster *graph_cluster_find(struct graph *g, struct str ns, struct str service,
				     const struct port_ref *port)
{
	char buf[PORT_TEXT];
	struct g_cluster key = {.key = join(ns, service, port_text(port, buf), '/')};
	struct g_cluster *c = RB_FIND(g_clusters, &g->clusters, &key);

	mem_str_free(key.key);
	return c;
}

struct g_cluster *graph_cluster(struct graph *g, struct str ns, struct str service,
				const struct port_ref *port)
{
	struct g_cluster *c = graph_cluster_find(g, ns, service, port);
	struct str text;
	char buf[PORT_TEXT];

	if (c != NULL)
		return c;
	text = port_text(port, buf);
	c = mem_zalloc(sizeof(*c));
	c->key = join(ns, service, text, '/');
	c->name =
	    text.n > 0 ? join(ns, service, text, '-') : mem_str(STR("upstream-default-backend"));
	c->id = model_cluster_id(c->key);
	c->port.name = mem_str(port->name);
	c->port.number = port->number;
	c->port.protocol = port->protocol;
	c->port.cluster_ip = port->cluster_ip;
	c->port.asks = port->asks;
	c->service = service_get(g, ns, service);
	LIST_INSERT_HEAD(&c->service->clusters, c, of_service);
	RB_INSERT(g_clusters, &g->clusters, c);
	g->n_clusters++;
	graph_mark_cluster(g, c, true);
	return c;
}

void graph_cluster_free(struct graph *g, struct g_cluster *c)
{
	RB_REMOVE(g_clusters, &g->clusters, c);
	g->n_clusters--;
	service_leave(g, c);
	finding_scope_free(&c->found);
	mem_str_free(c->key);
	mem_str_free(c->name);
	mem_str_free(c->port.name);
	free(c);
}

struct g_cluster *graph_cluster_first(struct graph *g)
{
	return RB_MIN(g_clusters, &g->clusters);
}

struct g_cluster *graph_cluster_next(struct g_cluster *c)
{
	return RB_NEXT(g_clusters, NULL, c);
}

bool graph_cluster_used(const struct g_cluster *c)
{
	return c->held || c->n_streams > 0 || !LIST_EMPTY(&c->uses);
}

/* --- edges --------------------------------------------------------------------------------- */

void graph_link(struct graph *g, struct g_ingress *i, struct str host, enum g_link_why why)
{
	struct g_host *h = host_get(g, host);
	struct g_link *l;

	SLIST_FOREACH(l, &i->links, of_ingress)
	if (l->host == h) {
		l->why |= why;
		return;
	}
	l = mem_zalloc(sizeof(*l));
	l->why = why;
	l->ingress = i;
	l->host = h;
	SLIST_INSERT_HEAD(&i->links, l, of_ingress);
	LIST_INSERT_HEAD(&h->links, l, of_host);
	graph_mark_host(g, h);
}

struct g_cluster *graph_use(struct graph *g, struct g_ingress *i, struct str service,
			    const struct port_ref *port)
{
	return graph_use_of(g, i, i->ing->o.ns, service, port);
}

struct g_cluster *graph_use_of(struct graph *g, struct g_ingress *i, struct str ns,
			       struct str service, const struct port_ref *port)
{
	struct g_cluster *c = graph_cluster(g, ns, service, port);
	struct g_use *u;

	SLIST_FOREACH(u, &i->uses, of_ingress)
	if (u->cluster == c)
		return c;
	u = mem_zalloc(sizeof(*u));
	u->ingress = i;
	u->cluster = c;
	SLIST_INSERT_HEAD(&i->uses, u, of_ingress);
	LIST_INSERT_HEAD(&c->uses, u, of_cluster);
	graph_mark_cluster(g, c, false);
	return c;
}

void graph_detach(struct graph *g, struct g_ingress *i)
{
	struct g_link *l;
	struct g_use *u;

	while ((l = SLIST_FIRST(&i->links)) != NULL) {
		SLIST_REMOVE_HEAD(&i->links, of_ingress);
		LIST_REMOVE(l, of_host);
		graph_mark_host(g, l->host);
		free(l);
	}
	while ((u = SLIST_FIRST(&i->uses)) != NULL) {
		SLIST_REMOVE_HEAD(&i->uses, of_ingress);
		LIST_REMOVE(u, of_cluster);
		graph_mark_cluster(g, u->cluster, false);
		free(u);
	}
}

void graph_free(struct graph *g)
{
	struct g_ingress *i;
	struct g_host *h;
	struct g_cluster *c;

	while ((i = RB_MIN(g_ingresses, &g->ingresses)) != NULL) {
		graph_detach(g, i);
		graph_ingress_remove(g, i);
	}
	while ((h = RB_MIN(g_hosts, &g->hosts)) != NULL)
		graph_host_free(g, h);
	while ((c = RB_MIN(g_clusters, &g->clusters)) != NULL)
		graph_cluster_free(g, c);
}
