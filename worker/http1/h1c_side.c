/* h1c_side: struct side_ops of an HTTP/1 client connection; see h1c.h. */
#include <errno.h>
#include "common/check.h"
#include "worker/request/date.h"
#include "worker/wire/h1_write.h"
#include "worker/http1/h1c.h"
#include "worker/request/request.h"

#define HEAD_LEAST 1024
#define HEAD_MOST  (2 << 20) /* twice the largest proxy-buffer-size: fields are added */

static struct h1c *h1c_of(struct side *s)
{
	struct h1c *c = container_of(s, struct h1c, side);

	CHECK_MAGIC(c, H1C_MAGIC);
	return c;
}

/* Does the connection live on after this answer? */
static bool keeps(const struct h1c *c, const struct head *h)
{
	const struct worker *w = c->conn.w;

	return !c->last && c->in.done && !w->draining && h->framing != FRAMING_CLOSE &&
	       w->conf->keep_alive_ms > 0 && c->requests + 1 < w->conf->keep_alive_requests &&
	       ev_now_ms(w->ev) - c->opened_ms < w->conf->keep_alive_time_ms;
}

static enum h1_connection connection_of(const struct h1c *c, const struct head *h)
{
	if (h->status == 101)
		return H1_CONNECTION_UPGRADE;
	if (!c->keep)
		return H1_CONNECTION_CLOSE;
	return c->side.request->in.version == 10 ? H1_CONNECTION_KEEP_ALIVE : H1_CONNECTION_NONE;
}

/* Serialise into the out buffer; *n its length. 0, or -1 with errno. */
static int write_head(struct h1c *c, const struct head *h, enum h1_connection connection,
		      uint32_t *n)
{
	struct worker *w = c->conn.w;
	uint32_t least = HEAD_LEAST, cap;

	while (least <= HEAD_MOST) {
		char *to = h1_out_reserve(&c->out, w, least, &cap);
		ptrdiff_t got;

		if (to == NULL) {
			errno = ENOMEM;
			return -1;
		}
		got = h1_write_response(to, cap, h, connection, date_now(w));
		if (got >= 0) {
			*n = (uint32_t)got;
			return 0;
		}
		least = cap * 2;
	}
	errno = EMSGSIZE;
	return -1;
}

static int send_interim(struct h1c *c, const struct head *h)
{
	uint32_t n;

	if (c->side.request->in.version < 11)
		return 0; /* RFC 9110 §15.2: not to an HTTP/1.0 client */
	if (h->status == 100 && c->continued)
		return 0;
	c->continued = c->continued || h->status == 100;
	if (write_head(c, h, H1_CONNECTION_NONE, &n) == -1)
		return -1;
	h1_out_commit_interim(&c->out, n);
	stat_add(c->conn.w->slot, STAT_STATUS_1XX, 1);
	h1c_flush(c);
	return 0;
}

static int send_head(struct side *s, const struct head *h)
{
	struct h1c *c = h1c_of(s);
	struct head mine = *h;
	uint32_t n;

	if (h->status < 200 && h->status != 101)
		return send_interim(c, h);
	/* The end of content is told in the client's own terms. */
	if (mine.framing == FRAMING_CHUNKED && s->request->in.version < 11)
		mine.framing = FRAMING_CLOSE;
	else if (mine.framing == FRAMING_CLOSE && s->request->in.version >= 11)
		mine.framing = FRAMING_CHUNKED;
	c->keep = keeps(c, &mine);
	if (write_head(c, &mine, connection_of(c, &mine), &n) == -1)
		return -1;
	h1_out_commit(&c->out, n, (enum framing)mine.framing, mine.length);
	s->request->down.splice_ok = mine.framing == FRAMING_LENGTH && c->conn.tls == NULL;
	h1c_flush(c);
	return 0;
}

static void pump(struct side *s)
{
	struct h1c *c = h1c_of(s);

	if (c->out.begun && (c->out.state == H1_OUT_WAIT))
		h1c_flush(c);
}

/* RFC 9110 §10.1.1: the client waits for our word before it sends content. */
static void say_continue(struct h1c *c)
{
	const struct head h = {.status = 100, .framing = FRAMING_NONE};
	const struct request *r = c->side.request;

	if (r->in.expect_continue && !c->continued && !c->in.done && r->up.in == 0 &&
	    !c->out.begun && h1_in_rest(&c->in).n == 0)
		(void)send_interim(c, &h);
}

static void resume_read(struct side *s)
{
	struct h1c *c = h1c_of(s);
	struct request *r = s->request;

	if (c->in.done)
		return;
	if (!c->wanted) {
		c->wanted = true;
		say_continue(c);
	}
	if (h1_in_rest(&c->in).n > 0 && pipe_room(&r->up) > 0)
		h1c_take_content(c);
	h1_in_trim(&c->in);
	if (c->conn.hup)
		h1c_read_hung_up(c);
	else if (!c->in.done && pipe_room(&r->up) > 0)
		conn_want_more(&c->conn, EV_READ);
	h1c_arm(c);
}

static void tunnel(struct side *s)
{
	struct h1c *c = h1c_of(s);

	c->tunnel = true;
	c->keep = false;
	c->in.framing = FRAMING_CLOSE;
	c->in.done = false;
	h1_out_tunnel(&c->out);
	s->request->down.splice_ok = c->conn.tls == NULL;
	resume_read(s);
}

static struct h1c *forget(struct side *s)
{
	struct h1c *c = h1c_of(s);

	CHECK(s->request != NULL);
	s->request = NULL;
	return c;
}

static void cut(struct side *s, enum reason why)
{
	struct h1c *c = forget(s);
	/* Only a reset tells an answer that ends with the connection from a whole one. */
	bool rst = c->out.begun && c->out.framing == FRAMING_CLOSE && why != REASON_TUNNEL_IDLE;

	h1c_close(c, REASON_C_ABORTED, rst);
}

static void detach(struct side *s)
{
	h1c_next(forget(s));
}

static const struct tls_conn *tls(const struct side *s)
{
	return container_of(s, const struct h1c, side)->conn.tls;
}

const struct side_ops h1c_ops = {
    .send_head = send_head,
    .pump = pump,
    .resume_read = resume_read,
    .tunnel = tunnel,
    .abort = cut,
    .detach = detach,
    .tls = tls,
};
