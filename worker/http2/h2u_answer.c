/* h2u_answer: what an endpoint sends on a stream, and its deadlines; see h2u.h. */
#include "common/check.h"
#include "common/net/net.h"
#include "worker/request/driver.h"
#include "worker/http2/head/h2_head.h"
#include "worker/http2/h2s.h"
#include "worker/http2/h2u.h"

#define INTERIMS_MAX 16

/* Our message waits for the endpoint's window, or its socket. */
static bool send_stalled(const struct h2s *s)
{
	return s->head_out && !s->sent_end && !s->waiting;
}

static bool answer_due(const struct h2s *s)
{
	return s->head_out && !s->got_end && (s->sent_end || s->got_head || s->tunnel) &&
	       pipe_room(s->in) > 0;
}

void h2u_arm(struct h2s *s)
{
	struct worker *w = h2_w(s->h);
	uint64_t now = ev_now_ms(w->ev);
	const struct policy *p;

	if (s->side.request == NULL || s->closed) {
		timer_pause(&s->timer);
		return;
	}
	p = s->side.request->route.policy;
	if (send_stalled(s))
		timer_set(w->timers, &s->timer, now + p->send_ms);
	else if (answer_due(s))
		timer_set(w->timers, &s->timer, now + p->read_ms);
	else
		timer_pause(&s->timer);
}

void h2u_late(struct timer *t)
{
	struct h2s *s = container_of(t, struct h2s, timer);
	struct worker *w = h2_w(s->h);

	CHECK_MAGIC(s, H2S_MAGIC);
	request_up_ended(s->side.request,
			 send_stalled(s) ? REASON_UP_SEND_TIMEOUT : REASON_UP_READ_TIMEOUT);
	driver_run(w);
}

static struct h2_store store_of(struct request *r)
{
	return (struct h2_store){.r = r,
				 .head = &r->resp,
				 .large = &r->resp_bytes,
				 .array = &r->resp_array,
				 .spare = REQUEST_ANSWER_SPARE};
}

/* The first field of a head: nothing of an interim one before it stays. */
static void begin_head(struct request *r)
{
	chunk_unref(r->resp_bytes);
	chunk_unref(r->resp_array);
	r->resp_bytes = r->resp_array = NULL;
	r->resp = (struct head){.version = 20};
}

void h2u_field(struct h2s *s, nghttp2_rcbuf *name, nghttp2_rcbuf *value, bool trailer)
{
	struct request *r = s->side.request;
	struct h2_limits limits;
	struct h2_store store;

	if (trailer) {
		h2_fields_trailer(&s->fields, r, &r->down, false, name, value);
		return;
	}
	if (s->fields.count == 0)
		begin_head(r);
	limits = h2_limits_answer(r);
	store = store_of(r);
	h2_fields_add(&s->fields, &store, &limits, name, value);
}

static void interim(struct h2s *s)
{
	struct request *r = s->side.request;

	if (++r->interims > INTERIMS_MAX)
		request_up_ended(r, REASON_UP_BAD_HEAD);
	else
		request_event(r, REQ_UP_INTERIM);
}

static void final(struct h2s *s)
{
	struct request *r = s->side.request;
	struct try_record *t = request_try(r);

	s->got_head = true;
	t->status = r->resp.status;
	t->head_us = ev_now_us(r->w->ev);
	request_event(r, REQ_UP_HEAD);
	if (!s->got_end)
		return;
	r->down.end = true;
	r->up_whole = true;
	request_event(r, REQ_UP_DATA);
}

void h2u_head(struct h2s *s, const nghttp2_headers *frame)
{
	struct request *r = s->side.request;
	struct h2_store store = store_of(r);

	r->try_received = true;
	if (r->up_end != REASON_NONE)
		return;
	h2_fields_end(&s->fields, &store);
	switch (h2_head_answer(r, &s->fields, s->got_end)) {
	case H2_HEAD_OK:
		if (r->resp.status < 200)
			interim(s);
		else
			final(s);
		break;
	case H2_HEAD_REFUSED:
		request_up_ended(r, REASON_UP_HEAD_TOO_LARGE);
		break;
	case H2_HEAD_MALFORMED:
		request_up_ended(r, REASON_UP_BAD_HEAD);
		break;
	}
	h2u_arm(s);
}

static enum reason reason_of(const struct h2s *s, uint32_t error)
{
	if (h2u_of(s->h)->late)
		return REASON_CONNECT_TIMEOUT;
	if (h2u_of(s->h)->state == H2U_CONNECTING)
		return h2u_of(s->h)->refused ? REASON_UP_TLS : REASON_CONNECT_FAILED;
	if (!s->peer_reset && error == NGHTTP2_PROTOCOL_ERROR)
		return s->got_head ? REASON_UP_BAD_BODY : REASON_UP_BAD_HEAD;
	return REASON_UP_RESET;
}

/*
 * Nothing of the request left us, or the endpoint ended the connection in order without having
 * acknowledged its first byte: nobody there has read it (as in h1u_answer.c). A reset proves
 * nothing: it may overtake the acknowledgement of what was read.
 */
static bool never_arrived(const struct h2s *s)
{
	const struct h2u *c = h2u_of(s->h);
	uint64_t unacked;

	/* Frames, not bytes of TLS: those may be an alert that says how the connection broke. */
	if (!s->head_out || c->h.sent <= s->frames_from)
		return true;
	unacked = c->h.fin ? net_unacked(c->h.conn.fd) : 0;
	return unacked >= h2u_sent(c) - s->sent_from;
}

/* RFC 9113 §8.7: what was not processed may be sent again, whatever the method. nghttp2 says
 * REFUSED_STREAM, too, for streams beyond the last one that a GOAWAY names. */
static bool not_processed(const struct h2s *s, uint32_t error)
{
	return error == NGHTTP2_REFUSED_STREAM ||
	       (s->h->dead && !s->side.request->try_received && never_arrived(s));
}

void h2u_closed(struct h2s *s, uint32_t error)
{
	struct request *r = s->side.request;

	timer_pause(&s->timer);
	if (r == NULL || (s->got_end && s->got_head))
		return;
	if (not_processed(s, error))
		r->try_sent = false;
	request_up_ended(r, reason_of(s, error));
}
