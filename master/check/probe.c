/* probe: see probe.h. */
#include "master/check/probe.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/check.h"
#include "common/net/net.h"

#define DRAIN_MAX (64u * 1024)

void probe_cancel(struct probe *p)
{
	if (p->ev == NULL)
		return;
	timer_cancel(ev_timers(p->ev), &p->deadline);
	if (p->fd != -1) {
		ev_del(p->ev, &p->watch);
		close(p->fd);
		p->fd = -1;
	}
	p->ev = NULL;
}

static void finish(struct probe *p, const char *why)
{
	probe_cancel(p);
	p->done(p, why);
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* The first bytes of an answer: "HTTP/1.x NNN". */
static const char *judge(const struct probe *p)
{
	const char *l = p->line;
	unsigned status;

	if (memcmp(l, "HTTP/1.", 7) != 0 || !is_digit(l[7]) || l[8] != ' ' || !is_digit(l[9]) ||
	    !is_digit(l[10]) || !is_digit(l[11]))
		return "answered something that is not HTTP/1";
	status =
	    (unsigned)(l[9] - '0') * 100 + (unsigned)(l[10] - '0') * 10 + (unsigned)(l[11] - '0');
	return status >= p->ask.low && status <= p->ask.high ? NULL
							     : "answered an unexpected status";
}

static void take(struct probe *p, const char *buf, size_t n)
{
	size_t room = PROBE_LINE - p->n;

	if (room > 0) {
		memcpy(p->line + p->n, buf, n < room ? n : room);
		p->n += (unsigned)(n < room ? n : room);
	}
	if (p->n == PROBE_LINE && !p->judged) {
		p->judged = true;
		p->why = judge(p);
	}
	p->drained += (unsigned)n;
}

static void on_readable(struct probe *p)
{
	char buf[4096];
	ssize_t n = recv(p->fd, buf, sizeof(buf), 0);

	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n > 0) {
		take(p, buf, (size_t)n);
		if (p->drained < DRAIN_MAX)
			return;
	}
	if (!p->judged)
		p->why = n == 0 ? "closed without an answer" : "reset the connection";
	finish(p, p->why);
}

static void on_connected(struct probe *p)
{
	ssize_t n;

	if (net_connect_error(p->fd) != 0) {
		finish(p, "refused the connection");
		return;
	}
	p->connected = true;
	if (p->ask.request.n == 0) {
		finish(p, NULL);
		return;
	}
	n = send(p->fd, p->ask.request.p, p->ask.request.n, MSG_NOSIGNAL);
	if (n != (ssize_t)p->ask.request.n) /* it fits into any socket's buffer */
		finish(p, "did not take the request");
	else
		ev_want(p->ev, &p->watch, EV_READ);
}

static void on_ready(struct ev_fd *f, unsigned ready)
{
	struct probe *p = container_of(f, struct probe, watch);

	if (p->connected)
		on_readable(p);
	else
		on_connected(p);
}

/* A slow rest of a good answer is no fault. */
static void on_late(struct timer *t)
{
	struct probe *p = container_of(t, struct probe, deadline);

	finish(p, p->judged      ? p->why
		  : p->connected ? "did not answer in time"
				 : "did not accept the connection in time");
}

int probe_start(struct probe *p, struct ev *ev, const struct probe_ask *ask, probe_fn *done)
{
	bool pending;

	CHECK(p->ev == NULL);
	*p = (struct probe){.ask = *ask, .done = done, .watch = EV_FD_NONE};
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
