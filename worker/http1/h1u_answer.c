/* h1u_answer: what an endpoint sends: interim heads, the head, content; see h1u.h. */
#include <errno.h>

#include "common/check.h"
#include "common/net/net.h"
#include "worker/http1/h1u.h"
#include "worker/request/request.h"

#define INTERIMS_MAX   16
#define LINE_MAX_LEAST 8192

static struct h1_limits limits_of(const struct request *r)
{
	uint32_t head = r->route.policy->head_max_bytes;

	return (struct h1_limits){
	    .start_line_max = head < LINE_MAX_LEAST ? head : LINE_MAX_LEAST,
	    .line_max = head,
	    .head_max = head,
	    .fields_max = (uint16_t)r->w->conf->max_header_fields,
	    .underscores = true,
	};
}

static void interim(struct h1u *c)
{
	struct request *r = c->side.request;

	if (++r->interims > INTERIMS_MAX) {
		request_up_ended(r, REASON_UP_BAD_HEAD);
		return;
	}
	c->held = true;
	request_event(r, REQ_UP_INTERIM);
}

/* RFC 9110 §7.8: only to the one protocol that was asked for. */
static bool switch_was_asked(const struct request *r, const struct head *h)
{
	return r->out.upgrade && h->upgrade && str_ieq(h->upgrade_proto, r->out.upgrade_proto);
}

static void final(struct h1u *c, const struct head *h)
{
	struct request *r = c->side.request;
	struct try_record *t = request_try(r);

	if (h->status == 101 && !switch_was_asked(r, h)) {
		request_up_ended(r, REASON_UP_BAD_UPGRADE);
		return;
	}
	t->status = h->status;
	t->head_us = ev_now_us(c->conn.w->ev);
	c->head_done = true;
	c->spoilt = c->spoilt || !h->keep_alive || h->status == 101;
	request_event(r, REQ_UP_HEAD);
}

/* One head of the buffer. False when there is nothing more to do with it now. */
static bool take_head(struct h1u *c)
{
	struct request *r = c->side.request;
	struct worker *w = c->conn.w;
	struct h1_limits limits = limits_of(r);
	struct head h = {.fields = w->fields, .cap_fields = (uint16_t)w->conf->max_header_fields};
	struct h1_refusal refusal;
	size_t used;

	switch (h1_parse_response(h1_in_rest(&c->in), &limits, &c->in.scan, r->in.method, &h, &used,
				  &refusal)) {
	case H1_INCOMPLETE:
		return false;
	case H1_REFUSED:
		request_up_ended(r, refusal.reason);
		return false;
	case H1_DONE:
		break;
	}
	if (request_keep_answer(r, &h, c->in.buf) == -1) {
		request_up_ended(r, REASON_NO_MEMORY);
		return false;
	}
	h1_in_head_done(&c->in, used, (enum framing)h.framing, h.length);
	if (h.status < 200 && h.status != 101)
		interim(c);
	else
		final(c, &h);
	return r->up_end == REASON_NONE && !c->held;
}

static void take_content(struct h1u *c)
{
	struct request *r = c->side.request;
	uint64_t before = r->down.in;

	if (r->resp.status == 101 && !c->tunnel)
		return; /* what follows belongs to the tunnel, once it is dug */
	if (h1_in_content(&c->in, &r->down, &r->arena) == -1) {
		request_up_ended(r, REASON_UP_BAD_BODY);
		return;
	}
	if (c->in.done && !r->up_whole) {
		r->up_whole = true;
		request_event(r, REQ_UP_DATA);
	} else if (r->down.in != before) {
		request_event(r, REQ_UP_DATA);
	}
	if (c->in.done && h1_in_rest(&c->in).n > 0)
		c->spoilt = true; /* bytes nobody asked for */
}

void h1u_advance(struct h1u *c)
{
	if (c->held)
		return;
	if (!c->head_done && (h1_in_rest(&c->in).n == 0 || !take_head(c)))
		return;
	if (c->head_done)
		take_content(c);
	h1_in_trim(&c->in);
}

/*
 * The origin closed without having acknowledged one byte of this request: its FIN was on its way
 * before the request came, so nobody there has read it, and whatever the method it can be sent
 * again (RFC 9110 §9.2.2: "some means to detect that the original request was never applied").
 */
static bool never_arrived(const struct h1u *c)
{
	return c->out.sent > 0 && net_unacked(c->conn.fd) >= c->out.sent;
}

void h1u_ended(struct h1u *c)
{
	struct request *r = c->side.request;

	if (!r->try_received && r->try_sent && never_arrived(c))
		r->try_sent = false;
	c->spoilt = true;
	conn_want_less(&c->conn, EV_READ);
	if (c->in.done && c->head_done)
		return;
	if (!c->head_done || c->in.framing != FRAMING_CLOSE) {
		request_up_ended(r, REASON_UP_RESET);
		return;
	}
	c->in.done = true;
	r->down.end = true;
	r->up_whole = true;
	request_event(r, REQ_UP_DATA);
}

/* Is there a place for what would be received? */
static bool wants_bytes(const struct h1u *c)
{
	const struct request *r = c->side.request;

	if (c->held || r->up_end != REASON_NONE)
		return false;
	if (!c->head_done)
		return true;
	if (r->resp.status == 101 && !c->tunnel)
		return false;
	return pipe_room(&r->down) > 0;
}

/* Large content of known length stays in the kernel. */
static bool splices(struct h1u *c)
{
	return c->head_done && !c->in.done && c->conn.tls == NULL &&
	       h1_in_splices(&c->in, c->conn.w, &c->side.request->down);
}

static ssize_t receive(struct h1u *c)
{
	struct request *r = c->side.request;
	ssize_t n;

	if (!splices(c)) {
		n = h1_in_recv(&c->in, &c->conn, c->head_done ? &r->down : NULL, UINT32_MAX);
		if (n > 0)
			h1u_advance(c);
		return n;
	}
	n = h1_in_splice(&c->in, &c->conn, &r->down);
	if (n > 0) {
		r->up_whole = c->in.done;
		request_event(r, REQ_UP_DATA);
	} else if (n == -1 && errno == EAGAIN && !pipe_empty(&r->down)) {
		conn_want_less(&c->conn, EV_READ); /* the kernel pipe is full */
	}
	return n;
}

static bool read_once(struct h1u *c)
{
	struct request *r = c->side.request;
	ssize_t n;

	request_prefetch(r);
	if (!wants_bytes(c)) {
		conn_want_less(&c->conn, EV_READ);
		return false;
	}
	n = receive(c);
	if (n > 0) {
		r->try_received = true;
		h1u_arm(c);
		return true;
	}
	if (n == -1 && errno == EAGAIN)
		return false;
	if (n == -1 && errno == ENOBUFS)
		request_up_ended(r, REASON_NO_MEMORY);
	else if (n == -1 && !(c->in.done && c->head_done))
		request_up_ended(r, REASON_UP_RESET);
	else
		h1u_ended(c);
	return false;
}

void h1u_read(struct h1u *c)
{
	while (read_once(c) && (c->conn.hup || c->deaf))
		; /* nothing will wake us again: take all there is room for */
}
