/*
 * state: what the rooms of the translation share. Plain members; each room does its own part.
 */
#ifndef SILEX_MASTER_TRANSLATE_STATE_H
#define SILEX_MASTER_TRANSLATE_STATE_H

#include "k8s/settings/annot_share.h"
#include "master/translate/translate.h"
#include "master/translate/endpoints/endpoints.h"
#include "master/translate/graph/graph.h"
#include "master/translate/snippet/of_all.h"
#include "master/translate/tls/up_tls.h"

struct g_secret;
RB_HEAD(g_secrets, g_secret);

struct g_ca;
RB_HEAD(g_cas, g_ca);

struct tls_state {
	struct certs *certs; /* NULL: there is no HTTPS port */
	struct g_secrets secrets;
	struct cert *default_cert; /* default-ssl-certificate; NULL = the self-signed one */
	bool default_queued, default_touched;
	struct finding_scope found;
};

struct stream; /* streams.c: one port */

struct stream_list {
	struct stream *v;
	uint32_t n, cap;
};

struct streams_state {
	struct stream_list now;      /* as the ConfigMaps say; each holds its cluster */
	struct stream_list in_table; /* what the table may hold */
	struct model_port *ports;    /* as last flushed */
	uint32_t n_ports;
	uint64_t revision; /* of ports */
	bool queued, touched;
	struct finding_scope found, failed;
};

struct headers_state {
	char *request, *response; /* compiled lists */
	bool waits;               /* a ConfigMap has not come yet */
	char add[320], set[320];  /* the ConfigMaps that are followed, "ns/name" */
	struct finding_scope found;
};

struct translate {
	struct conf conf;
	const struct store *store;
	struct translate_sink sink;
	struct findings findings;
	struct graph graph;
	struct annots defaults; /* of the annotations, from conf */
	struct annot_shares shares;

	struct g_cluster *default_cluster; /* default-backend-service; NULL = built-in 404 */
	bool default_queued, default_touched;

	struct checker *checker;      /* NULL: nobody is checked */
	struct tls_state tls;         /* tls.c */
	struct g_cas cas;             /* client_tls.c */
	struct streams_state streams; /* streams.c */
	struct headers_state headers; /* headers.c */
	struct snippets_state snippets;
	bool nobody_queued, nobody_live; /* hosts/nobody.c */
	struct up_tls_state up_tls;

	struct endpoints endpoints; /* scratch of cluster.c */
	char node[254];             /* whose zone counts; "": none */
	char zone[64];              /* endpoints.zone */
	uint64_t puts, deletes;
	bool wrote; /* in this flush */
	char culprit[300];
};

/* ingress.c: an Ingress into the graph. Attach decides whether it is ours, and links it. */
void ingress_attach(struct translate *t, struct g_ingress *i);
void ingress_detach(struct translate *t, struct g_ingress *i);
/* Would its class now say otherwise than when it was attached? */
bool ingress_verdict_changed(const struct translate *t, const struct g_ingress *i);

/* host.c, cluster.c: render one node into the sink. 0, or -1 with errno. */
int host_render(struct translate *t, struct g_host *h);
int cluster_render(struct translate *t, struct g_cluster *c);

/* nobody.c: the catch-all where no Ingress has one, for what the ConfigMap's snippets say of every
 * host. After the hosts. */
int nobody_flush(struct translate *t);

/* tls.c: which certificate a host gets. An Ingress' tls section into the graph and out of it; one
 * rendered host's certificate into the sink (by_age: its Ingresses, oldest first; none: away). */
void tls_attach(struct translate *t, struct g_ingress *i);
void tls_detach(struct translate *t, struct g_ingress *i);
int tls_render(struct translate *t, struct g_host *h, struct g_ingress *const *by_age, uint32_t n);
/* The same for h, another name of `of`, whose Ingresses these are: its certificate, where that is
 * for h, too. has_cert: so it is. What is not told of `of` already is told in its scope. */
int tls_render_alias(struct translate *t, struct g_host *h, struct g_host *of,
		     struct g_ingress *const *by_age, uint32_t n, bool *has_cert);
/* Does an Ingress of this host ask for TLS? The host counts as having a certificate then, if
 * only the default one. Never without an HTTPS port. */
bool tls_wanted(const struct translate *t, const struct g_host *h, struct g_ingress *const *by_age,
		uint32_t n);
void tls_conf_changed(struct translate *t);
void tls_secret_changed(struct translate *t, const struct obj *secret);
int tls_flush_default(struct translate *t);
void tls_published(struct translate *t);
void tls_rolled_back(struct translate *t);
void tls_free(struct translate *t);

/* client_tls.c: what a host wants of its clients' TLS. An Ingress' annotations into the graph and
 * out of it; those of a host into m, whose strings are borrowed. False: nothing. */
void client_tls_attach(struct translate *t, struct g_ingress *i);
void client_tls_detach(struct translate *t, struct g_ingress *i);
bool client_tls_model(struct translate *t, struct g_host *h, struct g_ingress *const *by_age,
		      uint32_t n, struct model_tls *m);
void client_tls_secret_changed(struct translate *t, const struct obj *secret);
void client_tls_free(struct translate *t);

/* passthrough.c: hosts whose TLS is passed through. What an Ingress' annotation needs into the
 * graph; a rendered host into the sink (by_age as tls_render's). */
void passthrough_attach(struct translate *t, struct g_ingress *i);
int passthrough_render(struct translate *t, struct g_host *h, struct g_ingress *const *by_age,
		       uint32_t n);

/* streams.c: the ports of TCP and UDP services. Is this ConfigMap one of theirs? */
bool streams_concern(const struct translate *t, const struct obj *configmap);
void streams_changed(struct translate *t);
int streams_flush(struct translate *t);
void streams_published(struct translate *t);
void streams_rolled_back(struct translate *t);
void streams_free(struct translate *t);

/* These compile what the annotations a of an Ingress say, most of it into a->made, before a is
 * shared as i->annots. The Ingress' scope of findings is open. */

/* errors.c: who answers errors. */
void errors_attach(struct translate *t, struct g_ingress *i, struct annots *a);

/* edits.c: what proxy-redirect-* and proxy-cookie-* change in answers. */
void edits_attach(struct translate *t, struct g_ingress *i, struct annots *a);

/* snippet/attach.c: what its snippets mean. */
void snippets_attach(struct translate *t, struct g_ingress *i, struct annots *a);
void snippets_detach(struct g_ingress *i);

/* headers.c: header fields from ConfigMaps. What holds for all goes into t->defaults; what
 * custom-headers of an Ingress names into its annots. */
void headers_conf_changed(struct translate *t);
void headers_attach(struct translate *t, struct g_ingress *i, struct annots *a);
/* Do the settings name that ConfigMap? */
bool headers_named(const struct translate *t, const struct obj *configmap);
void headers_free(struct translate *t);

#endif
