/* h2c: the connection; see h2c.h. */
#include "worker/http2/h2c.h"

#include "common/check.h"
#include "worker/accept/client.h"
#include "worker/request/driver.h"
#include "worker/http2/h2s.h"

#define CONN_WINDOW (1024 * 1024) /* content of all streams that is not taken out of pipes */
#define LINGER_MS   1000
#define GOODBYE_MS  1000 /* for requests that crossed the first GOAWAY */

static ev_fd_fn on_ready;
static timer_fn on_late;

static void close_now(struct h2c *c)
{
	struct worker *w = h2_w(&c->h);

	if (c->idle)
		stat_sub(w->slot, STAT_CONN_IDLE, 1);
	h2_close(&c->h, false);
	client_forget_http2(w, c);
	stat_sub(w->slot, STAT_CONN_ACTIVE, 1);
	reason_count(w->slot, (enum reason)c->why);
	slab_put(w->h2_clients, c);
}

static void set_deadline(struct h2c *c, enum h2c_deadline what, uint64_t ms)
{
	if (c->deadline == what)
		return;
	c->deadline = (uint8_t)what;
	if (what == H2C_NO_DEADLINE)
		conn_no_deadline(&c->h.conn);
	else
		conn_deadline(&c->h.conn, ms);
}

static void arm(struct h2c *c)
{
	const struct conf *conf = h2_w(&c->h)->conf;

	if (c->h.blocked && c->h.sent != c->blocked_at) {
		c->blocked_at = c->h.sent;
		c->deadline = H2C_NO_DEADLINE; /* progress: from now on */
	}
	if (c->h.blocked)
		set_deadline(c, H2C_BLOCKED, conf->client_send_timeout_ms);
	else if (c->h.head_open || !c->settled)
		set_deadline(c, H2C_HEAD, conf->client_header_timeout_ms);
	else if (c->leaving == H2C_NOTICE)
		set_deadline(c, H2C_GOODBYE, GOODBYE_MS);
	else if (c->h.n_streams == 0)
		set_deadline(c, H2C_IDLE, conf->keep_alive_ms);
	else
		set_deadline(c, H2C_NO_DEADLINE, 0);
}

static void count_idle(struct h2c *c)
{
	bool idle = c->h.n_streams == 0;

	if (idle == c->idle)
		return;
	c->idle = idle;
	if (idle)
		stat_add(h2_w(&c->h)->slot, STAT_CONN_IDLE, 1);
	else
		stat_sub(h2_w(&c->h)->slot, STAT_CONN_IDLE, 1);
}

/* RFC 9113 §6.8: first that no more streams are welcome, then which one was the last. */
static void notice(struct h2c *c, enum reason why)
{
	if (c->leaving != H2C_STAYS || c->h.failed || c->h.dead)
		return;
	c->leaving = H2C_NOTICE;
	c->why = (uint8_t)why;
	(void)nghttp2_submit_shutdown_notice(c->h.session);
	(void)nghttp2_submit_ping(c->h.session, NGHTTP2_FLAG_NONE, NULL);
	h2_kick(&c->h);
}

static void leave(struct h2c *c, enum reason why)
{
	if (c->leaving == H2C_LEAVING || c->h.failed || c->h.dead)
		return;
	if (c->leaving == H2C_STAYS)
		c->why = (uint8_t)why;
	c->leaving = H2C_LEAVING;
	(void)nghttp2_submit_goaway(c->h.session, NGHTTP2_FLAG_NONE,
				    nghttp2_session_get_last_proc_stream_id(c->h.session),
				    NGHTTP2_NO_ERROR, NULL, 0);
	h2_kick(&c->h);
}

/* Has it served its time? */
static bool worn_out(const struct h2c *c)
{
	const struct worker *w = h2_w(&c->h);

	return c->requests >= w->conf->keep_alive_requests ||
	       ev_now_ms(w->ev) - c->opened_ms >= w->conf->keep_alive_time_ms;
}

/* The last GOAWAY is out: let the client read it before the socket is closed. */
static void linger(struct h2c *c)
{
	if (c->deadline == H2C_LINGER)
		return;
	c->h.failed = true; /* what still comes is thrown away */
	conn_half_close(&c->h.conn);
	set_deadline(c, H2C_LINGER, LINGER_MS);
}

static void decide_reason(struct h2c *c)
{
	if (c->why != REASON_NONE)
		return;
	c->why = c->h.calm     ? REASON_C_CALM
		 : c->h.failed ? REASON_C_H2_ERROR
		 : c->h.eof    ? (c->requests == 0 ? REASON_C_NO_REQUEST : REASON_C_CLIENT_CLOSED)
		 : c->h.dead   ? REASON_C_CLIENT_RESET
			       : REASON_C_H2_ERROR;
}

static void settle(struct h2 *h)
{
	struct h2c *c = h2c_of(h);

	count_idle(c);
	if (h->n_streams == 0 && h2_over(h)) {
		decide_reason(c);
		if (!h->dead)
			linger(c);
		else
			close_now(c);
		return;
	}
	if (worn_out(c))
		notice(c, REASON_C_LAST_REQUEST);
	arm(c);
}

static void on_settings(struct h2c *c, const nghttp2_frame *frame)
{
	if ((frame->hd.flags & NGHTTP2_FLAG_ACK) != 0)
		return;
	if (c->settled)
		h2_complain(&c->h, H2_GLITCH_IDLE_FRAME);
	c->settled = true;
}

static void on_ping(struct h2c *c, const nghttp2_frame *frame)
{
	if ((frame->hd.flags & NGHTTP2_FLAG_ACK) == 0)
		h2_complain(&c->h, H2_GLITCH_IDLE_FRAME);
	else if (c->leaving == H2C_NOTICE)
		leave(c, REASON_C_LAST_REQUEST);
}

static void on_reset(struct h2c *c, const nghttp2_frame *frame)
{
	struct h2s *s = h2s_find(&c->h, frame->hd.stream_id);

	if (s != NULL)
		s->peer_reset = true;
	h2_complain(&c->h, H2_GLITCH_RESET);
}

static void on_frame(struct h2 *h, const nghttp2_frame *frame)
{
	struct h2c *c = h2c_of(h);

	switch (frame->hd.type) {
	case NGHTTP2_SETTINGS:
		on_settings(c, frame);
		break;
	case NGHTTP2_PING:
		on_ping(c, frame);
		break;
	case NGHTTP2_RST_STREAM:
		on_reset(c, frame);
		break;
	case NGHTTP2_WINDOW_UPDATE:
		if (frame->window_update.window_size_increment < H2_TINY_INCREMENT)
			h2_complain(h, H2_GLITCH_IDLE_FRAME);
		break;
	default:
		break;
	}
}

static const struct h2_kind kind = {
    .name = "h2c",
    .server = true,
    .begin = h2c_begin,
    .field = h2c_field,
    .head = h2c_head,
    .closed = h2c_closed,
    .arm = h2c_arm,
    .frame = on_frame,
    .settle = settle,
};

static void on_ready(struct ev_fd *f, unsigned ready)
{
	struct h2c *c = container_of(f, struct h2c, h.conn.ev);
	struct worker *w = h2_w(&c->h);

	CHECK_MAGIC(&c->h, H2_MAGIC);
	h2_ready(&c->h, ready);
	driver_run(w);
}

static void on_late(struct timer *t)
{
	struct h2c *c = container_of(t, struct h2c, h.conn.timer);
	struct worker *w = h2_w(&c->h);
	enum h2c_deadline what = (enum h2c_deadline)c->deadline;

	CHECK_MAGIC(&c->h, H2_MAGIC);
	c->deadline = H2C_NO_DEADLINE;
	switch (what) {
	case H2C_NO_DEADLINE:
		break;
	case H2C_IDLE:
		leave(c, w->draining ? REASON_C_DRAIN : REASON_C_IDLE);
		break;
	case H2C_GOODBYE:
		leave(c, REASON_C_LAST_REQUEST);
		break;
	case H2C_HEAD:
		c->why = c->settled ? REASON_C_H2_ERROR : REASON_C_NO_REQUEST;
		h2_fail(&c->h, NGHTTP2_ENHANCE_YOUR_CALM);
		break;
	case H2C_BLOCKED:
		c->why = REASON_C_ABORTED;
		h2_die(&c->h);
		break;
	case H2C_LINGER:
		h2_die(&c->h);
		break;
	}
	driver_run(w);
}

void h2c_drain(struct h2c *c)
{
	notice(c, REASON_C_DRAIN);
}

bool h2c_evict(struct h2c *c)
{
	if (c->h.n_streams > 0 || c->requests == 0 || c->why != REASON_NONE || c->h.dead)
		return false;
	c->why = REASON_C_EVICTED;
	h2_fail(&c->h, NGHTTP2_NO_ERROR);
	(void)h2_out_flush(&c->h.out, &c->h.conn, &c->h.sent);
	close_now(c);
	return true;
}

void h2c_cut(struct h2c *c)
{
	if (c->why == REASON_NONE)
		c->why = REASON_C_DRAIN;
	h2_die(&c->h);
}

struct h2c *h2c_adopt(struct conn *from, const struct addr *peer, enum listener_role role,
		      bool secure)
{
	struct worker *w = from->w;
	const nghttp2_settings_entry settings[] = {
	    {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, (uint32_t)w->conf->http2_streams},
	    {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, (uint32_t)w->conf->client_header_bytes},
	    {NGHTTP2_SETTINGS_ENABLE_CONNECT_PROTOCOL, 1},
	    {NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES, 1},
	};
	struct h2c *c = slab_get(w->h2_clients);

	if (c == NULL) {
		stat_add(w->slot, STAT_SLAB_EXHAUSTED, 1);
		return NULL;
	}
	memset(c, 0, sizeof(*c));
	c->h.conn.w = w;
	if (h2_open(&c->h, &kind, settings, sizeof(settings) / sizeof(*settings), CONN_WINDOW) ==
	    -1) {
		slab_put(w->h2_clients, c);
		return NULL;
	}
	conn_move(from, &c->h.conn, on_ready, on_late);
	c->role = (uint8_t)role;
	c->secure = secure;
	c->peer = *peer;
	c->opened_ms = ev_now_ms(w->ev);
	return c;
}

void h2c_start(struct h2c *c, struct str early)
{
	conn_want_more(&c->h.conn, EV_READ);
	if (early.n > 0)
		h2_feed(&c->h, early.p, early.n);
	else
		h2_read(&c->h); /* TLS may hold bytes already, of which the loop knows nothing */
	arm(c);
}
