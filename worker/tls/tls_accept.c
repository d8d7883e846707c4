/* tls_accept: see tls_accept.h. */
#include "worker/tls/tls_accept.h"

#include <bsd/sys/queue.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/check.h"
#include "common/log/log.h"
#include "common/stat/reason.h"
#include "worker/accept/client.h"
#include "worker/flow/conn.h"
#include "worker/tls/tls_conn.h"

struct tls_accept {
	struct conn conn;
	struct addr peer;
	LIST_ENTRY(tls_accept) link;
};

static void leave(struct tls_accept *a)
{
	struct worker *w = a->conn.w;

	LIST_REMOVE(a, link);
	slab_put(w->tls->accepts, a);
}

static void end(struct tls_accept *a, enum reason why)
{
	struct worker *w = a->conn.w;

	conn_close(&a->conn, false);
	reason_count(w->slot, why);
	stat_sub(w->slot, STAT_CONN_ACTIVE, 1);
	if (why != REASON_C_REFUSED)
		stat_add(w->slot, STAT_TLS_FAILED, 1);
	leave(a);
}

static void done(struct tls_accept *a)
{
	struct worker *w = a->conn.w;

	stat_add(w->slot, STAT_TLS_HANDSHAKES, 1);
	if (tls_conn_resumed(a->conn.tls))
		stat_add(w->slot, STAT_TLS_RESUMED, 1);
	conn_want_more(&a->conn, EV_READ);
	conn_want_less(&a->conn, EV_WRITE);
	client_secured(&a->conn, &a->peer);
	if (a->conn.fd == -1)
		leave(a);
	else
		end(a, REASON_C_REFUSED);
}

/* As nginx answers it (497, sent as 400). */
static void answer_plain(struct tls_accept *a)
{
	static const char answer[] =
	    "HTTP/1.1 400 Bad Request\r\nContent-Type: text/html\r\nConnection: close\r\n"
	    "Content-Length: 156\r\n\r\n"
	    "<html>\r\n<head><title>400 Bad Request</title></head>\r\n<body>\r\n"
	    "<center><h1>400 The plain HTTP request was sent to HTTPS port</h1></center>\r\n"
	    "</body>\r\n</html>\r\n";
	char sink[4096];

	(void)send(a->conn.fd, answer, sizeof(answer) - 1, MSG_NOSIGNAL);
	(void)shutdown(a->conn.fd, SHUT_WR);
	(void)recv(a->conn.fd, sink, sizeof(sink), 0); /* unread bytes would make it a reset */
	end(a, REASON_C_PLAIN_ON_TLS);
}

static void fail(struct tls_accept *a)
{
	log_debug("TLS handshake failed", LOG_Z("why", tls_conn_trouble(a->conn.tls)));
	if (tls_conn_unsigned(a->conn.tls)) {
		stat_add(a->conn.w->slot, STAT_TLS_SIGN_LATE, 1);
		end(a, REASON_C_TLS_NO_KEY);
	} else {
		end(a,
		    tls_conn_rejected(a->conn.tls) ? REASON_C_TLS_REJECTED : REASON_C_TLS_FAILED);
	}
}

static void step(struct tls_accept *a)
{
	struct conn *c = &a->conn;

	switch (tls_conn_handshake(c->tls)) {
	case TLS_DONE:
	case TLS_EARLY:
		done(a);
		break;
	case TLS_WANT_READ:
		ev_want(c->w->ev, &c->ev, EV_READ);
		break;
	case TLS_WANT_WRITE:
		ev_want(c->w->ev, &c->ev, EV_WRITE);
		break;
	case TLS_WANT_SIGNATURE:
		ev_want(c->w->ev, &c->ev, 0);
		break;
	case TLS_PLAIN:
		answer_plain(a);
		break;
	case TLS_CLOSED:
		end(a, REASON_C_TLS_CLOSED);
		break;
	case TLS_FAILED:
		fail(a);
		break;
	}
}

static void on_ready(struct ev_fd *f, unsigned ready)
{
	struct tls_accept *a = container_of(f, struct tls_accept, conn.ev);

	if ((ready & EV_HUP) != 0)
		end(a, REASON_C_TLS_CLOSED);
	else
		step(a);
}

static void on_signature(void *arg)
{
	step(arg);
}

static void on_late(struct timer *t)
{
	end(container_of(t, struct tls_accept, conn.timer), REASON_C_TLS_TIMEOUT);
}

static int open_conn(struct tls_accept *a, struct worker *w, int fd)
{
	if (conn_open(&a->conn, w, fd, EV_READ, on_ready, on_late) == -1) {
		close(fd);
		return -1;
	}
	if (conn_secure(&a->conn, w->tls, w->tls->ctx) == -1) {
		conn_close(&a->conn, true);
		return -1;
	}
	tls_conn_set_wake(a->conn.tls, on_signature, a);
	return 0;
}

void tls_accept(struct worker *w, int fd, const struct addr *peer, uint16_t to_port)
{
	struct tls_accept *a = slab_get(w->tls->accepts);

	if (a == NULL || open_conn(a, w, fd) == -1) {
		stat_add(w->slot, STAT_SLAB_EXHAUSTED, 1);
		if (a == NULL)
			close(fd);
		slab_put(w->tls->accepts, a);
		reason_count(w->slot, REASON_C_REFUSED);
		return;
	}
	a->peer = *peer;
	a->conn.to_port = to_port;
	LIST_INSERT_HEAD(&w->tls->shaking, a, link);
	stat_add(w->slot, STAT_CONN_ACTIVE, 1);
	conn_deadline(&a->conn, w->conf->ssl_handshake_timeout_ms);
	step(a);
}

void tls_accept_cut_all(struct worker *w)
{
	while (w->tls != NULL && !LIST_EMPTY(&w->tls->shaking))
		end(LIST_FIRST(&w->tls->shaking), REASON_C_DRAIN);
}

size_t tls_accept_size(void)
{
	return sizeof(struct tls_accept);
}
