/* probe: see probe.h. */
#include "master/check/probe.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/check.h"
#include "common/net/net.h"
#include "master/check/check_tls.h"

#define DRAIN_MAX (64u * 1024)

void probe_cancel(struct probe *p)
{
	if (p->ev == NULL)
		return;
	timer_cancel(ev_timers(p->ev), &p->deadline);
	SSL_free(p->ssl);
	p->ssl = NULL;
	if (p->fd != -1) {
		ev_del(p->ev, &p->watch);
		close(p->fd);
		p->fd = -1;
	}
	p->ev = NULL;
}

/* Last statement of its callers. */
static void finish(struct probe *p, const char *why)
{
	probe_cancel(p);
	p->done(p, why);
}

/* --- bytes, with or without TLS ------------------------------------------------------------- */

static ssize_t get(struct probe *p, void *buf, size_t n, unsigned *want)
{
	*want = EV_READ;
	return p->ssl != NULL ? check_tls_read(p->ssl, buf, n, want) : recv(p->fd, buf, n, 0);
}

static ssize_t put(struct probe *p, const void *buf, size_t n, unsigned *want)
{
	*want = EV_WRITE;
	return p->ssl != NULL ? check_tls_write(p->ssl, buf, n, want)
			      : send(p->fd, buf, n, MSG_NOSIGNAL);
}

/* Come again when the socket is ready for it; false: errno is a real error. */
static bool again(struct probe *p, unsigned want)
{
	if (errno != EAGAIN && errno != EINTR)
		return false;
	ev_want(p->ev, &p->watch, want);
	return true;
}

/* --- the stages ----------------------------------------------------------------------------- */

/* What the answer asks to be acknowledged; it fits into the socket's buffer, or is not sent. */
static void acknowledge(struct probe *p)
{
	unsigned want;

	if (p->answer.send_n > 0)
		(void)put(p, p->answer.send, p->answer.send_n, &want);
	p->answer.send_n = 0;
}

static void read_answer(struct probe *p)
{
	char buf[4096];
	unsigned want;
	ssize_t n;

	while ((n = get(p, buf, sizeof(buf), &want)) > 0) {
		answer_take(&p->answer, buf, (size_t)n);
		p->drained += (unsigned)n;
		if (p->answer.whole || p->drained >= DRAIN_MAX)
			break;
		acknowledge(p);
	}
	if (n == -1 && again(p, want))
		return;
	finish(p, answer_end(&p->answer,
			     n == 0 ? "closed without an answer" : "reset the connection"));
}

static void send_request(struct probe *p)
{
	struct str rest = str_from_at(p->ask.request, p->sent);
	unsigned want;
	ssize_t n;

	if (p->ask.request.n == 0) {
		finish(p, NULL);
		return;
	}
	n = put(p, rest.p, rest.n, &want);
	if (n <= 0) {
		if (n == 0 || !again(p, want))
			finish(p, "did not take the request");
		return;
	}
	p->sent += (size_t)n;
	p->asked = p->sent == p->ask.request.n;
	ev_want(p->ev, &p->watch, p->asked ? EV_READ : EV_WRITE);
}

static void greet(struct probe *p)
{
	unsigned want = EV_READ;
	int rc;

	if (p->ask.tls != NULL) {
		if (p->ssl == NULL)
			p->ssl = check_tls_open(p->ask.tls, p->fd, p->ask.name, p->ask.grpc);
		rc = p->ssl == NULL ? 0 : check_tls_handshake(p->ssl, &want);
		if (rc == -1 && again(p, want))
			return;
		if (rc <= 0) {
			finish(p, "failed the TLS handshake");
			return;
		}
	}
	p->greeted = true;
	send_request(p);
}

static void connected(struct probe *p)
{
	if (net_connect_error(p->fd) != 0) {
		finish(p, "refused the connection");
		return;
	}
	p->connected = true;
	greet(p);
}

static void on_ready(struct ev_fd *f, unsigned ready)
{
	struct probe *p = container_of(f, struct probe, watch);

	if (!p->connected)
		connected(p);
	else if (!p->greeted)
		greet(p);
	else if (!p->asked)
		send_request(p);
	else
		read_answer(p);
}

/* A slow rest of a good answer is no fault. */
static void on_late(struct timer *t)
{
	struct probe *p = container_of(t, struct probe, deadline);

	finish(p, answer_end(&p->answer, p->greeted     ? "did not answer in time"
					 : p->connected ? "did not end the TLS handshake in time"
							: "did not accept the connection in time"));
}

int probe_start(struct probe *p, struct ev *ev, const struct probe_ask *ask, probe_fn *done)
{
	bool pending;

	CHECK(p->ev == NULL);
	*p = (struct probe){.ask = *ask, .done = done, .watch = EV_FD_NONE};
	answer_begin(&p->answer, ask->grpc, ask->low, ask->high);
	p->fd = net_connect(&ask->to, &pending);
	if (p->fd == -1)
		return -1;
	/* An established connection is writable: the first event comes in either case. */
	if (ev_add(ev, &p->watch, p->fd, EV_WRITE, on_ready) == -1) {
		close(p->fd);
		p->fd = -1;
		return -1;
	}
	p->ev = ev;
	timer_init(&p->deadline, on_late);
	timer_set(ev_timers(ev), &p->deadline, ev_now_ms(ev) + ask->timeout_ms);
	return 0;
}
