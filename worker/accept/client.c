/* client: see client.h. */
#include "worker/accept/client.h"

#include <stdlib.h>
#include <unistd.h>

#include "worker/request/driver.h"
#include "worker/http1/h1c.h"
#include "worker/http2/h2c.h"
#include "worker/accept/proxy_accept.h"
#include "worker/stream/stream.h"
#include "worker/stream/udp.h"
#include "worker/tls/tls_accept.h"
#include "worker/tls/tls_peek.h"
#include "worker/tls/tls_conn.h"
#include "worker/worker.h"

#define HEALTH_CONNECTIONS 64 /* probes get in when max-connections is reached (listener.c) */

#define PROBES_MAX  256 /* health checks come on top of max-connections */
#define EVICT_LOOKS 64  /* how many of the oldest connections are looked at for an idle one */

struct clients {
	TAILQ_HEAD(, h1c) all;   /* oldest first */
	TAILQ_HEAD(, h2c) http2; /* likewise */
};

int client_init(struct worker *w)
{
	w->client_list = calloc(1, sizeof(*w->client_list));
	if (w->client_list == NULL)
		return -1;
	TAILQ_INIT(&w->client_list->all);
	TAILQ_INIT(&w->client_list->http2);
	w->clients = slab_new("clients", sizeof(struct h1c), w->conf->max_connections + PROBES_MAX);
	w->h2_clients = slab_new("http2 clients", sizeof(struct h2c), w->conf->max_connections);
	if (w->clients == NULL || w->h2_clients == NULL)
		return -1;
	return proxy_accept_init(w) == -1                   ? -1
	       : streams_init(w) == -1 || udp_init(w) == -1 ? -1
							    : tls_peek_init(w);
}

void client_forget_http2(struct worker *w, struct h2c *c)
{
	TAILQ_REMOVE(&w->client_list->http2, c, link);
}

void client_forget(struct worker *w, struct h1c *c)
{
	TAILQ_REMOVE(&w->client_list->all, c, link);
}

bool client_make_room(struct worker *w)
{
	struct h1c *c = TAILQ_FIRST(&w->client_list->all);
	struct h2c *h2;
	int looks = 0;

	for (int i = 0; i < EVICT_LOOKS && c != NULL; i++, c = TAILQ_NEXT(c, link)) {
		if (c->state == H1C_IDLE && c->requests > 0) {
			h1c_close(c, REASON_C_EVICTED, false);
			return true;
		}
	}
	TAILQ_FOREACH (h2, &w->client_list->http2, link) {
		if (looks++ == EVICT_LOOKS)
			break;
		if (h2c_evict(h2))
			return true;
	}
	return false;
}

static void begin(struct worker *w, struct h1c *c)
{
	if (c == NULL)
		return;
	TAILQ_INSERT_TAIL(&w->client_list->all, c, link);
	h1c_start(c);
}

static void open_plain(struct worker *w, int fd, const struct addr *peer, uint16_t to_port,
		       enum listener_role role)
{
	struct h1c *c = h1c_open(w, fd, peer, role);

	if (c == NULL) {
		close(fd);
		reason_count(w->slot, REASON_C_REFUSED);
		return;
	}
	c->conn.to_port = to_port;
	begin(w, c);
}

void client_enter(struct worker *w, int fd, const struct addr *peer, uint16_t to_port,
		  enum listener_role role)
{
	if (role == ROLE_HTTPS)
		tls_peek(w, fd, peer, to_port);
	else
		open_plain(w, fd, peer, to_port, role);
}

void client_accept(struct worker *w, int fd, const struct addr *peer, enum listener_role role)
{
	stat_add(w->slot, STAT_CONN_ACCEPTED, 1);
	if (w->conf->use_proxy_protocol && role != ROLE_HEALTHZ)
		proxy_accept(w, fd, peer, role, 0);
	else
		client_enter(w, fd, peer, 0, role);
	driver_run(w);
}

void client_accept_return(struct worker *w, int fd, const struct addr *peer, uint16_t port,
			  bool proxy_in)
{
	if (proxy_in || w->conf->use_proxy_protocol)
		proxy_accept(w, fd, peer, ROLE_RETURN, port);
	else
		client_enter(w, fd, peer, port, ROLE_RETURN);
	driver_run(w);
}

void client_secured(struct conn *c, const struct addr *peer)
{
	struct worker *w = c->w;

	if (str_eq(tls_conn_alpn(c->tls), STR("h2")))
		(void)client_http2(c, peer, ROLE_HTTPS, true, STR_NONE);
	else
		begin(w, h1c_adopt(c, peer, ROLE_HTTPS));
	driver_run(w);
}

int client_http2(struct conn *from, const struct addr *peer, enum listener_role role, bool secure,
		 struct str early)
{
	struct worker *w = from->w;
	struct h2c *c = h2c_adopt(from, peer, role, secure);

	if (c == NULL)
		return -1;
	stat_add(w->slot, STAT_H2_CONNECTIONS, 1);
	TAILQ_INSERT_TAIL(&w->client_list->http2, c, link);
	h2c_start(c, early);
	return 0;
}

void client_drain(struct worker *w)
{
	struct h1c *c;
	struct h2c *h2;

	TAILQ_FOREACH (c, &w->client_list->all, link)
		h1c_drain(c);
	TAILQ_FOREACH (h2, &w->client_list->http2, link)
		h2c_drain(h2);
}

void client_cut_all(struct worker *w)
{
	struct h1c *c, *next;
	struct h2c *h2;

	TAILQ_FOREACH_SAFE (c, &w->client_list->all, link, next)
		h1c_cut(c);
	TAILQ_FOREACH (h2, &w->client_list->http2, link)
		h2c_cut(h2);
	proxy_accept_cut_all(w);
	streams_cut_all(w);
	udp_cut_all(w);
	tls_peek_cut_all(w);
	tls_accept_cut_all(w);
	driver_run(w);
}
