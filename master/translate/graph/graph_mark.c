/*
 * graph_mark: what is to be rendered, and what is in a transaction whose fate is not known yet.
 * See graph.h.
 *
 * A node leaves the graph only when nothing refers to it, it is not queued, and the transaction
 * that deleted it is published: until then a roll back must find it again.
 */
#include "master/translate/graph/graph.h"

void graph_mark_host(struct graph *g, struct g_host *h)
{
	if (h->mark.queued)
		return;
	h->mark.queued = true;
	STAILQ_INSERT_TAIL(&g->host_queue, h, queue);
}

void graph_mark_cluster(struct graph *g, struct g_cluster *c, bool stale)
{
	c->stale |= stale;
	if (c->mark.queued)
		return;
	c->mark.queued = true;
	STAILQ_INSERT_TAIL(&g->cluster_queue, c, queue);
}

struct g_host *graph_next_host(struct graph *g)
{
	struct g_host *h = STAILQ_FIRST(&g->host_queue);

	if (h == NULL)
		return NULL;
	STAILQ_REMOVE_HEAD(&g->host_queue, queue);
	h->mark.queued = false;
	if (!h->mark.touched) {
		h->mark.touched = true;
		STAILQ_INSERT_TAIL(&g->hosts_touched, h, touched);
	}
	return h;
}

struct g_cluster *graph_next_cluster(struct graph *g)
{
	struct g_cluster *c = STAILQ_FIRST(&g->cluster_queue);

	if (c == NULL)
		return NULL;
	STAILQ_REMOVE_HEAD(&g->cluster_queue, queue);
	c->mark.queued = false;
	if (!c->mark.touched) {
		c->mark.touched = true;
		STAILQ_INSERT_TAIL(&g->clusters_touched, c, touched);
	}
	return c;
}

void graph_published(struct graph *g)
{
	struct g_host *h;
	struct g_cluster *c;

	while ((h = STAILQ_FIRST(&g->hosts_touched)) != NULL) {
		STAILQ_REMOVE_HEAD(&g->hosts_touched, touched);
		h->mark.touched = false;
		if (!h->mark.queued && LIST_EMPTY(&h->links))
			graph_host_free(g, h);
	}
	while ((c = STAILQ_FIRST(&g->clusters_touched)) != NULL) {
		STAILQ_REMOVE_HEAD(&g->clusters_touched, touched);
		c->mark.touched = false;
		if (!c->mark.queued && !graph_cluster_used(c))
			graph_cluster_free(g, c);
	}
}

void graph_rolled_back(struct graph *g)
{
	struct g_host *h;
	struct g_cluster *c;

	while ((h = STAILQ_FIRST(&g->hosts_touched)) != NULL) {
		STAILQ_REMOVE_HEAD(&g->hosts_touched, touched);
		h->mark.touched = false;
		h->mark.live = true; /* a put that is undone, or a delete: not known which */
		graph_mark_host(g, h);
	}
	while ((c = STAILQ_FIRST(&g->clusters_touched)) != NULL) {
		STAILQ_REMOVE_HEAD(&g->clusters_touched, touched);
		c->mark.touched = false;
		c->mark.live = true; /* a put that is undone, or a delete: not known which */
		graph_mark_cluster(g, c, true);
	}
}
