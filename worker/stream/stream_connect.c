/*
 * stream_connect: an endpoint for a session. See stream.h.
 *
 * As nginx: proxy-stream-next-upstream says whether another endpoint is tried, -tries and -timeout
 * how often and how long. Only connecting can be tried again; once bytes may have arrived, the
 * session is the endpoint's.
 */
#include <errno.h>
#include <unistd.h>

#include "common/check.h"
#include "common/net/net.h"
#include "worker/accept/proxyproto.h"
#include "worker/stream/stream.h"
#include "worker/upstream/eject.h"
#include "worker/upstream/pick.h"

static void failed(struct stream *s, enum reason why);

static enum reason reason_of(int error)
{
	static const enum reason reasons[] = {
	    [NET_NO_DESCRIPTOR] = REASON_S_NO_DESCRIPTOR,
	    [NET_NO_MEMORY] = REASON_S_NO_MEMORY,
	    [NET_FAILED] = REASON_S_CONNECT_FAILED,
	};

	return reasons[net_connect_trouble(error)];
}

/* What the endpoint is to read before the client's first byte. */
static bool put_header(struct stream *s)
{
	char header[PROXYPROTO_WRITE_MAX];
	size_t n = proxyproto_write(s->proxy_out, &s->peer, &s->to, header);

	return pipe_write(&s->up_way.pipe, s->up.w->chunks, header, n) == n;
}

/* What it says about the endpoint's health (upstream/eject.h). */
static void tell_health(const struct stream *s, bool good)
{
	const struct worker *w = s->client.w;
	const struct addr *a = &s->tries[s->n_tries - 1];
	struct cluster_view c;

	if (!table_cluster(w->table, s->cluster, &c) || c.opts->eject_after == 0)
		return;
	if (good)
		eject_succeeded(w->eject, s->cluster, a);
	else
		eject_failed(w->eject, &c, a);
}

static void connected(struct stream *s)
{
	int error = net_connect_error(s->up.fd);

	if (error != 0) {
		failed(s, reason_of(error));
		return;
	}
	tell_health(s, true);
	conn_no_deadline(&s->up);
	if (s->proxy_out && !put_header(s))
		stream_end(s, REASON_S_NO_MEMORY);
	else
		stream_relay(s);
}

static void on_ready(struct ev_fd *f, unsigned ready)
{
	connected(container_of(f, struct stream, up.ev));
}

static void on_late(struct timer *t)
{
	failed(container_of(t, struct stream, up.timer), REASON_S_CONNECT_TIMEOUT);
}

/* 0, or -1 with errno. */
static int begin(struct stream *s, const struct addr *to, bool *pending)
{
	struct worker *w = s->client.w;
	int fd = net_connect(to, pending);
	int error;

	if (fd == -1)
		return -1;
	if (conn_open(&s->up, w, fd, *pending ? EV_WRITE : 0u, on_ready, on_late) == 0)
		return 0;
	error = errno;
	close(fd);
	errno = error;
	return -1;
}

static bool pick(struct stream *s)
{
	struct worker *w = s->client.w;
	struct pick_ask ask = {.tried = s->tries,
			       .n_tried = s->n_tries,
			       .now_ms = ev_now_ms(w->ev),
			       .eject = w->eject};
	struct cluster_view c;

	return table_cluster(w->table, s->cluster, &c) &&
	       pick_endpoint(w->picker, &c, &ask, &s->tries[s->n_tries]);
}

void stream_connect(struct stream *s)
{
	struct worker *w = s->client.w;
	bool pending;

	s->state = STREAM_CONNECTING;
	if (!pick(s)) {
		stream_end(s, REASON_S_NO_SERVICE);
		return;
	}
	s->n_tries++;
	stat_add(w->slot, STAT_UP_CONNECTS, 1);
	if (begin(s, &s->tries[s->n_tries - 1], &pending) == -1)
		failed(s, reason_of(errno));
	else if (pending)
		conn_deadline(&s->up, w->conf->proxy_connect_timeout_ms);
	else
		connected(s);
}

static bool may_try_again(const struct stream *s)
{
	const struct conf *c = s->client.w->conf;
	uint64_t elapsed_ms = (ev_now_us(s->client.w->ev) - s->start_us) / 1000;

	return c->proxy_stream_next_upstream && s->n_tries < STREAM_TRIES_MAX &&
	       (c->proxy_stream_next_upstream_tries == 0 ||
		s->n_tries < c->proxy_stream_next_upstream_tries) &&
	       (c->proxy_stream_next_upstream_timeout_ms == 0 ||
		elapsed_ms < c->proxy_stream_next_upstream_timeout_ms);
}

/* One that cannot be connected to has closed its port a moment ago, or is not there. */
static void failed(struct stream *s, enum reason why)
{
	stat_add(s->client.w->slot, STAT_UP_CONNECT_FAILS, 1);
	if (why == REASON_S_CONNECT_FAILED || why == REASON_S_CONNECT_TIMEOUT)
		tell_health(s, false);
	conn_close(&s->up, false);
	if (!may_try_again(s)) {
		stream_end(s, why);
		return;
	}
	stat_add(s->client.w->slot, STAT_UP_RETRIES, 1);
	stream_connect(s);
}
