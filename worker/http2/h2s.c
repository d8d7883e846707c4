/* h2s: see h2s.h. */
#include "worker/http2/h2s.h"

#include "common/check.h"

#define CREDIT_LEAST 32768 /* half of the initial window: earlier nghttp2 would not send it */

struct h2s *h2s_new(struct h2 *h, int32_t id, const struct side_ops *ops, timer_fn *late)
{
	struct worker *w = h2_w(h);
	struct h2s *s = slab_get(w->h2_streams);

	if (s == NULL) {
		stat_add(w->slot, STAT_SLAB_EXHAUSTED, 1);
		return NULL;
	}
	memset(s, 0, sizeof(*s));
	s->magic = H2S_MAGIC;
	s->id = id;
	s->h = h;
	s->side.ops = ops;
	timer_init(&s->timer, late);
	LIST_INSERT_HEAD(&h->streams, s, link);
	h->n_streams++;
	if (id > 0)
		(void)nghttp2_session_set_stream_user_data(h->session, id, s);
	return s;
}

void h2s_free(struct h2s *s)
{
	struct h2 *h = s->h;

	CHECK_MAGIC(s, H2S_MAGIC);
	CHECK(s->side.request == NULL);
	if (!s->closed && !h->dead && s->id > 0) {
		(void)nghttp2_session_set_stream_user_data(h->session, s->id, NULL);
		/* What lies in the pipe nobody will take out any more. */
		if (h->kind->server && s->rx > s->credit && !h->failed)
			(void)nghttp2_session_consume_connection(h->session,
								 (size_t)(s->rx - s->credit));
	}
	timer_cancel(h2_w(h)->timers, &s->timer);
	LIST_REMOVE(s, link);
	h->n_streams--;
	s->magic = 0;
	slab_put(h2_w(h)->h2_streams, s);
	h2_kick(h);
}

struct h2s *h2s_find(struct h2 *h, int32_t id)
{
	struct h2s *s = nghttp2_session_get_stream_user_data(h->session, id);

	if (s != NULL)
		CHECK_MAGIC(s, H2S_MAGIC);
	return s;
}

void h2s_received(struct h2s *s, const uint8_t *bytes, size_t n)
{
	struct request *r = s->side.request;
	bool server = s->h->kind->server;
	size_t put;

	s->rx += n;
	if (s->extended && !s->tunnel) {
		h2s_reset(s, NGHTTP2_PROTOCOL_ERROR); /* content before the tunnel is there */
		return;
	}
	put = pipe_write(s->in, h2_w(s->h)->chunks, (const char *)bytes, n);
	if (server)
		r->rx_bytes += n;
	if (put < n) {
		stat_add(h2_w(s->h)->slot, STAT_SLAB_EXHAUSTED, 1);
		if (server)
			request_client_ended(r, REASON_NO_MEMORY);
		else
			request_up_ended(r, REASON_NO_MEMORY);
		return;
	}
	if (!server)
		r->try_received = true;
	request_event(r, server ? REQ_CLIENT_DATA : REQ_UP_DATA);
	s->h->kind->arm(s);
}

/*
 * The pipe is as large as the initial window, so that all the peer may send has room. Content
 * that is kept for another try would have to fit beside it: it is given up before the first
 * credit, that is for messages of more than half a window.
 */
void h2s_give_credit(struct h2s *s)
{
	uint64_t unread = s->in->bytes, due;

	if (s->closed || s->h->failed || s->h->dead || s->rx < unread + s->credit)
		return;
	due = s->rx - unread - s->credit;
	if (due < CREDIT_LEAST)
		return;
	pipe_forget(s->in);
	s->credit += due;
	(void)nghttp2_session_consume_stream(s->h->session, s->id, (size_t)due);
	if (s->h->kind->server)
		(void)nghttp2_session_consume_connection(s->h->session, (size_t)due);
	h2_kick(s->h);
}

void h2s_pump(struct h2s *s)
{
	if (!s->waiting || s->closed || s->h->failed || s->h->dead ||
	    (pipe_sendable(s->out) == 0 && (s->out->bytes > 0 || !s->out->end)))
		return;
	s->waiting = false;
	s->h->kind->arm(s);
	(void)nghttp2_session_resume_data(s->h->session, s->id);
	h2_kick(s->h);
}

/* All content is handed over: END_STREAM, with trailers where there are some. */
static int last(struct h2s *s, uint32_t *flags)
{
	size_t cap, n = 0;
	nghttp2_nv *nv = h2_scratch_nv(h2_w(s->h), &cap);
	const struct pipe *p = s->out;

	*flags |= NGHTTP2_DATA_FLAG_EOF;
	for (uint16_t i = 0; i < p->n_trailers && n < cap; i++) {
		const struct field *f = &p->trailers[i];

		if (f->drop || (field_infos[f->id].flags & FIELD_NO_TRAILER) != 0)
			continue;
		nv[n++] = (nghttp2_nv){.name = (uint8_t *)f->name,
				       .namelen = f->name_n,
				       .value = (uint8_t *)f->value,
				       .valuelen = f->value_n};
	}
	if (n == 0)
		return 0;
	*flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
	return nghttp2_submit_trailer(s->h->session, s->id, nv, n) == 0
		   ? 0
		   : NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
}

static ssize_t read_content(nghttp2_session *session, int32_t id, uint8_t *buf, size_t most,
			    uint32_t *flags, nghttp2_data_source *source, void *arg)
{
	struct h2s *s = h2s_find(arg, id);
	size_t n;
	int rc;

	if (s == NULL || s->out == NULL)
		return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
	n = pipe_sendable(s->out) < most ? pipe_sendable(s->out) : most;
	if (n == 0 && (s->out->bytes > 0 || !s->out->end)) {
		s->waiting = true;
		s->h->kind->arm(s);
		return NGHTTP2_ERR_DEFERRED;
	}
	*flags |= NGHTTP2_DATA_FLAG_NO_COPY;
	if (s->out->end && n == s->out->bytes) {
		rc = last(s, flags);
		if (rc != 0)
			return rc;
	}
	return (ssize_t)n;
}

nghttp2_data_provider h2s_provider(struct h2s *s)
{
	/* The stream is found by its number: it may be gone when this is called. */
	return (nghttp2_data_provider){.source = {.ptr = NULL}, .read_callback = read_content};
}

int h2s_send_data(struct h2s *s, const uint8_t *frame_head, size_t n)
{
	struct slab *chunks = h2_w(s->h)->chunks;
	struct request *r = s->side.request;

	if (h2_out_put(&s->h->out, chunks, frame_head, 9) == -1 ||
	    h2_out_take(&s->h->out, chunks, s->out, n) == -1)
		return -1;
	s->tx += n;
	if (s->h->kind->server) {
		r->tx_bytes += n + 9;
		r->tx_content += n;
		if (n > 0)
			request_event(r, REQ_CLIENT_ROOM);
	} else {
		r->try_sent = true;
		if (n > 0)
			request_event(r, REQ_UP_ROOM);
	}
	s->h->kind->arm(s);
	return 0;
}

void h2s_reset(struct h2s *s, uint32_t error)
{
	if (s->closed || s->h->failed || s->h->dead || s->id == 0)
		return;
	(void)nghttp2_submit_rst_stream(s->h->session, NGHTTP2_FLAG_NONE, s->id, error);
	h2_kick(s->h);
}
