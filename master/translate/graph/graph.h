/*
 * graph: who depends on what, so that an event touches only that.
 *
 *   class ──< ingress >── link ──< host          (an Ingress is in the hosts of its rules)
 *                     >── use  ──< cluster >── service
 *
 * Nodes are found by name and exist as long as something refers to them, is marked, or is in a
 * transaction that is not published yet. Marking queues a node for the next flush; touching
 * remembers it until the transaction's fate is known. Strings of hosts, clusters, services and
 * classes are their own; an ingress node borrows its object, which the store owns.
 * Not here: what any of it means.
 */
#ifndef SILEX_MASTER_TRANSLATE_GRAPH_GRAPH_H
#define SILEX_MASTER_TRANSLATE_GRAPH_GRAPH_H

#include <bsd/sys/queue.h>
#include <bsd/sys/tree.h>
#include <stdbool.h>
#include <stdint.h>

#include "k8s/settings/annot.h"
#include "k8s/objects/obj.h"
#include "master/translate/finding.h"

enum g_link_why {
	LINK_RULE = 1u << 0,  /* it has a rule for it, or is its default */
	LINK_WWW = 1u << 1,   /* it redirects it to one of its hosts (www.c) */
	LINK_ALIAS = 1u << 2, /* it gives it as another name of its hosts (alias.c) */
};

struct g_named { /* named.c: a ConfigMap that an Ingress follows */
	SLIST_ENTRY(g_named) of_ingress;
	struct str ns, name; /* borrowed from the Ingress */
	bool waits;          /* it has not come yet */
};

struct g_link {       /* this Ingress has to do with this host */
	unsigned why; /* enum g_link_why */
	struct g_ingress *ingress;
	struct g_host *host;
	LIST_ENTRY(g_link) of_host;
	SLIST_ENTRY(g_link) of_ingress;
};

struct g_use { /* this Ingress names this Service and port as a backend */
	struct g_ingress *ingress;
	struct g_cluster *cluster;
	LIST_ENTRY(g_use) of_cluster;
	SLIST_ENTRY(g_use) of_ingress;
};

struct g_ingress {
	RB_ENTRY(g_ingress) entry;
	const struct ingress *ing;
	uint8_t verdict;                 /* enum take: what its class says */
	bool taken;                      /* ... and its annotations allow */
	bool host_snippet, host_refused; /* it has a server-snippet; which is refused */
	bool users_wait;                 /* users have not come yet */
	const struct annots *annots;     /* what they say, shared; NULL when it is not taken */
	SLIST_HEAD(, g_link) links;
	SLIST_HEAD(, g_use) uses;
	SLIST_HEAD(, g_secret_use) secrets; /* tls.c */
	struct g_ca *ca; /* client_tls.c: who vouches for its clients; NULL: nobody asks */
	LIST_ENTRY(g_ingress) of_ca;
	struct g_profile *profile; /* up_tls.c: of its proxy-ssl-secret, or NULL */
	LIST_ENTRY(g_ingress) of_profile;
	struct g_class *class; /* of spec.ingressClassName, NULL when it has none */
	LIST_ENTRY(g_ingress) of_class;
	SLIST_HEAD(, g_named) named;
	/* TLS towards its auth service (auth/auth.c), its mirror-target (mirror/), or NULL. */
	struct g_profile *auth_profile, *mirror_profile;
	struct users_list *users; /* auth/basic_auth.c: who may log in, or NULL */
	struct finding_scope found;
};
_Static_assert(sizeof(struct g_ingress) <= 216, "what most Ingresses do not have: into annots");

struct g_mark {
	bool queued;  /* to be rendered by the next flush */
	bool touched; /* in the transaction that is not published yet */
	bool live;    /* the table, this transaction included, may hold it */
};

struct g_host {
	RB_ENTRY(g_host) entry;
	STAILQ_ENTRY(g_host) queue, touched;
	struct g_mark mark;
	LIST_HEAD(, g_link) links;
	struct finding_scope found;
	uint64_t alias_of; /* alias.c: a mark of the host it was put with; 0: it never was */
	struct str name;   /* "" = the catch-all */
};

struct g_cluster {
	RB_ENTRY(g_cluster) entry;
	STAILQ_ENTRY(g_cluster) queue, touched;
	struct g_mark mark;
	uint64_t digest; /* of its Ingresses' settings as last put (balance.h) */
	bool stale; /* Service or endpoints changed: render, not only look whether it is used */
	bool held;  /* the global default backend */
	uint32_t n_streams;   /* ports of TCP or UDP services that lead to it (streams.c) */
	uint32_t n_endpoints; /* at the last rendering */
	LIST_HEAD(, g_use) uses;
	struct g_service *service;
	LIST_ENTRY(g_cluster) of_service;
	struct finding_scope found;
	struct port_ref port; /* both unset: the Service's first port */
	uint64_t id;
	struct str name; /* "namespace-service-port" */
	struct str key;  /* "namespace/service/port": nobody else's can be the same */
};

struct g_service {
	RB_ENTRY(g_service) entry;
	LIST_HEAD(, g_cluster) clusters;
	struct str ns, name;
};

struct g_class {
	RB_ENTRY(g_class) entry;
	LIST_HEAD(, g_ingress) ingresses;
	struct str name;
};

RB_HEAD(g_ingresses, g_ingress);
RB_HEAD(g_hosts, g_host);
RB_HEAD(g_clusters, g_cluster);
RB_HEAD(g_services, g_service);
RB_HEAD(g_classes, g_class);

struct graph {
	struct g_ingresses ingresses;
	struct g_hosts hosts;
	struct g_clusters clusters;
	struct g_services services;
	struct g_classes classes;
	STAILQ_HEAD(, g_host) host_queue, hosts_touched;
	STAILQ_HEAD(, g_cluster) cluster_queue, clusters_touched;
	uint64_t n_ingresses, n_taken, n_hosts, n_clusters;
};

void graph_init(struct graph *g);
void graph_free(struct graph *g);

/* Ingresses. graph_ingress_add() makes the node or gives it the new object, with its class. */
struct g_ingress *graph_ingress_find(struct graph *g, struct str ns, struct str name);
struct g_ingress *graph_ingress_add(struct graph *g, const struct ingress *ing);
void graph_ingress_remove(struct graph *g, struct g_ingress *i); /* detached before */
struct g_ingress *graph_ingress_first(struct graph *g);
struct g_ingress *graph_ingress_next(struct g_ingress *i);
struct g_class *graph_class_find(struct graph *g, struct str name);

/* NULL when nobody has to do with it. */
struct g_host *graph_host_find(struct graph *g, struct str name);
/* Edges; a second one between the same two is not made. Both mark the other end. */
void graph_link(struct graph *g, struct g_ingress *i, struct str host, enum g_link_why why);
struct g_cluster *graph_use(struct graph *g, struct g_ingress *i, struct str service,
			    const struct port_ref *port);
/* The same of a Service of any namespace; ns empty: service is a name of DNS. */
struct g_cluster *graph_use_of(struct graph *g, struct g_ingress *i, struct str ns,
			       struct str service, const struct port_ref *port);
/* Take all edges of i away, and mark what they led to. */
void graph_detach(struct graph *g, struct g_ingress *i);

/* Find or make. */
struct g_cluster *graph_cluster(struct graph *g, struct str ns, struct str service,
				const struct port_ref *port);
/* NULL when there is none. */
struct g_cluster *graph_cluster_find(struct graph *g, struct str ns, struct str service,
				     const struct port_ref *port);
struct g_cluster *graph_cluster_first(struct graph *g);
struct g_cluster *graph_cluster_next(struct g_cluster *c);
bool graph_cluster_used(const struct g_cluster *c);

/* Queue for the next flush. */
void graph_mark_host(struct graph *g, struct g_host *h);
void graph_mark_cluster(struct graph *g, struct g_cluster *c, bool stale);
void graph_mark_service(struct graph *g, struct str ns, struct str service);

/* Take the next queued one off, touched; NULL when there is none. */
struct g_host *graph_next_host(struct graph *g);
struct g_cluster *graph_next_cluster(struct graph *g);

/* graph_mark.c only: nothing may refer to it, nor a queue hold it. */
void graph_host_free(struct graph *g, struct g_host *h);
void graph_cluster_free(struct graph *g, struct g_cluster *c);

/* The fate of everything touched. */
void graph_published(struct graph *g);
void graph_rolled_back(struct graph *g);

#endif
