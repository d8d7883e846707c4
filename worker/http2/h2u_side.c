/* h2u_side: struct side_ops of a stream to an endpoint; see h2u.h. */
#include <errno.h>
#include "common/check.h"
#include "worker/http2/h2_write.h"
#include "worker/http2/h2s.h"
#include "worker/http2/h2u.h"

static struct h2s *h2s_of(struct side *s)
{
	struct h2s *st = container_of(s, struct h2s, side);

	CHECK_MAGIC(st, H2S_MAGIC);
	return st;
}

/* "?query" stands for "/?query" (struct head); :path must say so. */
static int whole_target(struct request *r, struct head *h)
{
	char *to;

	if (h->target.n == 0 || h->target.p[0] != '?')
		return 0;
	to = arena_alloc(&r->arena, h->target.n + 1);
	if (to == NULL) {
		errno = ENOMEM;
		return -1;
	}
	to[0] = '/';
	memcpy(to + 1, h->target.p, h->target.n);
	h->target = str_make(to, h->target.n + 1);
	return 0;
}

static int send_head(struct side *side, const struct head *h)
{
	struct h2s *s = h2s_of(side);
	nghttp2_data_provider content = h2s_provider(s);
	struct h2_write_text text;
	struct head mine = *h;
	size_t cap;
	nghttp2_nv *nv = h2_scratch_nv(h2_w(s->h), &cap);
	ptrdiff_t n;

	if (whole_target(side->request, &mine) == -1)
		return -1;
	n = h2_write_request(nv, cap, &mine, s->h->conn.tls == NULL ? STR("http") : STR("https"),
			     &text);
	if (n == -1)
		return -1;
	s->has_content = h->framing != FRAMING_NONE;
	s->id = nghttp2_submit_request(s->h->session, NULL, nv, (size_t)n,
				       s->has_content ? &content : NULL, s);
	if (s->id < 0) { /* the numbers are used up, or memory is out */
		s->id = 0;
		errno = ENOMEM;
		return -1;
	}
	s->head_out = true;
	s->sent_from = h2u_sent(h2u_of(s->h));
	s->frames_from = s->h->sent;
	side->request->try_sent = true;
	h2u_arm(s);
	h2_kick(s->h);
	return 0;
}

static void pump(struct side *side)
{
	h2s_pump(h2s_of(side));
}

static void resume_read(struct side *side)
{
	struct h2s *s = h2s_of(side);

	h2s_give_credit(s);
	h2u_arm(s);
}

/* Upgrades are asked of HTTP/1 endpoints only: an answer of HTTP/2 is never a 101. */
static void tunnel(struct side *side)
{
	request_up_ended(side->request, REASON_UP_BAD_UPGRADE);
}

static struct h2s *forget(struct side *side)
{
	struct h2s *s = h2s_of(side);

	CHECK(side->request != NULL);
	side->request = NULL;
	s->in = s->out = NULL;
	return s;
}

static void cut(struct side *side, enum reason why)
{
	struct h2s *s = forget(side);

	h2s_reset(s, NGHTTP2_CANCEL);
	h2s_free(s);
}

static void detach(struct side *side)
{
	struct h2s *s = forget(side);

	if (!s->sent_end) /* answered before it had the whole request */
		h2s_reset(s, NGHTTP2_CANCEL);
	h2s_free(s);
}

const struct side_ops h2u_ops = {
    .send_head = send_head,
    .pump = pump,
    .resume_read = resume_read,
    .tunnel = tunnel,
    .abort = cut,
    .detach = detach,
};
