/* h1u_side: struct side_ops of an HTTP/1 upstream connection; see h1u.h. */
#include <errno.h>
#include "common/check.h"
#include "worker/wire/h1_write.h"
#include "worker/http1/h1u.h"
#include "worker/request/request.h"

#define HEAD_LEAST 1536
#define HEAD_MOST  (512 * 1024)

static struct h1u *h1u_of(struct side *s)
{
	struct h1u *c = container_of(s, struct h1u, side);

	CHECK_MAGIC(c, H1U_MAGIC);
	return c;
}

/* What the route says of how its endpoints are spoken to: nothing to others that are asked. */
static uint32_t manners(const struct request *r)
{
	return r->instead != 0 || r->aside ? 0 : r->route.policy->flags;
}

static enum h1_connection connection_of(const struct h1u *c, const struct head *h)
{
	uint32_t flags = manners(c->side.request);

	if ((flags & POLICY_CONN_KEEP) != 0)
		return H1_CONNECTION_KEEP_ALIVE;
	if ((flags & (POLICY_CONN_CLOSE | POLICY_HTTP10)) != 0)
		return H1_CONNECTION_CLOSE;
	if (h->upgrade)
		return H1_CONNECTION_UPGRADE;
	return c->conn.w->conf->upstream_keepalive_connections == 0 ? H1_CONNECTION_CLOSE
								    : H1_CONNECTION_NONE;
}

static int send_head(struct side *s, const struct head *h)
{
	struct h1u *c = h1u_of(s);
	enum h1_connection connection = connection_of(c, h);
	bool http10 = (manners(s->request) & POLICY_HTTP10) != 0;
	uint32_t least = HEAD_LEAST, cap;

	c->spoilt = c->spoilt || connection == H1_CONNECTION_CLOSE; /* we have said so */

	while (least <= HEAD_MOST) {
		char *to = h1_out_reserve(&c->out, c->conn.w, least, &cap);
		ptrdiff_t n;

		if (to == NULL) {
			errno = ENOMEM;
			return -1;
		}
		n = h1_write_request(to, cap, h, connection, http10);
		if (n >= 0) {
			h1_out_commit(&c->out, (uint32_t)n, (enum framing)h->framing, h->length);
			s->request->up.splice_ok =
			    h->framing == FRAMING_LENGTH && c->conn.tls == NULL;
			h1u_flush(c);
			return 0;
		}
		least = cap * 2;
	}
	errno = EMSGSIZE;
	return -1;
}

static void pump(struct side *s)
{
	struct h1u *c = h1u_of(s);

	if (c->out.begun && c->out.state == H1_OUT_WAIT && !c->deaf)
		h1u_flush(c);
}

static void resume_read(struct side *s)
{
	struct h1u *c = h1u_of(s);

	c->held = false;
	h1u_advance(c);
	if (c->held || s->request->up_end != REASON_NONE || (c->in.done && c->head_done))
		return;
	if (c->conn.hup || c->deaf)
		h1u_read(c);
	else if (!c->head_done || pipe_room(&s->request->down) > 0)
		conn_want_more(&c->conn, EV_READ);
	h1u_arm(c);
}

static void tunnel(struct side *s)
{
	struct h1u *c = h1u_of(s);

	c->tunnel = true;
	c->in.framing = FRAMING_CLOSE;
	c->in.done = false;
	s->request->up_whole = s->request->up_sent = false;
	h1_out_tunnel(&c->out);
	s->request->up.splice_ok = c->conn.tls == NULL;
	resume_read(s);
}

static struct h1u *forget(struct side *s)
{
	struct h1u *c = h1u_of(s);

	CHECK(s->request != NULL);
	s->request = NULL;
	return c;
}

static void cut(struct side *s, enum reason why)
{
	h1u_close(forget(s));
}

static void detach(struct side *s)
{
	h1u_release(forget(s));
}

const struct side_ops h1u_ops = {
    .send_head = send_head,
    .pump = pump,
    .resume_read = resume_read,
    .tunnel = tunnel,
    .abort = cut,
    .detach = detach,
};
