/* h2c_stream: what the streams of a client connection receive; see h2c.h. */
#include "common/check.h"
#include "worker/request/driver.h"
#include "worker/wire/h1_field.h"
#include "worker/http2/head/h2_head.h"
#include "worker/http2/h2c.h"
#include "worker/http2/h2s.h"

#define FIELDS_TO_ADD 25            /* what the steps may append */
#define HEADS_MAX     (1024 * 1024) /* bytes of all heads of one connection */

/* The answer waits for the window or the socket. */
static bool send_stalled(const struct h2s *s)
{
	return s->head_out && s->has_content && !s->sent_end && !s->waiting;
}

void h2c_arm(struct h2s *s)
{
	const struct conf *conf = h2_w(s->h)->conf;
	uint64_t now = ev_now_ms(h2_w(s->h)->ev);

	if (s->side.request == NULL || s->closed)
		timer_pause(&s->timer);
	else if (send_stalled(s))
		timer_set(h2_w(s->h)->timers, &s->timer, now + conf->client_send_timeout_ms);
	else if (s->wanted && !s->got_end && !s->tunnel && pipe_room(s->in) > 0)
		timer_set(h2_w(s->h)->timers, &s->timer, now + conf->client_body_timeout_ms);
	else
		timer_pause(&s->timer);
}

static void on_late(struct timer *t)
{
	struct h2s *s = container_of(t, struct h2s, timer);
	struct worker *w = h2_w(s->h);

	CHECK_MAGIC(s, H2S_MAGIC);
	request_client_ended(s->side.request,
			     send_stalled(s) ? REASON_SEND_TIMEOUT : REASON_BODY_TIMEOUT);
	driver_run(w);
}

static struct request *new_request(struct h2c *c, struct h2s *s)
{
	struct worker *w = h2_w(&c->h);
	struct request *r = request_new(w, &s->side);

	if (r == NULL)
		return NULL;
	r->role = (enum listener_role)c->role;
	r->peer = c->peer;
	r->to_port = c->h.conn.to_port;
	r->tls = c->h.conn.tls;
	r->secure = c->secure;
	r->in = (struct head){.version = 20};
	s->in = &r->up;
	s->out = &r->down;
	return r;
}

void h2c_begin(struct h2 *h, int32_t id)
{
	struct h2c *c = h2c_of(h);
	struct h2s *s = NULL;

	if (h->n_streams < 2 * h2_w(h)->conf->http2_streams)
		s = h2s_new(h, id, &h2c_ops, on_late);
	if (s != NULL && new_request(c, s) != NULL) {
		c->requests++;
		return;
	}
	if (s != NULL)
		h2s_free(s);
	(void)nghttp2_submit_rst_stream(h->session, NGHTTP2_FLAG_NONE, id, NGHTTP2_REFUSED_STREAM);
	h2_kick(h);
}

static struct h2_store store_of(struct request *r)
{
	return (struct h2_store){.r = r,
				 .head = &r->in,
				 .large = &r->in_bytes,
				 .array = &r->in_array,
				 .spare = FIELDS_TO_ADD};
}

void h2c_field(struct h2s *s, nghttp2_rcbuf *name, nghttp2_rcbuf *value, bool trailer)
{
	struct request *r = s->side.request;
	struct h2c *c = h2c_of(s->h);
	struct h2_limits limits;
	struct h2_store store;
	uint32_t before;

	if (trailer) {
		h2_fields_trailer(&s->fields, r, &r->up, true, name, value);
		return;
	}
	limits = h2_limits_request(r);
	store = store_of(r);
	before = s->fields.bytes;
	h2_fields_add(&s->fields, &store, &limits, name, value);
	s->head_bytes += s->fields.bytes - before;
	c->head_bytes += s->fields.bytes - before;
	if (c->head_bytes > HEADS_MAX && s->fields.fault == H1_OK)
		s->fields.fault = H1_FAULT_HEAD_LONG;
}

/* Answer with what HTTP/1 would answer. */
static void refuse(struct h2s *s, enum h1_fault fault)
{
	struct request *r = s->side.request;
	struct h1_refusal refusal;

	(void)h1_refuse(fault, &refusal);
	(void)request_reply(r, refusal.status, refusal.reason);
	driver_post(r);
}

void h2c_head(struct h2s *s, const nghttp2_headers *frame)
{
	struct request *r = s->side.request;
	struct h2_store store = store_of(r);
	enum h2_verdict verdict;

	s->got_head = true;
	r->rx_bytes += s->fields.bytes;
	h2_fields_end(&s->fields, &store);
	verdict = h2_head_request(r, &s->fields, s->got_end, &s->extended);
	r->up.end = s->got_end || s->extended || r->in.framing == FRAMING_NONE;
	switch (verdict) {
	case H2_HEAD_OK:
		driver_post(r);
		break;
	case H2_HEAD_REFUSED:
		refuse(s, (enum h1_fault)s->fields.fault);
		break;
	case H2_HEAD_MALFORMED:
		s->mute = true;
		h2s_reset(s, NGHTTP2_PROTOCOL_ERROR);
		request_client_ended(r, REASON_BAD_REQUEST);
		break;
	}
}

static enum reason reason_of(const struct h2s *s)
{
	if (s->peer_reset || s->h->dead || s->h->failed)
		return REASON_CLIENT_GONE;
	return s->got_head ? REASON_BAD_BODY : REASON_BAD_REQUEST;
}

void h2c_closed(struct h2s *s, uint32_t error)
{
	timer_pause(&s->timer);
	if (s->side.request != NULL && !s->sent_end)
		request_client_ended(s->side.request, reason_of(s));
}
