/*
 * h2_session: see h2_session.h. The callbacks hand over and count; they decide nothing and call
 * nothing of the session back.
 */
#include "worker/http2/h2_session.h"

#include <stdlib.h>

#include "common/check.h"
#include "worker/http2/h2s.h"
#include "worker/http2/h2u.h"

#define SCRATCH_BYTES (32 * 1024)
#define FIELDS_BY_US  32  /* pseudo-fields and what a serialiser adds */
#define SETTINGS_MAX  32  /* entries of one SETTINGS frame */
#define OUTBOUND_ACKS 256 /* unsent answers to pings and settings */
#define CONTINUATIONS 8
#define HEAD_MOST     (4 << 20) /* of ours, as sent: the limits are those of who sent it to us */
#define CROSSING_MS   10000     /* in which frames may still come for a stream we have reset */
#define RESET_BURST   100000    /* resets are counted by h2_glitch */

struct h2_worker {
	nghttp2_session_callbacks *callbacks;
	nghttp2_option *option;
	nghttp2_nv *nv;
	size_t n_nv;
	struct h2u_list upstreams;
	char scratch[SCRATCH_BYTES];
};

char *h2_scratch(struct worker *w, size_t *cap)
{
	*cap = SCRATCH_BYTES;
	return w->h2->scratch;
}

struct h2u_list *h2_upstreams(struct worker *w)
{
	return &w->h2->upstreams;
}

nghttp2_nv *h2_scratch_nv(struct worker *w, size_t *cap)
{
	*cap = w->h2->n_nv;
	return w->h2->nv;
}

static ssize_t on_send(nghttp2_session *session, const uint8_t *data, size_t n, int flags,
		       void *arg)
{
	struct h2 *h = arg;

	if (h2_out_full(&h->out))
		return NGHTTP2_ERR_WOULDBLOCK;
	if (h2_out_put(&h->out, h2_w(h)->chunks, data, n) == -1)
		return NGHTTP2_ERR_CALLBACK_FAILURE;
	return (ssize_t)n;
}

static int on_send_data(nghttp2_session *session, nghttp2_frame *frame, const uint8_t *head,
			size_t n, nghttp2_data_source *source, void *arg)
{
	struct h2 *h = arg;
	struct h2s *s = h2s_find(h, frame->hd.stream_id);

	if (s == NULL || s->out == NULL)
		return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
	if (h2_out_full(&h->out))
		return NGHTTP2_ERR_WOULDBLOCK;
	return h2s_send_data(s, head, n) == -1 ? NGHTTP2_ERR_CALLBACK_FAILURE : 0;
}

static int on_begin_headers(nghttp2_session *session, const nghttp2_frame *frame, void *arg)
{
	struct h2 *h = arg;
	struct h2s *s;

	h->head_open = true;
	if (frame->headers.cat == NGHTTP2_HCAT_REQUEST) {
		h->kind->begin(h, frame->hd.stream_id);
	} else if ((s = h2s_find(h, frame->hd.stream_id)) != NULL) {
		s->fields = (struct h2_fields){.bytes = 0};
	}
	return 0;
}

static int on_header(nghttp2_session *session, const nghttp2_frame *frame, nghttp2_rcbuf *name,
		     nghttp2_rcbuf *value, uint8_t flags, void *arg)
{
	struct h2 *h = arg;
	struct h2s *s = h2s_find(h, frame->hd.stream_id);

	if (s == NULL || s->side.request == NULL)
		return 0;
	h->kind->field(s, name, value, s->got_head);
	if (!s->fields.hard)
		return 0;
	h2_complain(h, H2_GLITCH_LIMIT + 1);
	return NGHTTP2_ERR_CALLBACK_FAILURE;
}

/* nghttp2 would pass such a field over; the message is malformed (RFC 9113 §8.2.1). */
static int on_invalid_header(nghttp2_session *session, const nghttp2_frame *frame,
			     const uint8_t *name, size_t name_n, const uint8_t *value,
			     size_t value_n, uint8_t flags, void *arg)
{
	return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
}

static void received_end(struct h2s *s)
{
	struct request *r = s->side.request;

	s->got_end = true;
	if (r == NULL)
		return;
	s->in->end = true;
	if (s->h->kind->server) {
		request_event(r, REQ_CLIENT_DATA);
	} else {
		r->up_whole = true;
		request_event(r, REQ_UP_DATA);
	}
}

static void on_headers(struct h2 *h, const nghttp2_frame *frame)
{
	struct h2s *s = h2s_find(h, frame->hd.stream_id);
	bool end = (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
	bool trailers;

	h->head_open = false;
	if (s == NULL || s->side.request == NULL)
		return;
	trailers = s->got_head;
	if (trailers) {
		if (end)
			received_end(s);
	} else {
		s->got_end = end;
		h->kind->head(s, &frame->headers);
	}
}

static void on_data_frame(struct h2 *h, const nghttp2_frame *frame)
{
	struct h2s *s = h2s_find(h, frame->hd.stream_id);
	bool end = (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;

	if (frame->hd.length == 0 && !end)
		h2_complain(h, H2_GLITCH_IDLE_FRAME);
	else
		h2_glitch_useful(&h->glitch);
	if (s != NULL && end)
		received_end(s);
}

static int on_frame(nghttp2_session *session, const nghttp2_frame *frame, void *arg)
{
	struct h2 *h = arg;

	switch (frame->hd.type) {
	case NGHTTP2_HEADERS:
		on_headers(h, frame);
		break;
	case NGHTTP2_DATA:
		on_data_frame(h, frame);
		break;
	default:
		h->kind->frame(h, frame);
		break;
	}
	return h->calm ? NGHTTP2_ERR_CALLBACK_FAILURE : 0;
}

static int on_data(nghttp2_session *session, uint8_t flags, int32_t id, const uint8_t *bytes,
		   size_t n, void *arg)
{
	struct h2 *h = arg;
	struct h2s *s = h2s_find(h, id);

	/* An endpoint's connection is shared by strangers: none may hold up the others. */
	if (!h->kind->server || s == NULL || s->in == NULL)
		(void)nghttp2_session_consume_connection(session, n);
	if (s != NULL && s->in != NULL)
		h2s_received(s, bytes, n);
	return 0;
}

/* A stream error that we answer with a reset is the peer's doing. */
static bool provoked(uint32_t error)
{
	return error == NGHTTP2_PROTOCOL_ERROR || error == NGHTTP2_FLOW_CONTROL_ERROR ||
	       error == NGHTTP2_STREAM_CLOSED || error == NGHTTP2_FRAME_SIZE_ERROR ||
	       error == NGHTTP2_REFUSED_STREAM;
}

static void end_sent(struct h2 *h, int32_t id)
{
	struct h2s *s = h2s_find(h, id);
	struct request *r = s == NULL ? NULL : s->side.request;

	if (r == NULL || s->sent_end)
		return;
	s->sent_end = true;
	h->kind->arm(s);
	if (h->kind->server) {
		request_event(r, REQ_CLIENT_SENT);
	} else {
		r->up_sent = true;
		request_event(r, REQ_UP_SENT);
	}
}

static int on_frame_sent(nghttp2_session *session, const nghttp2_frame *frame, void *arg)
{
	struct h2 *h = arg;

	switch (frame->hd.type) {
	case NGHTTP2_HEADERS:
	case NGHTTP2_DATA:
		h2_glitch_useful(&h->glitch);
		if ((frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0)
			end_sent(h, frame->hd.stream_id);
		break;
	case NGHTTP2_RST_STREAM:
		h->crossing_ms = ev_now_ms(h2_w(h)->ev) + CROSSING_MS;
		if (h->kind->server && provoked(frame->rst_stream.error_code))
			h2_complain(h, H2_GLITCH_FAULT);
		break;
	default:
		break;
	}
	return 0;
}

/* A head that cannot be written ends its stream, which its request hears of. */
static int on_frame_not_sent(nghttp2_session *session, const nghttp2_frame *frame, int error,
			     void *arg)
{
	if (frame->hd.type != NGHTTP2_HEADERS)
		return 0;
	return nghttp2_submit_rst_stream(session, NGHTTP2_FLAG_NONE, frame->hd.stream_id,
					 NGHTTP2_INTERNAL_ERROR);
}

static int on_stream_close(nghttp2_session *session, int32_t id, uint32_t error, void *arg)
{
	struct h2 *h = arg;
	struct h2s *s = h2s_find(h, id);

	if (s == NULL)
		return 0;
	s->closed = true;
	if (h->kind->server && s->rx > s->credit)
		(void)nghttp2_session_consume_connection(session, (size_t)(s->rx - s->credit));
	s->credit = s->rx;
	h->kind->closed(s, error);
	return 0;
}

static int make_callbacks(struct h2_worker *hw)
{
	nghttp2_session_callbacks *cb;

	if (nghttp2_session_callbacks_new(&cb) != 0)
		return -1;
	nghttp2_session_callbacks_set_send_callback(cb, on_send);
	nghttp2_session_callbacks_set_send_data_callback(cb, on_send_data);
	nghttp2_session_callbacks_set_on_begin_headers_callback(cb, on_begin_headers);
	nghttp2_session_callbacks_set_on_header_callback2(cb, on_header);
	nghttp2_session_callbacks_set_on_invalid_header_callback(cb, on_invalid_header);
	nghttp2_session_callbacks_set_on_frame_recv_callback(cb, on_frame);
	nghttp2_session_callbacks_set_on_data_chunk_recv_callback(cb, on_data);
	nghttp2_session_callbacks_set_on_frame_send_callback(cb, on_frame_sent);
	nghttp2_session_callbacks_set_on_frame_not_send_callback(cb, on_frame_not_sent);
	nghttp2_session_callbacks_set_on_stream_close_callback(cb, on_stream_close);
	hw->callbacks = cb;
	return 0;
}

static int make_option(struct h2_worker *hw)
{
	nghttp2_option *o;

	if (nghttp2_option_new(&o) != 0)
		return -1;
	nghttp2_option_set_no_auto_window_update(o, 1);
	nghttp2_option_set_server_fallback_rfc7540_priorities(o, 1);
	nghttp2_option_set_max_outbound_ack(o, OUTBOUND_ACKS);
	nghttp2_option_set_max_settings(o, SETTINGS_MAX);
	nghttp2_option_set_max_continuations(o, CONTINUATIONS);
	nghttp2_option_set_max_send_header_block_length(o, HEAD_MOST);
	nghttp2_option_set_stream_reset_rate_limit(o, RESET_BURST, RESET_BURST);
	nghttp2_option_set_builtin_recv_extension_type(o, NGHTTP2_PRIORITY_UPDATE);
	nghttp2_option_set_peer_max_concurrent_streams(o, 100);
	hw->option = o;
	return 0;
}

int h2_worker_init(struct worker *w)
{
	struct h2_worker *hw = calloc(1, sizeof(*hw));

	if (hw == NULL)
		return -1;
	w->h2 = hw;
	LIST_INIT(&hw->upstreams);
	hw->n_nv = w->conf->max_header_fields + FIELDS_BY_US;
	hw->nv = calloc(hw->n_nv, sizeof(*hw->nv));
	if (hw->nv == NULL || make_callbacks(hw) == -1 || make_option(hw) == -1)
		return -1;
	return 0;
}

nghttp2_session *h2_session_new(struct h2 *h)
{
	const struct h2_worker *hw = h2_w(h)->h2;
	nghttp2_session *s = NULL;
	int rc = h->kind->server
		     ? nghttp2_session_server_new3(&s, hw->callbacks, h, hw->option, &h->mem.ops)
		     : nghttp2_session_client_new3(&s, hw->callbacks, h, hw->option, &h->mem.ops);

	return rc == 0 ? s : NULL;
}
