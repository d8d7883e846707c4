/* h2c_side: struct side_ops of a stream to a client; see h2c.h. */
#include <errno.h>
#include "common/check.h"
#include "worker/request/date.h"
#include "worker/http2/h2_write.h"
#include "worker/http2/h2c.h"
#include "worker/http2/h2s.h"

static struct h2s *h2s_of(struct side *s)
{
	struct h2s *st = container_of(s, struct h2s, side);

	CHECK_MAGIC(st, H2S_MAGIC);
	return st;
}

static bool can_send(const struct h2s *s)
{
	return !s->closed && !s->mute && !s->h->failed && !s->h->dead;
}

static int send_interim(struct h2s *s, const struct head *h)
{
	struct h2_write_text text;
	size_t cap;
	nghttp2_nv *nv = h2_scratch_nv(h2_w(s->h), &cap);
	ptrdiff_t n;

	if (h->status == 100 && s->continued)
		return 0;
	s->continued = s->continued || h->status == 100;
	n = h2_write_response(nv, cap, h, h->status, STR_NONE, &text);
	if (n == -1)
		return -1;
	if (nghttp2_submit_headers(s->h->session, NGHTTP2_FLAG_NONE, s->id, NULL, nv, (size_t)n,
				   NULL) != 0) {
		errno = ENOMEM;
		return -1;
	}
	stat_add(h2_w(s->h)->slot, STAT_STATUS_1XX, 1);
	h2_kick(s->h);
	return 0;
}

/* RFC 8441 §5: 200 says that the tunnel is there, so no other answer may. */
static uint16_t status_of(const struct h2s *s, const struct head *h)
{
	if (!s->extended)
		return h->status;
	if (h->status == 101)
		return 200;
	return h->status < 300 ? 502 : h->status;
}

static int send_head(struct side *side, const struct head *h)
{
	struct h2s *s = h2s_of(side);
	nghttp2_data_provider content = h2s_provider(s);
	struct h2_write_text text;
	size_t cap;
	nghttp2_nv *nv = h2_scratch_nv(h2_w(s->h), &cap);
	ptrdiff_t n;

	if (!can_send(s)) {
		errno = EPIPE;
		return -1;
	}
	if (h->status < 200 && h->status != 101)
		return send_interim(s, h);
	n = h2_write_response(nv, cap, h, status_of(s, h), date_now(h2_w(s->h)), &text);
	if (n == -1)
		return -1;
	s->out = request_sink(side->request);
	s->has_content = h->status == 101 || h->framing != FRAMING_NONE;
	if (nghttp2_submit_response(s->h->session, s->id, nv, (size_t)n,
				    s->has_content ? &content : NULL) != 0) {
		errno = ENOMEM;
		return -1;
	}
	s->head_out = true;
	h2c_arm(s);
	h2_kick(s->h);
	return 0;
}

static void pump(struct side *side)
{
	h2s_pump(h2s_of(side));
}

/* RFC 9110 §10.1.1: the client waits for our word before it sends content. */
static void say_continue(struct h2s *s)
{
	const struct head h = {.status = 100, .framing = FRAMING_NONE};

	if (s->side.request->in.expect_continue && !s->continued && !s->got_end && s->rx == 0 &&
	    !s->head_out && can_send(s))
		(void)send_interim(s, &h);
}

static void resume_read(struct side *side)
{
	struct h2s *s = h2s_of(side);

	if (!s->wanted) {
		s->wanted = true;
		say_continue(s);
	}
	h2s_give_credit(s);
	h2c_arm(s);
}

static void tunnel(struct side *side)
{
	struct h2s *s = h2s_of(side);

	s->tunnel = true;
	if (s->got_end) {
		s->in->end = true;
		request_event(side->request, REQ_CLIENT_DATA);
	}
	resume_read(side);
	h2s_pump(s);
}

static void moved(struct side *side)
{
	struct h2s *s = h2s_of(side);

	s->in = &side->request->up;
	s->out = &side->request->down;
}

static struct h2s *forget(struct side *side)
{
	struct h2s *s = h2s_of(side);

	CHECK(side->request != NULL);
	side->request = NULL;
	s->in = s->out = NULL;
	h2c_of(s->h)->head_bytes -= s->head_bytes;
	return s;
}

static void cut(struct side *side, enum reason why)
{
	struct h2s *s = forget(side);

	if (!s->mute)
		h2s_reset(s, why == REASON_TUNNEL_IDLE ? NGHTTP2_NO_ERROR : NGHTTP2_INTERNAL_ERROR);
	h2s_free(s);
}

static void detach(struct side *side)
{
	struct h2s *s = forget(side);

	if (!s->got_end) /* RFC 9113 §8.1: the rest of the request is not needed */
		h2s_reset(s, NGHTTP2_NO_ERROR);
	h2s_free(s);
}

static const struct tls_conn *tls(const struct side *s)
{
	return container_of(s, const struct h2s, side)->h->conn.tls;
}

const struct side_ops h2c_ops = {
    .send_head = send_head,
    .pump = pump,
    .resume_read = resume_read,
    .tunnel = tunnel,
    .moved = moved,
    .abort = cut,
    .detach = detach,
    .tls = tls,
};
