/* fcgiu_answer: what a FastCGI application sends: its head, content, and words for the log; see
 * fcgiu.h. */
#include <errno.h>
#include <string.h>

#include "common/check.h"
#include "common/log/log.h"
#include "worker/fcgi/cgi_head.h"
#include "worker/fcgi/fcgiu.h"
#include "worker/request/request.h"
#include "worker/wire/h1_parse.h"

#define SAID_MOST 200 /* bytes of STDERR in the log, once a request */

static struct h1_limits limits_of(const struct request *r, size_t n)
{
	return (struct h1_limits){
	    .start_line_max = (uint32_t)n,
	    .line_max = (uint32_t)n,
	    .head_max = (uint32_t)n,
	    .fields_max = (uint16_t)r->w->conf->max_header_fields,
	    .underscores = true,
	};
}

/* What came of it is kept in one piece until it is whole. */
static int collect(struct fcgiu *c, struct str part)
{
	size_t have = c->head == NULL ? 0 : c->head->fill, most;
	struct chunk *to;

	if (c->head == NULL || chunk_space(c->head) < part.n) {
		most = have + part.n < 2048 ? 4096 : 2 * (have + part.n);
		to = chunk_new_large((uint32_t)most);
		if (to == NULL)
			return -1;
		if (have > 0)
			memcpy(to->data, c->head->data, have);
		to->fill = (uint32_t)have;
		chunk_unref(c->head);
		c->head = to;
	}
	memcpy(c->head->data + c->head->fill, part.p, part.n);
	c->head->fill += (uint32_t)part.n;
	return 0;
}

/* bytes hold a head of HTTP/1, in text; NULL fields: memory is out. */
static enum reason keep_head(struct fcgiu *c, struct chunk *bytes)
{
	struct request *r = c->side.request;
	struct worker *w = r->w;
	struct head h = {.fields = w->fields, .cap_fields = (uint16_t)w->conf->max_header_fields};
	struct h1_limits limits = limits_of(r, bytes->fill);
	struct h1_refusal refusal;
	struct h1_scan scan = {0};
	size_t used;

	if (h1_parse_response(str_make(bytes->data, bytes->fill), &limits, &scan, r->in.method, &h,
			      &used, &refusal) != H1_DONE ||
	    h.status < 200)
		return REASON_UP_BAD_HEAD;
	return request_keep_answer(r, &h, bytes) == -1 ? REASON_NO_MEMORY : REASON_NONE;
}

static enum reason understand(struct fcgiu *c, struct str head)
{
	struct chunk *bytes = chunk_new_large((uint32_t)CGI_HEAD_ROOM(head.n));
	enum reason wrong;

	if (bytes == NULL)
		return REASON_NO_MEMORY;
	bytes->fill = (uint32_t)cgi_head_write(head, bytes->data);
	wrong = keep_head(c, bytes);
	chunk_unref(bytes);
	return wrong;
}

static void answer_begins(struct fcgiu *c)
{
	struct request *r = c->side.request;
	struct try_record *t = request_try(r);

	t->status = r->resp.status;
	t->head_us = ev_now_us(c->conn.w->ev);
	c->head_done = true;
	c->framing = r->resp.framing;
	c->left = r->resp.length;
	chunk_unref(c->head);
	c->head = NULL;
	request_event(r, REQ_UP_HEAD);
}

/* A part of STDOUT before the head is whole. How much of it was used. */
static size_t take_head(struct fcgiu *c, struct str part)
{
	struct request *r = c->side.request;
	size_t before = c->head == NULL ? 0 : c->head->fill, end, extra;
	enum reason wrong = REASON_NONE;

	if (collect(c, part) == -1) {
		request_up_ended(r, REASON_NO_MEMORY);
		return part.n;
	}
	end = cgi_head_end(str_make(c->head->data, c->head->fill), before);
	if ((end == 0 ? c->head->fill : end) > r->route.policy->head_max_bytes)
		wrong = REASON_UP_HEAD_TOO_LARGE;
	else if (end > 0)
		wrong = understand(c, str_make(c->head->data, end));
	if (wrong != REASON_NONE) {
		request_up_ended(r, wrong);
		return part.n;
	}
	if (end == 0)
		return part.n;
	extra = c->head->fill - end;
	answer_begins(c);
	return part.n - extra;
}

/* A part of STDOUT behind the head. What is more than was announced, or belongs to no answer that
 * has content, is nobody's. */
static size_t take_content(struct fcgiu *c, struct str part)
{
	struct request *r = c->side.request;
	size_t n = part.n;

	if (c->framing == FRAMING_NONE)
		return part.n;
	if (c->framing == FRAMING_LENGTH && n > c->left)
		n = (size_t)c->left;
	if (n > 0) {
		pipe_put(&r->down, c->in.buf, (uint32_t)(part.p - c->in.buf->data), (uint32_t)n);
		request_event(r, REQ_UP_DATA);
	}
	if (c->framing == FRAMING_LENGTH)
		c->left -= n;
	return c->left == 0 && c->framing == FRAMING_LENGTH ? part.n : n;
}

static void say(struct fcgiu *c, struct str part)
{
	if (c->said || part.n == 0)
		return;
	c->said = true;
	log_warn("FastCGI application complains",
		 LOG_ADDR("endpoint", &request_try(c->side.request)->addr),
		 LOG_STR("what", str_head(part, SAID_MOST)));
}

static size_t use(struct fcgiu *c, struct str part)
{
	if (c->in.record.type == FCGI_STDOUT)
		return c->head_done ? take_content(c, part) : take_head(c, part);
	if (c->in.record.type == FCGI_STDERR)
		say(c, part);
	return part.n;
}

static void whole(struct fcgiu *c)
{
	struct request *r = c->side.request;

	c->ended = true;
	conn_want_less(&c->conn, EV_READ);
	if (!c->head_done) {
		request_up_ended(r, REASON_UP_BAD_HEAD);
	} else if (c->framing == FRAMING_LENGTH && c->left > 0) {
		request_up_ended(r, REASON_UP_RESET); /* less than was announced */
	} else {
		r->down.end = true;
		r->up_whole = true;
		request_event(r, REQ_UP_DATA);
	}
}

/* Is there a place for content? The head needs none. */
static bool has_room(const struct fcgiu *c)
{
	return !c->head_done || pipe_room(&c->side.request->down) > 0;
}

void fcgiu_advance(struct fcgiu *c)
{
	struct request *r = c->side.request;
	struct str part;

	while (!c->ended && r->up_end == REASON_NONE && has_room(c)) {
		switch (fcgi_in_next(&c->in, &part)) {
		case FCGI_MORE:
			return;
		case FCGI_CONTENT:
			fcgi_in_take(&c->in, use(c, part));
			break;
		case FCGI_ENDED:
			whole(c);
			break;
		case FCGI_BROKEN:
			request_up_ended(r, c->head_done ? REASON_UP_BAD_BODY : REASON_UP_BAD_HEAD);
			break;
		}
	}
}

static bool has_rest(const struct fcgiu *c)
{
	return c->in.buf != NULL && c->in.buf->fill > c->in.at;
}

static bool read_once(struct fcgiu *c)
{
	struct request *r = c->side.request;
	ssize_t n;

	if (c->ended || r->up_end != REASON_NONE || has_rest(c) || !has_room(c)) {
		conn_want_less(&c->conn, EV_READ);
		return false;
	}
	n = fcgi_in_recv(&c->in, &c->conn, &r->down);
	if (n > 0) {
		r->try_received = true;
		fcgiu_advance(c);
		fcgiu_arm(c);
		return true;
	}
	if (n == -1 && errno == EAGAIN)
		return false;
	conn_want_less(&c->conn, EV_READ);
	request_up_ended(r, n == -1 && errno == ENOBUFS ? REASON_NO_MEMORY : REASON_UP_RESET);
	return false;
}

void fcgiu_read(struct fcgiu *c)
{
	while (read_once(c) && (c->conn.hup || c->deaf))
		; /* nothing will wake us again: take all there is room for */
}
