/* client: see client.h. */
#include "worker/client.h"

#include <stdlib.h>
#include <unistd.h>

#include "worker/driver.h"
#include "worker/http1/h1c.h"
#include "worker/worker.h"

#define HEALTH_CONNECTIONS 64 /* probes get in when max-connections is reached (listener.c) */

struct clients {
	LIST_HEAD(, h1c) all;
};

int client_init(struct worker *w)
{
	w->client_list = calloc(1, sizeof(*w->client_list));
	if (w->client_list == NULL)
		return -1;
	LIST_INIT(&w->client_list->all);
	w->clients =
	    slab_new("clients", sizeof(struct h1c), w->conf->max_connections + HEALTH_CONNECTIONS);
	return w->clients == NULL ? -1 : 0;
}

void client_accept(struct worker *w, int fd, const struct addr *peer, enum listener_role role)
{
	struct h1c *c;

	stat_add(w->slot, STAT_CONN_ACCEPTED, 1);
	c = h1c_open(w, fd, peer, role);
	if (c == NULL) {
		reason_count(w->slot, REASON_C_REFUSED);
		return;
	}
	LIST_INSERT_HEAD(&w->client_list->all, c, link);
	h1c_start(c);
	driver_run(w);
}

void client_drain(struct worker *w)
{
	struct h1c *c;

	LIST_FOREACH (c, &w->client_list->all, link)
		h1c_drain(c);
}

void client_cut_all(struct worker *w)
{
	struct h1c *c, *next;

	for (c = LIST_FIRST(&w->client_list->all); c != NULL; c = next) {
		next = LIST_NEXT(c, link);
		h1c_cut(c);
	}
	driver_run(w);
}
