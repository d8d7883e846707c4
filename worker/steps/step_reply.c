/*
 * step reply: every answer that is made here: errors, redirects, health, the server itself.
 * The client side closes the connection when the request was not received whole.
 */
#include "worker/auth/auth.h"
#include "worker/basic/basic.h"
#include "worker/answer/cors.h"
#include "worker/request/driver.h"
#include "worker/answer/errpage.h"
#include "worker/request/failure.h"
#include "worker/answer/grpc.h"
#include "worker/request/headers.h"
#include "worker/metrics/scrape.h"

#define FIELDS_MAX (6 + CORS_FIELDS)
#define METHODS    STR("GET, HEAD, POST, PUT, DELETE, OPTIONS, PATCH")

static void add_fields(struct request *r)
{
	struct head *h = &r->resp;

	if (r->page.n > 0 || r->scrape != NULL)
		(void)head_add(h, FIELD_CONTENT_TYPE, STR("Content-Type"), str_from(r->page_type));
	if (r->location.n > 0)
		(void)head_add(h, FIELD_LOCATION, STR("Location"), r->location);
	if (r->secure && r->w->hsts[0] != '\0')
		(void)head_add(h, FIELD_STRICT_TRANSPORT_SECURITY, STR("Strict-Transport-Security"),
			       str_from(r->w->hsts));
	if (r->allow || r->fail_status == 405)
		(void)head_add(h, FIELD_OTHER, STR("Allow"), METHODS);
	cors_add(r, h);
	headers_server(r, h);
}

static void make_page(struct request *r)
{
	if (r->page.n > 0 || r->scrape != NULL || r->fail_status < 300)
		return;
	r->page = errpage(&r->arena, r->fail_status);
	r->page_type = "text/html";
}

static int make_head(struct request *r)
{
	struct field *fields = arena_alloc(&r->arena, FIELDS_MAX * sizeof(*fields));

	if (fields == NULL)
		return -1;
	r->resp = (struct head){
	    .status = r->fail_status,
	    .version = 11,
	    .keep_alive = true,
	    .has_length = true,
	    .fields = fields,
	    .cap_fields = FIELDS_MAX,
	};
	if (r->fail_status >= 400 && grpc_request(r)) {
		grpc_answer(r);
		return 0;
	}
	make_page(r);
	add_fields(r);
	if (r->role != ROLE_HEALTHZ && headers_to_client(r, &r->resp, false) == -1)
		return -1;
	if (basic_to_client(r, &r->resp) == -1)
		return -1;
	if (r->auth != NULL && auth_to_client(r, &r->resp) == -1)
		return -1;
	r->resp.length = r->page.n;
	if (r->scrape != NULL && r->in.method != METHOD_HEAD) {
		r->resp.has_length = false;
		r->resp.framing = FRAMING_CHUNKED;
	} else if (r->in.method == METHOD_HEAD || r->page.n == 0) {
		r->resp.framing = FRAMING_NONE;
		r->page_at = r->page.n;
	} else {
		r->resp.framing = FRAMING_LENGTH;
	}
	return 0;
}

/* The next page of an answer that has several. False: there is none now. */
static bool next_page(struct request *r)
{
	struct str page = STR_NONE;

	switch (scrape_next(r->scrape, &page)) {
	case SCRAPE_PAGE:
		r->page = page;
		r->page_at = 0;
		return true;
	case SCRAPE_LATER:
		return false;
	case SCRAPE_END:
		r->down.end = true;
		return false;
	case SCRAPE_FAILED:
		request_client_ended(r, REASON_NO_MEMORY);
		return false;
	}
	return false;
}

/* As much of the page as the pipe takes. */
static void fill(struct request *r)
{
	do {
		struct str rest = str_from_at(r->page, r->page_at);

		if (rest.n > 0)
			r->page_at += pipe_write(&r->down, r->w->chunks, rest.p, rest.n);
		if (r->page_at < r->page.n)
			return;
	} while (r->resp.framing == FRAMING_CHUNKED && next_page(r));
	if (r->resp.framing != FRAMING_CHUNKED)
		r->down.end = true;
}

static enum step_next begin(struct request *r)
{
	failure_drop_upstream(r, r->reason);
	r->up_end = REASON_NONE;
	pipe_clear(&r->down);
	pipe_init(&r->down);
	r->status = r->fail_status;
	r->head_sent = true;
	if (make_head(r) == -1)
		return request_goto(r, STEP_FINISH);
	fill(r);
	if (r->client->ops->send_head(r->client, &r->resp) == -1)
		return request_goto(r, STEP_FINISH);
	return STEP_NEXT;
}

enum step_next step_reply(struct request *r)
{
	unsigned ev = r->events;

	r->events = 0;
	if (!r->head_sent && begin(r) == STEP_GOTO)
		return STEP_GOTO;
	if ((ev & (REQ_CLIENT_ROOM | REQ_PAGE)) != 0 && !r->down.end) {
		fill(r);
		r->client->ops->pump(r->client);
	}
	if (((ev | r->events) & REQ_CLIENT_SENT) == 0) {
		r->events &= REQ_CLIENT_ROOM | REQ_PAGE;
		return STEP_WAIT;
	}
	r->client_sent = true;
	return request_goto(r, STEP_FINISH);
}
