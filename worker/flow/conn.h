/*
 * conn: one TCP connection with its timer, as both engines of both sides use it.
 *
 * The only place that reads from and writes to sockets, so that TLS can be put under it without
 * an engine noticing. Descriptors stay registered from conn_open() to conn_close().
 */
#ifndef SILEX_WORKER_FLOW_CONN_H
#define SILEX_WORKER_FLOW_CONN_H

#include <stdbool.h>
#include <sys/types.h>
#include <sys/uio.h>

#include "common/loop/ev.h"
#include "common/loop/timer.h"
#include "worker/worker.h"

struct tls_conn; /* tls/tls_conn.h */
struct ssl_ctx_st;

struct conn {
	struct ev_fd ev;
	struct timer timer;
	struct worker *w;
	struct tls_conn *tls; /* NULL: plain */
	int fd;               /* -1: closed */
	uint16_t to_port;     /* the client connected to, by a believed PROXY header; 0 = ours; of
			       * ROLE_RETURN: that port of ours, whatever the header says */
	bool hup;         /* dead both ways and out of the loop; received bytes can still be read */
	bool reads_later; /* EV_READ is wanted, but TLS has something to write first */
};

/* Takes fd; 0, or -1 with errno: the caller keeps fd then. */
int conn_open(struct conn *c, struct worker *w, int fd, unsigned want, ev_fd_fn *ready,
	      timer_fn *late);
/* Put TLS, server side, under it, as ctx (which SSL_CTX is) has it. 0, or -1 when memory is out. */
int conn_secure(struct conn *c, struct tls_engine *e, struct ssl_ctx_st *ctx);
/* An open connection gets another owner: `from` is closed afterwards, `to` has its descriptor, its
 * TLS and its interest, and no deadline. */
void conn_move(struct conn *from, struct conn *to, ev_fd_fn *ready, timer_fn *late);
/* Out of the loop, open: the descriptor is the caller's. */
int conn_release(struct conn *c);
/* Idempotent. With rst the peer gets a reset, so that it cannot take a cut message for whole. */
void conn_close(struct conn *c, bool rst);
/* The socket is dead both ways (EV_HUP): out of the loop, which would report it for ever. What it
 * received before can still be read: conn_recv() never answers EAGAIN from here on. */
void conn_hung_up(struct conn *c);

/* As recv: > 0, 0 = the peer has ended its direction, -1 with errno. */
ssize_t conn_recv(struct conn *c, void *buf, size_t n);
/* As writev without SIGPIPE. */
ssize_t conn_writev(struct conn *c, struct iovec *iov, unsigned n);
/* Received bytes wait inside TLS. */
bool conn_has_more(const struct conn *c);
/* TLS, and the client's last word of the handshake is still to come: a close would meet it with a
 * reset, and the client could lose what it has got. */
bool conn_is_shaking(const struct conn *c);
/* End our direction; the other stays open. */
void conn_half_close(struct conn *c);

/* Hands are shaken, and whoever did it had its own wake: received bytes wake the owner again. */
void conn_secured(struct conn *c);

/* TLS only: tell the owner of bytes that were received already. */
void conn_nudge(struct conn *c);

static inline void conn_want_more(struct conn *c, unsigned bits)
{
	if (!c->hup)
		ev_want(c->w->ev, &c->ev, c->ev.want | bits);
	if (c->tls != NULL)
		conn_nudge(c);
}
static inline void conn_want_less(struct conn *c, unsigned bits)
{
	if (!c->hup)
		ev_want(c->w->ev, &c->ev, c->ev.want & ~bits);
	if ((bits & EV_READ) != 0)
		c->reads_later = false;
}

/* The deadline: `ms` from now. Mostly one store (timer.h). */
static inline void conn_deadline(struct conn *c, uint64_t ms)
{
	timer_set(c->w->timers, &c->timer, ev_now_ms(c->w->ev) + ms);
}
static inline void conn_no_deadline(struct conn *c)
{
	timer_pause(&c->timer);
}

#endif
