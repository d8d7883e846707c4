/* mirror_side: the client side that a copy's target answers to; see mirror.h. */
#include "common/check.h"
#include "worker/mirror/mirror.h"
#include "worker/request/aside.h"

static struct mirror_copy *copy_of(struct side *s)
{
	return container_of(s, struct mirror_copy, side);
}

static void drink(struct side *s)
{
	aside_drink(s, MIRROR_ANSWER_MAX);
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

static void cut(struct side *s, enum reason why)
{
	mirror_ended(copy_of(s));
	s->request = NULL;
}

static void detach(struct side *s)
{
	cut(s, REASON_DONE);
}

static const struct side_ops mirror_side_ops = {
    .send_head = send_head,
    .pump = drink,
    .resume_read = resume_read,
    .tunnel = aside_tunnel,
    .abort = cut,
    .detach = detach,
    .tls = aside_tls,
};

struct mirror_copy *mirror_side_give(struct request *q)
{
	struct mirror_copy *c = arena_zalloc(&q->arena, sizeof(*c));

	if (c == NULL)
		return NULL;
	c->side = (struct side){.ops = &mirror_side_ops, .request = q};
	c->end = STAT_MIRROR_FAILED;
	q->client = &c->side;
	return c;
}
