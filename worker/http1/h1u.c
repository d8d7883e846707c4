/* h1u: the connection; see h1u.h. */
#include "worker/http1/h1u.h"

#include <errno.h>

#include "common/check.h"
#include "worker/engine.h"
#include "common/table/cluster_kind.h"
#include "common/net/net.h"
#include "worker/request/driver.h"
#include "worker/tls/tls_upstream.h"
#include "worker/upstream/dial.h"

#define FRESH_MS 1000 /* shorter than any server's keep-alive timeout we know of */

static ev_fd_fn on_ready;
static timer_fn on_late;

void h1u_close(struct h1u *c)
{
	struct worker *w = c->conn.w;

	CHECK_MAGIC(c, H1U_MAGIC);
	CHECK(c->side.request == NULL);
	if (c->pooled.idle)
		stat_sub(w->slot, STAT_UP_IDLE, 1);
	pool_remove(w->pool, &c->pooled);
	conn_close(&c->conn, false);
	h1_in_clear(&c->in);
	h1_out_reset(&c->out);
	c->magic = 0;
	slab_put(w->upstreams, c);
}

/* The pool has let it go: idle no longer, so the gauge is settled here. */
static void close_pooled(struct pooled *p)
{
	struct h1u *c = container_of(p, struct h1u, pooled);

	stat_sub(c->conn.w->slot, STAT_UP_IDLE, 1);
	h1u_close(c);
}

static bool may_pool(const struct h1u *c)
{
	const struct worker *w = c->conn.w;

	return !c->spoilt && !c->deaf && !c->conn.hup && !conn_has_more(&c->conn) &&
	       c->out.state == H1_OUT_DONE && c->in.done && c->in.buf == NULL && !w->draining &&
	       c->requests < w->conf->upstream_keepalive_requests &&
	       ev_now_ms(w->ev) - c->opened_ms < w->conf->upstream_keepalive_time_ms;
}

void h1u_release(struct h1u *c)
{
	struct worker *w = c->conn.w;

	h1_in_trim(&c->in);
	if (!may_pool(c) || !engine_keeps(w, &c->pooled) || !pool_put(w->pool, &c->pooled)) {
		h1u_close(c);
		return;
	}
	c->state = H1U_IDLE;
	c->idle_ms = ev_now_ms(w->ev);
	stat_add(w->slot, STAT_UP_IDLE, 1);
	conn_want_more(&c->conn, EV_READ);
	h1u_arm(c);
}

static void arm_busy(struct h1u *c, const struct request *r)
{
	const struct policy *p = r->route.policy;
	bool waits = (c->out.state == H1_OUT_DONE || c->deaf) && !c->in.done;

	if (c->tunnel)
		conn_deadline(&c->conn, p->read_ms); /* of silence both ways */
	else if (c->out.state == H1_OUT_BLOCKED && !c->deaf)
		conn_deadline(&c->conn, p->send_ms);
	else if ((waits || c->head_done) && !c->in.done && pipe_room(&r->down) > 0)
		conn_deadline(&c->conn, p->read_ms);
	else
		conn_no_deadline(&c->conn);
}

void h1u_arm(struct h1u *c)
{
	const struct worker *w = c->conn.w;

	switch ((enum h1u_state)c->state) {
	case H1U_CONNECTING:
		conn_deadline(&c->conn, c->side.request->route.policy->connect_ms);
		break;
	case H1U_BUSY:
		arm_busy(c, c->side.request);
		break;
	case H1U_IDLE:
		conn_deadline(&c->conn, w->conf->upstream_keepalive_timeout_ms);
		break;
	}
}

/* A fresh exchange on this connection. */
static void begin(struct h1u *c, struct request *r)
{
	c->side.request = r;
	r->upstream = &c->side;
	r->up_sent = r->up_whole = false;
	r->try_sent = r->try_received = false;
	c->head_done = c->held = c->deaf = false;
	c->requests++;
	h1_out_reset(&c->out);
	h1_in_clear(&c->in);
	c->in.done = false;
}

static void ready_to_send(struct h1u *c)
{
	struct request *r = c->side.request;

	c->state = H1U_BUSY;
	request_try(r)->connected_us = ev_now_us(c->conn.w->ev);
	conn_no_deadline(&c->conn);
	request_event(r, REQ_UP_READY);
}

static void reuse(struct h1u *c, struct request *r)
{
	struct worker *w = c->conn.w;

	CHECK_MAGIC(c, H1U_MAGIC);
	stat_sub(w->slot, STAT_UP_IDLE, 1);
	stat_add(w->slot, STAT_UP_REUSED, 1);
	begin(c, r);
	request_try(r)->reused = true;
	ready_to_send(c);
}

static struct h1u *new_connection(struct worker *w, const struct pool_key *key, bool *pending)
{
	struct h1u *c = slab_get(w->upstreams);

	if (c == NULL) {
		stat_add(w->slot, STAT_SLAB_EXHAUSTED, 1);
		errno = ENOMEM;
		return NULL;
	}
	memset(c, 0, sizeof(*c));
	if (dial(&c->conn, w, key, on_ready, on_late, pending) == -1) {
		slab_put(w->upstreams, c);
		return NULL;
	}
	c->magic = H1U_MAGIC;
	c->side.ops = &h1u_ops;
	c->pooled.key = *key;
	c->pooled.close = close_pooled;
	c->opened_ms = ev_now_ms(w->ev);
	return c;
}

/*
 * An idle connection that r may go out on. What must not be sent twice (RFC 9110 §9.2.2) is not
 * entrusted to one that was idle for long, which the origin may be about to close; and a retry
 * goes out on a new one, since where one idle connection was closed under us the next may be.
 */
static struct h1u *take_idle(struct request *r, const struct pool_key *key)
{
	struct worker *w = r->w;
	struct pooled *p = r->n_tries > 1 ? NULL : pool_take(w->pool, key);
	struct h1u *c;

	if (p == NULL)
		return NULL;
	c = container_of(p, struct h1u, pooled);
	if (method_is_idempotent(r->in.method) || ev_now_ms(w->ev) - c->idle_ms < FRESH_MS)
		return c;
	close_pooled(p);
	return NULL;
}

static void connect_failed(struct h1u *c, enum reason why)
{
	stat_add(c->conn.w->slot, STAT_UP_CONNECT_FAILS, 1);
	request_up_ended(c->side.request, why);
}

static void shake(struct h1u *c)
{
	switch (tls_upstream_shake(&c->conn, &c->pooled.key)) {
	case TLS_SHAKEN:
		ready_to_send(c);
		break;
	case TLS_SHAKING:
		break;
	case TLS_REFUSED:
		connect_failed(c, REASON_UP_TLS);
		break;
	}
}

/* The TCP connection is there: it can be used at once, or hands are shaken first, for which
 * connecting's deadline goes on. */
static void established(struct h1u *c)
{
	if (c->conn.tls == NULL) {
		ready_to_send(c);
		return;
	}
	c->shaking = true;
	h1u_arm(c);
	shake(c);
}

int h1u_get(struct request *r, const struct pool_key *key, uint64_t cluster)
{
	struct worker *w = r->w;
	struct h1u *c = take_idle(r, key);
	bool pending;

	if (c != NULL) {
		reuse(c, r);
		return 0;
	}
	stat_add(w->slot, STAT_UP_CONNECTS, 1);
	c = new_connection(w, key, &pending);
	if (c == NULL)
		return -1;
	c->pooled.cluster = cluster;
	c->pooled.version = table_version(w->table);
	c->state = H1U_CONNECTING;
	begin(c, r);
	if (pending)
		h1u_arm(c);
	else
		established(c);
	return 0;
}

static void connected(struct h1u *c)
{
	if (net_connect_error(c->conn.fd) != 0) {
		connect_failed(c, REASON_CONNECT_FAILED);
		return;
	}
	conn_want_less(&c->conn, EV_WRITE);
	established(c);
}

void h1u_flush(struct h1u *c)
{
	struct request *r = c->side.request;
	uint64_t before = c->out.sent;
	enum h1_out_state state = h1_out_flush(&c->out, &c->conn, &r->up);

	r->try_sent = r->try_sent || c->out.sent > 0;
	switch (state) {
	case H1_OUT_BLOCKED:
		conn_want_more(&c->conn, EV_WRITE);
		break;
	case H1_OUT_DONE:
		if (c->tunnel)
			conn_half_close(&c->conn);
		r->up_sent = true;
		request_event(r, REQ_UP_SENT);
		break;
	case H1_OUT_DEAD:
		c->deaf = c->spoilt = true;
		conn_want_less(&c->conn, EV_WRITE);
		conn_want_more(&c->conn, EV_READ); /* an early answer may lie there */
		break;
	case H1_OUT_WAIT:
		break;
	}
	if (c->out.sent != before)
		request_event(r, REQ_UP_ROOM);
	h1u_arm(c);
}

static void on_writable(struct h1u *c)
{
	conn_want_less(&c->conn, EV_WRITE);
	if (c->state == H1U_BUSY && c->out.state == H1_OUT_BLOCKED)
		h1u_flush(c);
}

static void on_hup(struct h1u *c)
{
	conn_hung_up(&c->conn);
	c->spoilt = true;
	h1u_read(c);
}

static void on_ready(struct ev_fd *f, unsigned ready)
{
	struct h1u *c = container_of(f, struct h1u, conn.ev);
	struct worker *w = c->conn.w;

	CHECK_MAGIC(c, H1U_MAGIC);
	if (c->state == H1U_IDLE) {
		h1u_close(c); /* closed by the origin, or it speaks unasked */
	} else if (c->state == H1U_CONNECTING) {
		if (c->shaking)
			shake(c);
		else
			connected(c);
	} else if ((ready & EV_HUP) != 0) {
		on_hup(c);
	} else {
		if ((ready & EV_WRITE) != 0)
			on_writable(c);
		if ((ready & EV_READ) != 0)
			h1u_read(c);
	}
	driver_run(w);
}

static void on_late(struct timer *t)
{
	struct h1u *c = container_of(t, struct h1u, conn.timer);
	struct worker *w = c->conn.w;

	CHECK_MAGIC(c, H1U_MAGIC);
	switch ((enum h1u_state)c->state) {
	case H1U_CONNECTING:
		connect_failed(c, REASON_CONNECT_TIMEOUT);
		break;
	case H1U_BUSY:
		request_up_ended(c->side.request, c->tunnel ? REASON_TUNNEL_IDLE
						  : c->out.state == H1_OUT_BLOCKED && !c->deaf
						      ? REASON_UP_SEND_TIMEOUT
						      : REASON_UP_READ_TIMEOUT);
		break;
	case H1U_IDLE:
		h1u_close(c);
		break;
	}
	driver_run(w);
}
