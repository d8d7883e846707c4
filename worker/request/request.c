/* request: see request.h. */
#include "worker/request/request.h"

#include <stddef.h>
#include <stdlib.h>

#include "common/check.h"
#include "worker/request/driver.h"
#include "worker/request/pace.h"
#include "worker/metrics/scrape.h"

struct request *request_new(struct worker *w, struct side *client)
{
	struct request *r = slab_get(w->requests);

	if (r == NULL) {
		stat_add(w->slot, STAT_SLAB_EXHAUSTED, 1);
		return NULL;
	}
	memset(r, 0, offsetof(struct request, down));
	memset((char *)r + offsetof(struct request, up_tls), 0,
	       offsetof(struct request, out) - offsetof(struct request, up_tls));
	r->tries = r->all_tries;
	pipe_init(&r->down);
	pipe_init(&r->up);
	r->magic = REQUEST_MAGIC;
	r->w = w;
	r->client = client;
	r->start_us = ev_now_us(w->ev);
	arena_init_with(&r->arena, w->arenas, REQUEST_ARENA_MAX, r->space, sizeof(r->space));
	client->request = r;
	stat_add(w->slot, STAT_REQ_ACTIVE, 1);
	return r;
}

void request_free(struct request *r)
{
	struct worker *w = r->w;

	CHECK_MAGIC(r, REQUEST_MAGIC);
	CHECK(r->client == NULL && r->upstream == NULL && !r->queued);
	pipe_clear(&r->up);
	pipe_clear(&r->down);
	compress_end(r);
	pace_end(r);
	chunk_unref(r->in_bytes);
	chunk_unref(r->in_array);
	chunk_unref(r->path_bytes);
	chunk_unref(r->resp_bytes);
	chunk_unref(r->resp_array);
	arena_reset(&r->arena);
	free(r->page_heap);
	scrape_free(r->scrape);
	r->magic = 0;
	if (r->settled)
		free(r);
	else
		slab_put(w->requests, r);
	stat_sub(w->slot, STAT_REQ_ACTIVE, 1);
}

int request_keep_answer(struct request *r, const struct head *h, struct chunk *bytes)
{
	uint16_t cap = (uint16_t)(h->n_fields + REQUEST_ANSWER_SPARE);
	struct field *to = arena_alloc(&r->arena, cap * sizeof(*to));

	if (to == NULL) {
		chunk_unref(r->resp_array);
		r->resp_array = chunk_new_large((uint32_t)(cap * sizeof(*to)));
		if (r->resp_array == NULL)
			return -1;
		to = (struct field *)(void *)r->resp_array->data;
	}
	if (h->n_fields > 0)
		memcpy(to, h->fields, h->n_fields * sizeof(*to));
	chunk_unref(r->resp_bytes);
	r->resp_bytes = chunk_ref(bytes);
	r->resp = *h;
	r->resp.fields = to;
	r->resp.cap_fields = cap;
	return 0;
}

void request_event(struct request *r, unsigned events)
{
	CHECK_MAGIC(r, REQUEST_MAGIC);
	r->events |= (uint16_t)events;
	driver_post(r);
}

void request_client_ended(struct request *r, enum reason why)
{
	CHECK_MAGIC(r, REQUEST_MAGIC);
	if (r->client_end == REASON_NONE)
		r->client_end = why;
	driver_post(r);
}

void request_up_ended(struct request *r, enum reason why)
{
	CHECK_MAGIC(r, REQUEST_MAGIC);
	if (r->up_end == REASON_NONE)
		r->up_end = why;
	driver_post(r);
}

uint16_t request_port(const struct request *r)
{
	const struct conf *c = r->w->conf;

	if (r->role == ROLE_RETURN)
		return r->to_port;
	return (uint16_t)(r->secure ? c->https_port : c->http_port);
}

uint16_t reason_status(enum reason why)
{
	switch (why) {
	case REASON_BAD_REQUEST:
	case REASON_BAD_BODY:
	case REASON_HEAD_TOO_LARGE:
		return 400;
	case REASON_HEAD_TIMEOUT:
	case REASON_BODY_TIMEOUT:
		return 408;
	case REASON_BODY_TOO_LARGE:
		return 413;
	case REASON_UP_READ_TIMEOUT:
	case REASON_UP_SEND_TIMEOUT:
	case REASON_CONNECT_TIMEOUT:
		return 504;
	case REASON_CONNECT_FAILED:
	case REASON_UP_TLS:
	case REASON_UP_RESET:
	case REASON_UP_BAD_HEAD:
	case REASON_UP_HEAD_TOO_LARGE:
	case REASON_UP_BAD_BODY:
	case REASON_UP_BAD_UPGRADE:
	case REASON_NO_DESCRIPTOR:
		return 502;
	case REASON_NO_ENDPOINT:
	case REASON_DENIED:
	case REASON_NO_MEMORY:
		return 503;
	case REASON_FORBIDDEN:
		return 403;
	case REASON_REGEX_LIMIT:
	case REASON_INTERNAL:
		return 500;
	default:
		return 0;
	}
}
