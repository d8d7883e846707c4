/* h2u: the connection; see h2u.h. */
#include "worker/http2/h2u.h"

#include <errno.h>

#include "common/check.h"
#include "worker/engine.h"
#include "common/net/net.h"
#include "worker/request/driver.h"
#include "common/table/cluster_kind.h"
#include "worker/http2/h2s.h"
#include "worker/tls/tls_conn.h"
#include "worker/tls/tls_upstream.h"
#include "worker/upstream/dial.h"

#define CONN_WINDOW (16 * 1024 * 1024) /* each stream's own window is the bound */

static ev_fd_fn on_ready;
static timer_fn on_late;

static void unlist(struct h2u *c)
{
	if (c->listed)
		LIST_REMOVE(c, link);
	c->listed = false;
}

static void list(struct h2u *c)
{
	if (!c->listed)
		LIST_INSERT_HEAD(h2_upstreams(h2_w(&c->h)), c, link);
	c->listed = true;
}

static void close_now(struct h2u *c)
{
	struct worker *w = h2_w(&c->h);

	if (c->state == H2U_IDLE)
		stat_sub(w->slot, STAT_UP_IDLE, 1);
	pool_remove(w->pool, &c->pooled);
	unlist(c);
	h2_close(&c->h, false);
	slab_put(w->h2_upstreams, c);
}

/* The pool has let it go. */
static void close_pooled(struct pooled *p)
{
	close_now(container_of(p, struct h2u, pooled));
}

static bool worn_out(const struct h2u *c)
{
	const struct worker *w = h2_w(&c->h);

	return c->begun >= w->conf->upstream_keepalive_requests ||
	       ev_now_ms(w->ev) - c->opened_ms >= w->conf->upstream_keepalive_time_ms;
}

static bool takes_more(const struct h2u *c)
{
	uint32_t most;

	if (c->leaving || c->h.dead || c->h.failed || worn_out(c))
		return false;
	most = nghttp2_session_get_remote_settings(c->h.session,
						   NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS);
	return c->h.n_streams < (most < H2U_STREAMS ? most : H2U_STREAMS) &&
	       nghttp2_session_check_request_allowed(c->h.session) != 0;
}

/* Without a stream: into the pool, or closed. */
static void rest(struct h2u *c)
{
	struct worker *w = h2_w(&c->h);

	unlist(c);
	if (c->leaving || w->draining || worn_out(c) || c->state == H2U_CONNECTING ||
	    !engine_keeps(w, &c->pooled) || !pool_put(w->pool, &c->pooled)) {
		close_now(c);
		return;
	}
	c->state = H2U_IDLE;
	stat_add(w->slot, STAT_UP_IDLE, 1);
	conn_deadline(&c->h.conn, w->conf->upstream_keepalive_timeout_ms);
}

static void settle(struct h2 *h)
{
	struct h2u *c = h2u_of(h);

	if (h2_over(h)) {
		c->leaving = true;
		if (h->n_streams > 0)
			h2_die(h); /* the endpoint's framing was at fault: its streams are lost */
	}
	if (!takes_more(c))
		unlist(c);
	else if (c->state == H2U_OPEN)
		list(c);
	if (h->n_streams > 0)
		return;
	if (h2_over(h))
		close_now(c);
	else if (c->state != H2U_IDLE && h->out.n == 0)
		rest(c);
}

static void on_frame(struct h2 *h, const nghttp2_frame *frame)
{
	struct h2s *s;

	switch (frame->hd.type) {
	case NGHTTP2_GOAWAY:
		h2u_of(h)->leaving = true;
		break;
	case NGHTTP2_RST_STREAM:
		s = h2s_find(h, frame->hd.stream_id);
		if (s != NULL)
			s->peer_reset = true;
		break;
	default:
		break;
	}
}

static void begin(struct h2 *h, int32_t id)
{
}

static const struct h2_kind kind = {
    .name = "h2u",
    .server = false,
    .begin = begin,
    .field = h2u_field,
    .head = h2u_head,
    .closed = h2u_closed,
    .arm = h2u_arm,
    .frame = on_frame,
    .settle = settle,
};

static void ready_to_send(struct h2s *s)
{
	struct request *r = s->side.request;

	request_try(r)->connected_us = ev_now_us(h2_w(s->h)->ev);
	request_event(r, REQ_UP_READY);
}

static void connect_failed(struct h2u *c)
{
	stat_add(h2_w(&c->h)->slot, STAT_UP_CONNECT_FAILS, 1);
	h2_die(&c->h);
}

uint64_t h2u_sent(const struct h2u *c)
{
	return c->h.conn.tls == NULL ? c->h.sent : tls_conn_sent(c->h.conn.tls);
}

static void opened(struct h2u *c)
{
	struct h2s *s;

	c->state = H2U_OPEN;
	c->h.blocked = false;
	conn_want_less(&c->h.conn, EV_WRITE);
	conn_no_deadline(&c->h.conn);
	LIST_FOREACH (s, &c->h.streams, link)
		ready_to_send(s);
	h2_kick(&c->h);
}

static void shake(struct h2u *c)
{
	switch (tls_upstream_shake(&c->h.conn, &c->pooled.key)) {
	case TLS_SHAKEN:
		opened(c);
		h2_read(&c->h); /* its SETTINGS came with the handshake, and lie inside TLS */
		break;
	case TLS_SHAKING:
		break;
	case TLS_REFUSED:
		c->refused = true;
		connect_failed(c);
		break;
	}
}

/* The TCP connection is there. The deadline of connecting goes on while hands are shaken. */
static void established(struct h2u *c)
{
	c->shaking = c->h.conn.tls != NULL;
	if (c->shaking)
		shake(c);
	else
		opened(c);
}

static void connected(struct h2u *c)
{
	if (net_connect_error(c->h.conn.fd) != 0) {
		connect_failed(c);
		return;
	}
	conn_want_less(&c->h.conn, EV_WRITE);
	established(c);
}

static void on_ready(struct ev_fd *f, unsigned ready)
{
	struct h2u *c = container_of(f, struct h2u, h.conn.ev);
	struct worker *w = h2_w(&c->h);

	CHECK_MAGIC(&c->h, H2_MAGIC);
	if (c->state == H2U_CONNECTING) {
		if (c->shaking)
			shake(c);
		else
			connected(c);
	} else {
		h2_ready(&c->h, ready);
	}
	driver_run(w);
}

static void on_late(struct timer *t)
{
	struct h2u *c = container_of(t, struct h2u, h.conn.timer);
	struct worker *w = h2_w(&c->h);

	CHECK_MAGIC(&c->h, H2_MAGIC);
	if (c->state == H2U_IDLE) {
		close_now(c);
	} else {
		c->late = c->state == H2U_CONNECTING;
		connect_failed(c);
	}
	driver_run(w);
}

/* A stream of r on this connection. */
static int join(struct h2u *c, struct request *r)
{
	struct h2s *s = h2s_new(&c->h, 0, &h2u_ops, h2u_late);

	if (s == NULL) {
		errno = ENOMEM;
		return -1;
	}
	s->side.request = r;
	s->in = &r->down;
	s->out = &r->up;
	r->upstream = &s->side;
	r->up_sent = r->up_whole = false;
	r->try_sent = r->try_received = false;
	c->begun++;
	if (c->state == H2U_OPEN)
		ready_to_send(s);
	return 0;
}

static struct h2u *new_connection(struct worker *w, const struct pool_key *key, bool *pending)
{
	static const nghttp2_settings_entry settings[] = {
	    {NGHTTP2_SETTINGS_ENABLE_PUSH, 0},
	};
	struct h2u *c = slab_get(w->h2_upstreams);

	if (c == NULL) {
		stat_add(w->slot, STAT_SLAB_EXHAUSTED, 1);
		errno = ENOMEM;
		return NULL;
	}
	memset(c, 0, sizeof(*c));
	if (dial(&c->h.conn, w, key, on_ready, on_late, pending) == -1)
		goto failed;
	if (h2_open(&c->h, &kind, settings, 1, CONN_WINDOW) == -1) {
		conn_close(&c->h.conn, false);
		errno = ENOMEM;
		goto failed;
	}
	c->pooled.key = *key;
	c->pooled.close = close_pooled;
	c->opened_ms = ev_now_ms(w->ev);
	return c;
failed:
	slab_put(w->h2_upstreams, c);
	return NULL;
}

/* One with requests that has room for another, else an idle one; but not for another try: where
 * one idle connection was closed under us the next may be. */
static struct h2u *find(struct worker *w, const struct pool_key *key, bool again)
{
	struct pooled *p;
	struct h2u *c;

	LIST_FOREACH (c, h2_upstreams(w), link)
		if (pool_key_eq(&c->pooled.key, key) && takes_more(c))
			return c;
	while (!again && (p = pool_take(w->pool, key)) != NULL) {
		c = container_of(p, struct h2u, pooled);
		stat_sub(w->slot, STAT_UP_IDLE, 1);
		c->state = H2U_OPEN;
		conn_no_deadline(&c->h.conn);
		if (takes_more(c)) {
			list(c);
			return c;
		}
		close_now(c);
	}
	return NULL;
}

int h2u_get(struct request *r, const struct pool_key *key, uint64_t cluster)
{
	struct worker *w = r->w;
	struct h2u *c = find(w, key, r->n_tries > 1);
	bool pending;
	int rc;

	if (c != NULL) {
		request_try(r)->reused = c->state == H2U_OPEN;
		stat_add(w->slot, STAT_UP_REUSED, 1);
		return join(c, r);
	}
	stat_add(w->slot, STAT_UP_CONNECTS, 1);
	c = new_connection(w, key, &pending);
	if (c == NULL)
		return -1;
	c->pooled.cluster = cluster;
	c->pooled.version = table_version(w->table);
	c->state = H2U_CONNECTING;
	c->h.blocked = true;
	conn_deadline(&c->h.conn, r->route.policy->connect_ms);
	list(c);
	rc = join(c, r);
	if (!pending)
		established(c);
	return rc;
}
