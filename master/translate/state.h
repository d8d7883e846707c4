/*
 * state: what the rooms of the translation share. Plain members; each room does its own part.
 */
#ifndef SILEX_MASTER_TRANSLATE_STATE_H
#define SILEX_MASTER_TRANSLATE_STATE_H

#include "master/translate.h"
#include "master/translate/endpoints.h"
#include "master/translate/graph.h"

struct translate {
	struct conf conf;
	const struct store *store;
	struct translate_sink sink;
	struct findings findings;
	struct graph graph;
	struct annots defaults; /* of the annotations, from conf */

	struct g_cluster *default_cluster; /* default-backend-service; NULL = built-in 404 */
	bool default_queued, default_touched;

	struct checker *checker;    /* NULL: nobody is checked */
	struct endpoints endpoints; /* scratch of cluster.c */
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

#endif
