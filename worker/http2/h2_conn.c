/* h2_conn: see h2_conn.h. The callbacks of the session are in h2_session.c. */
#include "worker/http2/h2_conn.h"

#include <arpa/inet.h>
#include <errno.h>

#include "common/check.h"
#include "worker/request/driver.h"
#include "worker/http2/h2_session.h"
#include "worker/http2/h2s.h"
#include "worker/tls/tls_conn.h"

#define MEM_CAP     (1024 * 1024) /* of one session, without content */
#define READ_ROUNDS 4             /* receives of one turn */

static ev_task_fn on_task;

int h2_open(struct h2 *h, const struct h2_kind *kind, const nghttp2_settings_entry *settings,
	    size_t n, int32_t window)
{
	h->magic = H2_MAGIC;
	h->kind = kind;
	h->task.fn = on_task;
	h->scan.skip = kind->server ? H2_PREFACE_LEN : 0;
	LIST_INIT(&h->streams);
	h2_mem_init(&h->mem, MEM_CAP);
	h->session = h2_session_new(h);
	if (h->session == NULL)
		return -1;
	if (nghttp2_submit_settings(h->session, NGHTTP2_FLAG_NONE, settings, n) != 0 ||
	    nghttp2_session_set_local_window_size(h->session, NGHTTP2_FLAG_NONE, 0, window) != 0) {
		nghttp2_session_del(h->session);
		h->session = NULL;
		return -1;
	}
	h2_kick(h);
	return 0;
}

void h2_close(struct h2 *h, bool rst)
{
	CHECK_MAGIC(h, H2_MAGIC);
	CHECK(h->n_streams == 0 && !h->receiving);
	ev_unpost(h2_w(h)->ev, &h->task);
	nghttp2_session_del(h->session);
	h2_out_clear(&h->out);
	conn_close(&h->conn, rst);
	h->magic = 0;
}

void h2_kick(struct h2 *h)
{
	ev_post(h2_w(h)->ev, &h->task);
}

/* Every exchange on this connection is lost. */
static void lose_all(struct h2 *h)
{
	struct h2s *s, *next;

	for (s = LIST_FIRST(&h->streams); s != NULL; s = next) {
		next = LIST_NEXT(s, link);
		if (!s->closed) {
			s->closed = true;
			h->kind->closed(s, NGHTTP2_INTERNAL_ERROR);
		}
	}
}

void h2_die(struct h2 *h)
{
	if (h->dead)
		return;
	h->dead = true;
	conn_want_less(&h->conn, EV_READ | EV_WRITE);
	lose_all(h);
	h2_kick(h);
}

/*
 * By hand, since a session that has failed inside a callback can send nothing any more. Frames in
 * `out` are whole, so this one falls between two.
 */
void h2_fail(struct h2 *h, uint32_t error)
{
	uint32_t last = htonl((uint32_t)nghttp2_session_get_last_proc_stream_id(h->session));
	uint8_t frame[17] = {0, 0, 8, NGHTTP2_GOAWAY};
	uint32_t code = htonl(error);

	if (h->failed || h->dead)
		return;
	memcpy(frame + 9, &last, 4);
	memcpy(frame + 13, &code, 4);
	h->failed = true;
	if (error == NGHTTP2_ENHANCE_YOUR_CALM) {
		h->calm = true;
		stat_add(h2_w(h)->slot, STAT_H2_CALM, 1);
	}
	(void)h2_out_put(&h->out, h2_w(h)->chunks, frame, sizeof(frame));
	lose_all(h);
	h2_kick(h);
}

void h2_complain(struct h2 *h, uint32_t points)
{
	if (h2_glitch(&h->glitch, points, ev_now_ms(h2_w(h)->ev))) {
		h->calm = true;
		h2_kick(h);
	}
}

static uint32_t error_of(const struct h2 *h, ssize_t rc)
{
	if (h->calm)
		return NGHTTP2_ENHANCE_YOUR_CALM;
	switch (rc) {
	case NGHTTP2_ERR_FLOODED:
	case NGHTTP2_ERR_TOO_MANY_CONTINUATIONS:
	case NGHTTP2_ERR_TOO_MANY_SETTINGS:
	case NGHTTP2_ERR_NOMEM:
		return NGHTTP2_ENHANCE_YOUR_CALM;
	case NGHTTP2_ERR_BAD_CLIENT_MAGIC:
		return NGHTTP2_PROTOCOL_ERROR;
	default:
		return NGHTTP2_INTERNAL_ERROR;
	}
}

static bool feed(struct h2 *h, const uint8_t *bytes, size_t n)
{
	ssize_t rc;

	if (n == 0)
		return true;
	h->receiving = true;
	rc = nghttp2_session_mem_recv(h->session, bytes, n);
	h->receiving = false;
	if (rc < 0 || h->calm)
		h2_fail(h, error_of(h, rc));
	return !h->failed;
}

/* RFC 9113 §5.1.1: a number passed over is closed for good. nghttp2 remembers the streams that
 * late frames may belong to, and would pass over a head for any other. */
static bool stale_head(const struct h2 *h, int32_t id)
{
	return nghttp2_session_find_stream(h->session, id) == NULL;
}

/* RFC 9113 §5.1: content for a stream that the client itself has closed. Content that crossed a
 * reset of ours is nothing of the kind. */
static bool closed_data(const struct h2 *h, int32_t id)
{
	nghttp2_stream *s = nghttp2_session_find_stream(h->session, id);

	return (s == NULL || nghttp2_stream_get_state(s) == NGHTTP2_STREAM_STATE_CLOSED) &&
	       ev_now_ms(h2_w(h)->ev) >= h->crossing_ms;
}

/* Everything before the frame was received. */
static void look_at(struct h2 *h, const struct h2_frame *f)
{
	int32_t last = nghttp2_session_get_last_proc_stream_id(h->session);

	if (f->id > last || f->id % 2 == 0)
		return;
	if (f->type == NGHTTP2_HEADERS && stale_head(h, f->id))
		(void)nghttp2_session_terminate_session(h->session, NGHTTP2_PROTOCOL_ERROR);
	else if (f->type == NGHTTP2_DATA && closed_data(h, f->id))
		(void)nghttp2_session_terminate_session(h->session, NGHTTP2_STREAM_CLOSED);
}

static void count(struct h2 *h, const struct h2_frame *f)
{
	if (f->type == NGHTTP2_PRIORITY || f->type > NGHTTP2_CONTINUATION)
		h2_complain(h, H2_GLITCH_IDLE_FRAME);
}

/* What a client sends goes to the session in pieces, cut before each frame that needs a look at
 * what came before it: those of a stream that is not new. */
static void feed_watched(struct h2 *h, const uint8_t *p, size_t n)
{
	size_t at = 0, from = 0, used, own;
	struct h2_frame f;

	while (at < n && h2_scan_next(&h->scan, p + at, n - at, &used, &own, &f)) {
		at += used;
		count(h, &f);
		if (f.type > NGHTTP2_HEADERS || f.id > h->last_id) {
			h->last_id = f.type == NGHTTP2_HEADERS ? f.id : h->last_id;
			continue;
		}
		if (!feed(h, p + from, at - own - from))
			return;
		from = at - own;
		look_at(h, &f);
	}
	(void)feed(h, p + from, n - from);
}

void h2_feed(struct h2 *h, const void *bytes, size_t n)
{
	h->received += n;
	if (h->failed || h->dead)
		return;
	if (h->kind->server)
		feed_watched(h, bytes, n);
	else
		(void)feed(h, bytes, n);
	h2_kick(h);
}

static void ended(struct h2 *h, bool in_order)
{
	h->eof = true;
	h->fin = in_order;
	h2_die(h);
}

void h2_read(struct h2 *h)
{
	size_t cap;
	char *buf = h2_scratch(h2_w(h), &cap);

	for (int i = 0; i < READ_ROUNDS && !h->dead; i++) {
		ssize_t n = conn_recv(&h->conn, buf, cap);

		if (n > 0)
			h2_feed(h, buf, (size_t)n);
		else if (n == 0 || errno != EAGAIN)
			ended(h, n == 0 || (h->conn.tls != NULL && tls_conn_fin(h->conn.tls)));
		if (n < (ssize_t)cap)
			break;
	}
}

void h2_ready(struct h2 *h, unsigned ready)
{
	if ((ready & EV_WRITE) != 0) {
		conn_want_less(&h->conn, EV_WRITE);
		h->blocked = false;
		h2_kick(h);
	}
	if ((ready & (EV_READ | EV_HUP)) != 0)
		h2_read(h);
	if ((ready & EV_HUP) != 0)
		h2_die(h);
}

/* Have the session write its frames out, as far as there is room, and send them. */
static void flush(struct h2 *h)
{
	for (;;) {
		int rc = h->failed ? 0 : nghttp2_session_send(h->session);

		if (rc != 0) {
			h2_fail(h, error_of(h, rc));
			if (rc == NGHTTP2_ERR_CALLBACK_FAILURE)
				h2_die(h);
		} else if (h->calm) {
			h2_fail(h, NGHTTP2_ENHANCE_YOUR_CALM);
		}
		if (h->dead || h->out.n == 0)
			return;
		switch (h2_out_flush(&h->out, &h->conn, &h->sent)) {
		case H2_OUT_EMPTY:
			h->blocked = false;
			break;
		case H2_OUT_BLOCKED:
			h->blocked = true;
			conn_want_more(&h->conn, EV_WRITE);
			return;
		case H2_OUT_DEAD:
			if (!h->kind->server)
				h2_read(h); /* a GOAWAY may lie there that says what was done */
			h2_die(h);
			return;
		}
	}
}

/*
 * The end of a turn. Streams report what they could send, their requests go on, and perhaps have
 * more to send at once: then the task was posted again, for the next turn.
 */
static void on_task(struct ev_task *t)
{
	struct h2 *h = container_of(t, struct h2, task);
	struct worker *w = h2_w(h);

	CHECK_MAGIC(h, H2_MAGIC);
	if (!h->dead && !h->blocked)
		flush(h);
	driver_run(w);
	h->kind->settle(h);
}

bool h2_over(const struct h2 *h)
{
	if (h->dead)
		return true;
	if (h->out.n > 0)
		return false;
	return h->failed || (nghttp2_session_want_read(h->session) == 0 &&
			     nghttp2_session_want_write(h->session) == 0);
}
