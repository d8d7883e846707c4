/* h1c: the connection; see h1c.h. */
#include "worker/http1/h1c.h"

#include "common/check.h"
#include "worker/accept/client.h"
#include "worker/request/driver.h"
#include "worker/http1/h1c_head.h"

#define LINGER_IDLE_MS  5000 /* nginx' lingering_timeout */
#define LINGER_TOTAL_MS 30000

#define DRAIN_IDLE_MS  1000 /* draining: time for a request that is on its way */
#define DRAIN_FRESH_MS 5000

void h1c_close(struct h1c *c, enum reason why, bool rst)
{
	struct worker *w = c->conn.w;

	CHECK_MAGIC(c, H1C_MAGIC);
	CHECK(c->side.request == NULL);
	if (c->state == H1C_IDLE)
		stat_sub(w->slot, STAT_CONN_IDLE, 1);
	conn_close(&c->conn, rst);
	h1_in_clear(&c->in);
	h1_out_reset(&c->out);
	client_forget(w, c);
	w->probes -= c->role == ROLE_HEALTHZ;
	c->magic = 0;
	slab_put(w->clients, c);
	stat_sub(w->slot, STAT_CONN_ACTIVE, 1);
	reason_count(w->slot, why);
}

void h1c_state_is(struct h1c *c, enum h1c_state state)
{
	struct slot *slot = c->conn.w->slot;

	if (state == H1C_IDLE && c->state != H1C_IDLE)
		stat_add(slot, STAT_CONN_IDLE, 1);
	if (state != H1C_IDLE && c->state == H1C_IDLE)
		stat_sub(slot, STAT_CONN_IDLE, 1);
	c->state = (uint8_t)state;
}

static uint64_t idle_ms(const struct h1c *c)
{
	const struct worker *w = c->conn.w;

	if (w->draining)
		return c->requests == 0 ? DRAIN_FRESH_MS : DRAIN_IDLE_MS;
	return c->requests == 0 ? w->conf->client_header_timeout_ms : w->conf->keep_alive_ms;
}

void h1c_count(const struct h1c *c, enum stat_id id, uint64_t n)
{
	if (c->role != ROLE_HEALTHZ)
		stat_add(c->conn.w->slot, id, n);
}

void h1c_arm(struct h1c *c)
{
	const struct conf *conf = c->conn.w->conf;
	const struct request *r = c->side.request;

	switch ((enum h1c_state)c->state) {
	case H1C_IDLE:
		conn_deadline(&c->conn, idle_ms(c));
		break;
	case H1C_HEAD:
		conn_deadline(&c->conn, conf->client_header_timeout_ms);
		break;
	case H1C_BUSY:
		if (c->out.state == H1_OUT_BLOCKED)
			conn_deadline(&c->conn, conf->client_send_timeout_ms);
		else if (c->wanted && !c->in.done && !c->tunnel && pipe_room(&r->up) > 0)
			conn_deadline(&c->conn, conf->client_body_timeout_ms);
		else
			conn_no_deadline(&c->conn);
		break;
	case H1C_LINGER:
		conn_deadline(&c->conn, LINGER_IDLE_MS);
		break;
	}
}

/* End our direction and wait a little for the client to read what it got. */
static void linger(struct h1c *c)
{
	h1c_state_is(c, H1C_LINGER);
	h1_in_clear(&c->in);
	conn_half_close(&c->conn);
	c->linger_by_ms = ev_now_ms(c->conn.w->ev) + LINGER_TOTAL_MS;
	conn_want_less(&c->conn, EV_WRITE);
	conn_want_more(&c->conn, EV_READ);
	h1c_arm(c);
}

void h1c_next(struct h1c *c)
{
	bool whole = c->in.done, ahead = h1_in_rest(&c->in).n > 0;

	c->requests++;
	c->wanted = c->continued = false;
	h1_out_reset(&c->out);
	if (c->conn.hup || c->tunnel ||
	    (c->last && whole && !ahead && !conn_is_shaking(&c->conn))) {
		h1c_close(c, REASON_C_LAST_REQUEST, false);
	} else if (!c->keep || !whole) {
		linger(c);
	} else {
		conn_want_more(&c->conn, EV_READ);
		h1c_state_is(c, H1C_IDLE);
		h1_in_trim(&c->in);
		if (ahead)
			h1c_parse(c);
		else
			h1c_arm(c);
	}
}

void h1c_flush(struct h1c *c)
{
	struct request *r = c->side.request;
	uint64_t sent = c->out.sent, content = c->out.content;
	enum h1_out_state state = h1_out_flush(&c->out, &c->conn, request_sink(r));

	sent = c->out.sent - sent;
	r->tx_bytes += sent;
	r->tx_content += c->out.content - content;
	h1c_count(c, STAT_CLIENT_TX_BYTES, sent);
	switch (state) {
	case H1_OUT_BLOCKED:
		conn_want_more(&c->conn, EV_WRITE);
		break;
	case H1_OUT_DONE:
		if (c->tunnel)
			conn_half_close(&c->conn);
		request_event(r, REQ_CLIENT_SENT);
		break;
	case H1_OUT_DEAD:
		conn_want_less(&c->conn, EV_READ | EV_WRITE);
		request_client_ended(r, REASON_CLIENT_GONE);
		break;
	case H1_OUT_WAIT:
		break;
	}
	if (sent > 0 && request_sink(r)->out > 0)
		request_event(r, REQ_CLIENT_ROOM);
	h1c_arm(c);
}

static void on_writable(struct h1c *c)
{
	conn_want_less(&c->conn, EV_WRITE);
	if (c->state == H1C_BUSY && c->out.state == H1_OUT_BLOCKED)
		h1c_flush(c);
}

/* Dead both ways. What was received before can only matter to a tunnel. */
static void on_hup(struct h1c *c)
{
	if (c->state != H1C_BUSY) {
		h1c_close(c,
			  c->state == H1C_LINGER ? REASON_C_ERROR_ANSWERED : REASON_C_CLIENT_RESET,
			  false);
		return;
	}
	conn_hung_up(&c->conn);
	if (c->tunnel && !c->in.done)
		h1c_read_hung_up(c);
	else if (!c->tunnel)
		request_client_ended(c->side.request, REASON_CLIENT_GONE);
}

static void on_ready(struct ev_fd *f, unsigned ready)
{
	struct h1c *c = container_of(f, struct h1c, conn.ev);
	struct worker *w = c->conn.w;

	CHECK_MAGIC(c, H1C_MAGIC);
	if ((ready & EV_HUP) != 0) {
		on_hup(c);
	} else {
		if ((ready & EV_WRITE) != 0)
			on_writable(c);
		if ((ready & EV_READ) != 0)
			h1c_readable(c);
	}
	driver_run(w);
}

static void busy_late(struct h1c *c)
{
	request_client_ended(c->side.request, c->out.state == H1_OUT_BLOCKED ? REASON_SEND_TIMEOUT
									     : REASON_BODY_TIMEOUT);
}

/* A turn looks at the clock before it looks at sockets: the next request may have come in time,
 * while this process waited for a CPU, and a client that sent it would get a reset. */
static void idle_late(struct h1c *c)
{
	if (h1c_read_head(c))
		return;
	h1c_close(c,
		  c->conn.w->draining ? REASON_C_DRAIN
		  : c->requests == 0  ? REASON_C_NO_REQUEST
				      : REASON_C_IDLE,
		  false);
}

static void on_late(struct timer *t)
{
	struct h1c *c = container_of(t, struct h1c, conn.timer);
	struct worker *w = c->conn.w;

	CHECK_MAGIC(c, H1C_MAGIC);
	switch ((enum h1c_state)c->state) {
	case H1C_IDLE:
		idle_late(c);
		break;
	case H1C_HEAD:
		if (h1c_refuse(c, 408, REASON_HEAD_TIMEOUT) == H1C_HEAD_REFUSED)
			h1c_state_is(c, H1C_BUSY);
		else
			h1c_close(c, REASON_C_REFUSED, true);
		break;
	case H1C_BUSY:
		busy_late(c);
		break;
	case H1C_LINGER:
		h1c_close(c, REASON_C_ERROR_ANSWERED, false);
		break;
	}
	driver_run(w);
}

void h1c_drain(struct h1c *c)
{
	if (c->state == H1C_IDLE)
		h1c_arm(c);
}

void h1c_cut(struct h1c *c)
{
	if (c->state == H1C_BUSY)
		request_client_ended(c->side.request, REASON_SHUTDOWN);
	else
		h1c_close(c, REASON_C_DRAIN, true);
}

static struct h1c *new_client(struct worker *w)
{
	struct h1c *c = slab_get(w->clients);

	if (c == NULL)
		stat_add(w->slot, STAT_SLAB_EXHAUSTED, 1);
	else
		memset(c, 0, sizeof(*c));
	return c;
}

static struct h1c *begin(struct h1c *c, const struct addr *peer, enum listener_role role)
{
	struct worker *w = c->conn.w;

	c->magic = H1C_MAGIC;
	c->role = (uint8_t)role;
	w->probes += role == ROLE_HEALTHZ;
	c->peer = *peer;
	c->side.ops = &h1c_ops;
	c->opened_ms = ev_now_ms(w->ev);
	stat_add(w->slot, STAT_CONN_IDLE, 1);
	return c;
}

struct h1c *h1c_open(struct worker *w, int fd, const struct addr *peer, enum listener_role role)
{
	struct h1c *c = new_client(w);

	if (c == NULL)
		return NULL;
	if (conn_open(&c->conn, w, fd, EV_READ, on_ready, on_late) == -1) {
		slab_put(w->clients, c);
		return NULL;
	}
	stat_add(w->slot, STAT_CONN_ACTIVE, 1);
	return begin(c, peer, role);
}

struct h1c *h1c_adopt(struct conn *from, const struct addr *peer, enum listener_role role)
{
	struct worker *w = from->w;
	struct h1c *c = new_client(w);

	if (c == NULL)
		return NULL;
	conn_move(from, &c->conn, on_ready, on_late);
	return begin(c, peer, role);
}

void h1c_start(struct h1c *c)
{
	h1c_arm(c);
	(void)h1c_read_head(c);
}
