/* tls_peek: see tls_peek.h. */
#include "worker/tls/tls_peek.h"

#include <bsd/sys/queue.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/check.h"
#include "common/stat/reason.h"
#include "worker/flow/conn.h"
#include "worker/stream/stream.h"
#include "worker/tls/tls_accept.h"
#include "worker/wire/client_hello.h"

struct peek {
	struct conn conn;
	struct addr peer;
	size_t seen; /* bytes at the last look */
	LIST_ENTRY(peek) link;
};

struct peeks {
	struct slab *slab;
	LIST_HEAD(, peek) all;
	char look[TLS_PEEK_MOST];
};

int tls_peek_init(struct worker *w)
{
	w->peeks = calloc(1, sizeof(*w->peeks));
	if (w->peeks == NULL)
		return -1;
	LIST_INIT(&w->peeks->all);
	w->peeks->slab = slab_new("hellos", sizeof(struct peek), w->conf->max_connections);
	return w->peeks->slab == NULL ? -1 : 0;
}

static void leave(struct peek *p)
{
	struct worker *w = p->conn.w;

	LIST_REMOVE(p, link);
	stat_sub(w->slot, STAT_CONN_ACTIVE, 1);
	slab_put(w->peeks->slab, p);
}

static void end(struct peek *p, enum reason why)
{
	struct worker *w = p->conn.w;

	conn_close(&p->conn, false);
	reason_count(w->slot, why);
	stat_add(w->slot, STAT_TLS_FAILED, 1);
	leave(p);
}

/* How much must be there before the loop tells. */
static void wait_for(struct peek *p, size_t bytes)
{
	int n = bytes < TLS_PEEK_MOST ? (int)bytes : TLS_PEEK_MOST;

	(void)setsockopt(p->conn.fd, SOL_SOCKET, SO_RCVLOWAT, &n, sizeof(n));
}

/* The descriptor as it was accepted; p is gone. */
static int release(struct peek *p)
{
	int fd;

	if (p->seen > 0)
		wait_for(p, 1);
	fd = conn_release(&p->conn);
	leave(p);
	return fd;
}

static void terminate(struct peek *p)
{
	struct worker *w = p->conn.w;
	struct addr peer = p->peer;
	uint16_t to_port = p->conn.to_port;

	tls_accept(w, release(p), &peer, to_port);
}

static void route(struct peek *p, const struct client_hello *h)
{
	struct worker *w = p->conn.w;
	struct addr peer = p->peer;
	uint64_t cluster;

	if (!table_passthrough(w->table, str_make(h->name, h->name_n), &cluster)) {
		terminate(p);
		return;
	}
	stat_add(w->slot, STAT_TLS_PASSED, 1);
	stream_pass(w, release(p), &peer, (uint16_t)w->conf->https_port, cluster);
}

static void look(struct peek *p)
{
	struct worker *w = p->conn.w;
	ssize_t n = recv(p->conn.fd, w->peeks->look, TLS_PEEK_MOST, MSG_PEEK);
	struct client_hello h;

	if (n == -1 && errno == EAGAIN)
		return;
	if (n <= 0) {
		end(p, REASON_C_TLS_CLOSED);
		return;
	}
	switch (client_hello_read(str_make(w->peeks->look, (size_t)n), &h)) {
	case CLIENT_HELLO_NAME:
		route(p, &h);
		break;
	case CLIENT_HELLO_MORE:
		/* Told, though nothing new is there: the client has ended in the middle of it. */
		if (n == TLS_PEEK_MOST || (size_t)n == p->seen) {
			terminate(p);
			break;
		}
		p->seen = (size_t)n;
		wait_for(p, h.need);
		break;
	case CLIENT_HELLO_NONE:
	case CLIENT_HELLO_BAD:
		terminate(p);
		break;
	}
}

static void on_ready(struct ev_fd *f, unsigned ready)
{
	struct peek *p = container_of(f, struct peek, conn.ev);

	if ((ready & EV_HUP) != 0)
		end(p, REASON_C_TLS_CLOSED);
	else
		look(p);
}

static void on_late(struct timer *t)
{
	end(container_of(t, struct peek, conn.timer), REASON_C_TLS_TIMEOUT);
}

void tls_peek(struct worker *w, int fd, const struct addr *peer, uint16_t to_port)
{
	struct peek *p;

	if (!table_passes_through(w->table)) {
		tls_accept(w, fd, peer, to_port);
		return;
	}
	p = slab_get(w->peeks->slab);
	if (p == NULL || conn_open(&p->conn, w, fd, EV_READ, on_ready, on_late) == -1) {
		slab_put(w->peeks->slab, p);
		close(fd);
		stat_add(w->slot, STAT_SLAB_EXHAUSTED, 1);
		reason_count(w->slot, REASON_C_REFUSED);
		return;
	}
	p->peer = *peer;
	p->conn.to_port = to_port;
	p->seen = 0;
	LIST_INSERT_HEAD(&w->peeks->all, p, link);
	stat_add(w->slot, STAT_CONN_ACTIVE, 1);
	conn_deadline(&p->conn, w->conf->ssl_handshake_timeout_ms);
	look(p);
}

void tls_peek_cut_all(struct worker *w)
{
	while (w->peeks != NULL && !LIST_EMPTY(&w->peeks->all))
		end(LIST_FIRST(&w->peeks->all), REASON_C_DRAIN);
}
