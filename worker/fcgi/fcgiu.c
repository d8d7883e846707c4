/* fcgiu: the connection; see fcgiu.h. */
#include "worker/fcgi/fcgiu.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/check.h"
#include "common/net/net.h"
#include "worker/fcgi/fcgi_params.h"
#include "worker/request/driver.h"
#include "worker/upstream/dial.h"

#define PARAMS_MOST (1024 * 1024) /* bytes: a head of large-client-header-buffers, and ours */

static const struct side_ops fcgiu_ops;

static void close_now(struct fcgiu *c)
{
	CHECK_MAGIC(c, FCGIU_MAGIC);
	CHECK(c->side.request == NULL);
	conn_close(&c->conn, false);
	fcgi_in_clear(&c->in);
	fcgi_out_clear(&c->out);
	chunk_unref(c->head);
	c->magic = 0;
	free(c);
}

void fcgiu_arm(struct fcgiu *c)
{
	const struct request *r = c->side.request;
	const struct policy *p = r->route.policy;
	bool waits = c->out.state == FCGI_OUT_DONE || c->deaf || c->head_done;

	if (c->connecting)
		conn_deadline(&c->conn, p->connect_ms);
	else if (c->out.state == FCGI_OUT_BLOCKED && !c->deaf)
		conn_deadline(&c->conn, p->send_ms);
	else if (waits && !c->ended && pipe_room(&r->down) > 0)
		conn_deadline(&c->conn, p->read_ms);
	else
		conn_no_deadline(&c->conn);
}

static void flush(struct fcgiu *c)
{
	struct request *r = c->side.request;
	uint64_t before = c->out.sent;
	enum fcgi_out_state state = fcgi_out_flush(&c->out, &c->conn, &r->up);

	r->try_sent = r->try_sent || c->out.sent > 0;
	switch (state) {
	case FCGI_OUT_BLOCKED:
		conn_want_more(&c->conn, EV_WRITE);
		break;
	case FCGI_OUT_DONE:
		r->up_sent = true;
		request_event(r, REQ_UP_SENT);
		break;
	case FCGI_OUT_DEAD:
		c->deaf = true;
		conn_want_less(&c->conn, EV_WRITE);
		conn_want_more(&c->conn, EV_READ); /* an early answer may lie there */
		break;
	case FCGI_OUT_WAIT:
		break;
	}
	if (c->out.sent != before)
		request_event(r, REQ_UP_ROOM);
	fcgiu_arm(c);
}

/* --- events ---------------------------------------------------------------------------------- */

static void connect_failed(struct fcgiu *c, enum reason why)
{
	stat_add(c->conn.w->slot, STAT_UP_CONNECT_FAILS, 1);
	request_up_ended(c->side.request, why);
}

static void established(struct fcgiu *c)
{
	struct request *r = c->side.request;

	c->connecting = false;
	request_try(r)->connected_us = ev_now_us(c->conn.w->ev);
	fcgiu_arm(c);
	request_event(r, REQ_UP_READY);
}

static void connected(struct fcgiu *c)
{
	if (net_connect_error(c->conn.fd) != 0) {
		connect_failed(c, REASON_CONNECT_FAILED);
		return;
	}
	conn_want_less(&c->conn, EV_WRITE);
	established(c);
}

static void on_ready(struct ev_fd *f, unsigned ready)
{
	struct fcgiu *c = container_of(f, struct fcgiu, conn.ev);
	struct worker *w = c->conn.w;

	CHECK_MAGIC(c, FCGIU_MAGIC);
	if (c->connecting) {
		connected(c);
	} else if ((ready & EV_HUP) != 0) {
		conn_hung_up(&c->conn);
		fcgiu_read(c);
	} else {
		if ((ready & EV_WRITE) != 0) {
			conn_want_less(&c->conn, EV_WRITE);
			if (c->out.state == FCGI_OUT_BLOCKED)
				flush(c);
		}
		if ((ready & EV_READ) != 0)
			fcgiu_read(c);
	}
	driver_run(w);
}

static void on_late(struct timer *t)
{
	struct fcgiu *c = container_of(t, struct fcgiu, conn.timer);
	struct worker *w = c->conn.w;

	CHECK_MAGIC(c, FCGIU_MAGIC);
	if (c->connecting)
		connect_failed(c, REASON_CONNECT_TIMEOUT);
	else
		request_up_ended(c->side.request, c->out.state == FCGI_OUT_BLOCKED && !c->deaf
						      ? REASON_UP_SEND_TIMEOUT
						      : REASON_UP_READ_TIMEOUT);
	driver_run(w);
}

int fcgiu_get(struct request *r, const struct pool_key *key)
{
	struct fcgiu *c = calloc(1, sizeof(*c));
	bool pending;

	stat_add(r->w->slot, STAT_UP_CONNECTS, 1);
	if (c == NULL || dial(&c->conn, r->w, key, on_ready, on_late, &pending) == -1) {
		free(c);
		return -1;
	}
	c->magic = FCGIU_MAGIC;
	c->side.ops = &fcgiu_ops;
	c->side.request = r;
	c->connecting = true;
	r->upstream = &c->side;
	r->up_sent = r->up_whole = false;
	r->try_sent = r->try_received = false;
	if (pending)
		fcgiu_arm(c);
	else
		established(c);
	return 0;
}

/* --- what a request may ask ------------------------------------------------------------------ */

static struct fcgiu *fcgiu_of(struct side *s)
{
	struct fcgiu *c = container_of(s, struct fcgiu, side);

	CHECK_MAGIC(c, FCGIU_MAGIC);
	return c;
}

static int send_head(struct side *s, const struct head *h)
{
	struct fcgiu *c = fcgiu_of(s);
	struct text params;
	int rc;

	text_growing(&params, PARAMS_MOST);
	rc = fcgi_params(s->request, h, &params);
	if (rc == 0)
		rc = fcgi_out_begin(&c->out, str_make(params.p, params.n),
				    h->framing != FRAMING_NONE);
	free(params.p);
	if (rc == -1) {
		errno = ENOMEM;
		return -1;
	}
	flush(c);
	return 0;
}

static void pump(struct side *s)
{
	struct fcgiu *c = fcgiu_of(s);

	if (c->out.begun && c->out.state == FCGI_OUT_WAIT && !c->deaf)
		flush(c);
}

static void resume_read(struct side *s)
{
	struct fcgiu *c = fcgiu_of(s);

	fcgiu_advance(c);
	if (s->request->up_end != REASON_NONE || c->ended)
		return;
	if (c->conn.hup || c->deaf)
		fcgiu_read(c);
	else if (!c->head_done || pipe_room(&s->request->down) > 0)
		conn_want_more(&c->conn, EV_READ);
	fcgiu_arm(c);
}

/* No answer of FastCGI is a 101 (fcgiu_answer.c). */
static void tunnel(struct side *s)
{
	CHECK(s == NULL);
}

static void let_go(struct side *s)
{
	struct fcgiu *c = fcgiu_of(s);

	CHECK(s->request != NULL);
	s->request = NULL;
	close_now(c);
}

static void cut(struct side *s, enum reason why)
{
	let_go(s);
}

static const struct side_ops fcgiu_ops = {
    .send_head = send_head,
    .pump = pump,
    .resume_read = resume_read,
    .tunnel = tunnel,
    .abort = cut,
    .detach = let_go,
};
