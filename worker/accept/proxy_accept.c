/*
 * proxy_accept: see proxy_accept.h.
 *
 * Bytes are looked at with MSG_PEEK and taken off only when it is known that they are the
 * header's, so that nothing of what follows is ever in our hands.
 */
#include "worker/accept/proxy_accept.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/check.h"
#include "worker/accept/client.h"
#include "worker/flow/conn.h"
#include "worker/request/driver.h"
#include "worker/accept/proxyproto.h"
#include "worker/stream/stream.h"

struct proxied {
	struct conn conn;
	struct addr peer;
	uint8_t role;  /* enum listener_role */
	uint16_t port; /* ROLE_STREAM, ROLE_RETURN: ours, that it came to */
	bool known;    /* `header` is set; what is left of it is thrown away */
	uint16_t have;
	uint16_t skip;
	struct proxyproto header;
	char bytes[PROXYPROTO_LOOK];
	LIST_ENTRY(proxied) link;
};

struct proxied_set {
	struct slab *slab;
	LIST_HEAD(, proxied) all;
};

int proxy_accept_init(struct worker *w)
{
	w->proxied = calloc(1, sizeof(*w->proxied));
	if (w->proxied == NULL)
		return -1;
	LIST_INIT(&w->proxied->all);
	w->proxied->slab = slab_new("proxied", sizeof(struct proxied), w->conf->max_connections);
	return w->proxied->slab == NULL ? -1 : 0;
}

static void leave(struct proxied *p)
{
	struct worker *w = p->conn.w;

	LIST_REMOVE(p, link);
	stat_sub(w->slot, STAT_CONN_ACTIVE, 1);
	slab_put(w->proxied->slab, p);
}

static void end(struct proxied *p, enum reason why)
{
	struct worker *w = p->conn.w;

	if (p->role == ROLE_STREAM) {
		stream_refuse(w, conn_release(&p->conn), &p->peer, p->port, why);
	} else {
		conn_close(&p->conn, false);
		reason_count(w->slot, why);
	}
	leave(p);
}

/* The header is off the socket: the connection is what it stands for. */
static void hand_on(struct proxied *p)
{
	struct worker *w = p->conn.w;
	const struct proxyproto *h = &p->header;
	enum listener_role role = (enum listener_role)p->role;
	struct addr peer = p->peer, to = {.family = 0};
	uint16_t to_port = 0, port = p->port;
	int fd = conn_release(&p->conn);

	stat_add(w->slot, STAT_PROXY_HEADERS, 1);
	if (!h->local && cidr_set_has(&w->trust.networks, &p->peer)) {
		peer = h->from;
		addr_unmap(&peer);
		to = h->to;
		addr_unmap(&to);
		to_port = to.port;
	} else if (!h->local) {
		stat_add(w->slot, STAT_PROXY_REFUSED, 1);
	}
	leave(p);
	if (role == ROLE_STREAM)
		stream_enter(w, fd, &peer, to.family == 0 ? NULL : &to, port);
	else
		client_enter(w, fd, &peer, role == ROLE_RETURN ? port : to_port, role);
}

/* Take bytes off the socket that were seen there already. */
static int take(struct proxied *p, size_t n)
{
	return n == 0 || recv(p->conn.fd, p->bytes + p->have, n, 0) == (ssize_t)n ? 0 : -1;
}

/* The part of the header that we use. > 0: go on; 0: wait; -1: it has ended. */
static int read_header(struct proxied *p)
{
	ssize_t n = recv(p->conn.fd, p->bytes + p->have, sizeof(p->bytes) - p->have, MSG_PEEK);
	size_t mine, seen;
	enum proxyproto_result result;

	if (n == -1 && errno == EAGAIN)
		return 0;
	if (n <= 0)
		return end(p, p->have == 0 ? REASON_C_NO_REQUEST : REASON_C_PROXY_BAD), -1;
	seen = p->have + (size_t)n;
	result = proxyproto_read(str_make(p->bytes, seen), &p->header);
	if (result == PROXYPROTO_BAD)
		return end(p, REASON_C_PROXY_BAD), -1;
	p->known = result == PROXYPROTO_DONE;
	mine = p->known && p->header.length < seen ? p->header.length : seen;
	if (take(p, mine - p->have) == -1)
		return end(p, REASON_C_PROXY_BAD), -1;
	p->have = (uint16_t)mine;
	if (p->known)
		p->skip = (uint16_t)(p->header.length - mine);
	return 1;
}

/* What follows the part that we use. As read_header(). */
static int skip_rest(struct proxied *p)
{
	char waste[1024];
	ssize_t n = recv(p->conn.fd, waste, p->skip < sizeof(waste) ? p->skip : sizeof(waste), 0);

	if (n == -1 && errno == EAGAIN)
		return 0;
	if (n <= 0)
		return end(p, REASON_C_PROXY_BAD), -1;
	p->skip = (uint16_t)(p->skip - n);
	return 1;
}

static void step(struct proxied *p)
{
	int go;

	do {
		go = p->known ? skip_rest(p) : read_header(p);
	} while (go > 0 && (!p->known || p->skip > 0));
	if (go > 0)
		hand_on(p);
}

static void on_ready(struct ev_fd *f, unsigned ready)
{
	struct proxied *p = container_of(f, struct proxied, conn.ev);
	struct worker *w = p->conn.w;

	if ((ready & EV_HUP) != 0)
		end(p, REASON_C_CLIENT_RESET);
	else
		step(p);
	driver_run(w);
}

static void on_late(struct timer *t)
{
	end(container_of(t, struct proxied, conn.timer), REASON_C_PROXY_TIMEOUT);
}

void proxy_accept(struct worker *w, int fd, const struct addr *peer, enum listener_role role,
		  uint16_t port)
{
	struct proxied *p = slab_get(w->proxied->slab);

	if (p == NULL || conn_open(&p->conn, w, fd, EV_READ, on_ready, on_late) == -1) {
		if (p != NULL)
			slab_put(w->proxied->slab, p);
		close(fd);
		stat_add(w->slot, STAT_SLAB_EXHAUSTED, 1);
		reason_count(w->slot, REASON_C_REFUSED);
		return;
	}
	p->peer = *peer;
	p->role = (uint8_t)role;
	p->port = port;
	p->known = false;
	p->have = p->skip = 0;
	LIST_INSERT_HEAD(&w->proxied->all, p, link);
	stat_add(w->slot, STAT_CONN_ACTIVE, 1);
	conn_deadline(&p->conn, w->conf->proxy_protocol_timeout_ms);
	step(p);
}

void proxy_accept_cut_all(struct worker *w)
{
	while (w->proxied != NULL && !LIST_EMPTY(&w->proxied->all))
		end(LIST_FIRST(&w->proxied->all), REASON_C_DRAIN);
}
