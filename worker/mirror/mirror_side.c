/* mirror_side: the client side that a copy's target answers to; see mirror.h. */
#include "common/check.h"
#include "worker/mirror/mirror.h"
#include "worker/request/driver.h"

static struct mirror_copy *copy_of(struct side *s)
{
	return container_of(s, struct mirror_copy, side);
}

/* The answer is let go, but not without end. */
static void drink(struct side *s)
{
	struct request *q = s->request;

	pipe_consume(&q->down, q->down.bytes);
	if (q->down.end)
		request_event(q, REQ_CLIENT_SENT);
	else if (q->down.in > MIRROR_ANSWER_MAX)
		request_client_ended(q, REASON_CLIENT_GONE);
}

/* An answer made by a step here is none of the target's. */
static int send_head(struct side *s, const struct head *h)
{
	struct request *q = s->request;

	if (h->status < 200)
		return 0;
	if (q->step != STEP_REPLY)
		copy_of(s)->answered = true;
	drink(s);
	return 0;
}

static void resume_read(struct side *s)
{
	mirror_deliver(copy_of(s));
}

static void tunnel(struct side *s)
{
	request_client_ended(s->request, REASON_INTERNAL); /* it asked for no upgrade */
}

static void cut(struct side *s, enum reason why)
{
	mirror_ended(copy_of(s));
	s->request = NULL;
}

static void detach(struct side *s)
{
	cut(s, REASON_DONE);
}

static const struct tls_conn *no_tls(const struct side *s)
{
	return NULL;
}

static const struct side_ops mirror_side_ops = {
    .send_head = send_head,
    .pump = drink,
    .resume_read = resume_read,
    .tunnel = tunnel,
    .abort = cut,
    .detach = detach,
    .tls = no_tls,
};

struct mirror_copy *mirror_side_give(struct request *q)
{
	struct mirror_copy *c = arena_zalloc(&q->arena, sizeof(*c));

	q->client = NULL;
	if (c == NULL)
		return NULL;
	c->side = (struct side){.ops = &mirror_side_ops, .request = q};
	c->end = STAT_MIRROR_FAILED;
	q->client = &c->side;
	return c;
}
