/* conn: see conn.h. */
#include "worker/flow/conn.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/net/net.h"
#include "worker/tls/tls_conn.h"

int conn_open(struct conn *c, struct worker *w, int fd, unsigned want, ev_fd_fn *ready,
	      timer_fn *late)
{
	c->w = w;
	c->ev = EV_FD_NONE;
	c->fd = fd;
	c->hup = c->reads_later = false;
	c->to_port = 0;
	c->tls = NULL;
	timer_init(&c->timer, late);
	if (ev_add(w->ev, &c->ev, fd, want, ready) == -1) {
		c->fd = -1;
		return -1;
	}
	return 0;
}

/* Received bytes wait inside TLS, or a signature has come. */
static void wake(void *arg)
{
	struct conn *c = arg;

	if ((c->ev.want & EV_READ) != 0)
		c->ev.fn(&c->ev, EV_READ);
}

int conn_secure(struct conn *c, struct tls_engine *e, struct ssl_ctx_st *ctx)
{
	c->tls = tls_conn_new(e, ctx, c->fd, wake, c);
	return c->tls == NULL ? -1 : 0;
}

void conn_secured(struct conn *c)
{
	tls_conn_set_wake(c->tls, wake, c);
}

void conn_move(struct conn *from, struct conn *to, ev_fd_fn *ready, timer_fn *late)
{
	struct worker *w = from->w;

	timer_cancel(w->timers, &from->timer);
	to->w = w;
	to->fd = from->fd;
	to->hup = from->hup;
	to->reads_later = from->reads_later;
	to->to_port = from->to_port;
	to->tls = from->tls;
	to->ev = EV_FD_NONE;
	timer_init(&to->timer, late);
	ev_move(w->ev, &from->ev, &to->ev, ready);
	if (to->tls != NULL)
		tls_conn_set_wake(to->tls, wake, to);
	from->fd = -1;
	from->tls = NULL;
}

void conn_nudge(struct conn *c)
{
	if ((c->ev.want & EV_READ) != 0)
		tls_conn_nudge(c->tls);
}

int conn_release(struct conn *c)
{
	int fd = c->fd;

	timer_cancel(c->w->timers, &c->timer);
	ev_del(c->w->ev, &c->ev);
	c->fd = -1;
	return fd;
}

void conn_close(struct conn *c, bool rst)
{
	int fd = c->fd;

	if (fd == -1)
		return;
	timer_cancel(c->w->timers, &c->timer);
	if (c->tls != NULL)
		tls_conn_free(c->tls, !rst);
	c->tls = NULL;
	if (rst)
		(void)net_abortive(fd);
	ev_del_closing(c->w->ev, &c->ev);
	close(fd);
	c->fd = -1;
}

void conn_hung_up(struct conn *c)
{
	c->hup = true;
	ev_del(c->w->ev, &c->ev);
}

/* The loop would report bytes again and again that nobody may take yet. */
static void read_later(struct conn *c)
{
	if (c->hup) { /* and nothing will ever be written */
		errno = ECONNRESET;
		return;
	}
	conn_want_less(c, EV_READ);
	c->reads_later = true;
}

static ssize_t recv_tls(struct conn *c, void *buf, size_t n)
{
	ssize_t got = tls_conn_recv(c->tls, buf, n);

	if (got > 0)
		conn_nudge(c);
	else if (got == -1 && errno == EAGAIN && tls_conn_writes_first(c->tls))
		read_later(c);
	return got;
}

static ssize_t writev_tls(struct conn *c, const struct iovec *iov, unsigned n)
{
	ssize_t sent = tls_conn_writev(c->tls, iov, n);

	if (c->reads_later && !tls_conn_writes_first(c->tls)) {
		int error = errno;

		c->reads_later = false;
		conn_want_more(c, EV_READ);
		errno = error;
	}
	return sent;
}

ssize_t conn_recv(struct conn *c, void *buf, size_t n)
{
	if (c->tls != NULL)
		return recv_tls(c, buf, n);
	return recv(c->fd, buf, n, 0);
}

ssize_t conn_writev(struct conn *c, struct iovec *iov, unsigned n)
{
	struct msghdr m = {.msg_iov = iov, .msg_iovlen = n};

	if (c->tls != NULL)
		return writev_tls(c, iov, n);
	if (n == 1)
		return send(c->fd, iov->iov_base, iov->iov_len, MSG_NOSIGNAL);
	return sendmsg(c->fd, &m, MSG_NOSIGNAL);
}

bool conn_has_more(const struct conn *c)
{
	return c->tls != NULL && tls_conn_has_more(c->tls);
}

void conn_half_close(struct conn *c)
{
	if (c->tls == NULL || tls_conn_half_close(c->tls))
		(void)shutdown(c->fd, SHUT_WR);
}

bool conn_is_shaking(const struct conn *c)
{
	return c->tls != NULL && !tls_conn_shaken(c->tls);
}
