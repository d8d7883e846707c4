/* auth_side: the question's own request, and the client side that it answers to; see auth.h. */
#include "worker/auth/auth.h"

#include "common/check.h"
#include "worker/auth/auth_cache.h"
#include "worker/request/aside.h"
#include "worker/request/driver.h"

struct auth_side { /* in the question's arena */
	struct side side;
	struct request *asker; /* NULL: has its answer, or wants none */
};

static struct auth_side *auth_side_of(struct side *s)
{
	return container_of(s, struct auth_side, side);
}

/* The asker goes on; h NULL: there is no answer, because of why. */
static void tell(struct auth_side *s, const struct head *h, enum reason why)
{
	struct request *r = s->asker;
	struct auth *a;

	if (r == NULL)
		return;
	a = r->auth;
	s->asker = NULL;
	a->question = NULL;
	a->given = true;
	a->why = h == NULL ? why : REASON_NONE;
	if (h != NULL && auth_answer(a, r, h) == -1)
		a->why = REASON_NO_MEMORY;
	else if (h != NULL)
		auth_cache_store(r, a, h);
	request_event(r, REQ_AUTH);
}

static void drink(struct side *s)
{
	aside_drink(s, AUTH_CONTENT_MAX);
}

/* An answer made by a step here is none of the auth service's. */
static int send_head(struct side *s, const struct head *h)
{
	struct request *q = s->request;

	if (h->status < 200)
		return 0;
	tell(auth_side_of(s), q->step == STEP_REPLY ? NULL : h, q->reason);
	drink(s);
	return 0;
}

static void resume_read(struct side *s)
{
	(void)s; /* a question has no content */
}

static void cut(struct side *s, enum reason why)
{
	tell(auth_side_of(s), NULL, why);
	s->request = NULL;
}

static void detach(struct side *s)
{
	cut(s, REASON_INTERNAL); /* has been told by now */
}

static const struct side_ops auth_side_ops = {
    .send_head = send_head,
    .pump = drink,
    .resume_read = resume_read,
    .tunnel = aside_tunnel,
    .abort = cut,
    .detach = detach,
    .tls = aside_tls,
};

/* A request without client side is given one in its own arena. */
static bool give_side(struct request *q, struct request *asker)
{
	struct auth_side *s = arena_alloc(&q->arena, sizeof(*s));

	if (s == NULL)
		return false;
	*s = (struct auth_side){.side = {.ops = &auth_side_ops, .request = q}, .asker = asker};
	q->client = &s->side;
	return true;
}

/* The auth service is a cluster: no route decides, so the asker's timeouts do. */
static bool give_cluster(struct request *q, const struct request *r, const struct auth *a)
{
	struct policy *p = aside_policy(q, r);

	if (p == NULL)
		return false;
	p->next_when = NEXT_ERROR | NEXT_TIMEOUT;
	q->route =
	    (struct route_view){.kind = ROUTE_PROXY, .cluster = a->policy.cluster, .policy = p};
	q->out = q->in;
	q->step = STEP_PICK;
	return true;
}

static bool prepare(struct request *q, struct request *r, struct auth *a)
{
	q->told = (struct told){.forwarded_for = r->told.forwarded_for, .port = r->told.port};
	q->told.https = (a->policy.flags & AUTH_SAME_SCHEME) != 0
			    ? r->told.https
			    : (a->policy.flags & AUTH_HTTPS) != 0;
	q->up.end = true;
	q->in = (struct head){.version = 11};
	q->step = STEP_ROUTE;
	if (!give_side(q, r) || auth_question(a, r, q) == -1)
		return false;
	return a->policy.cluster == 0 || give_cluster(q, r, a);
}

int auth_ask(struct request *r, struct auth *a)
{
	struct request *q = aside_new(r);

	if (q == NULL)
		return -1;
	if (!prepare(q, r, a)) {
		aside_drop(q);
		return -1;
	}
	stat_add(r->w->slot, STAT_AUTH_ASKED, 1);
	a->question = q;
	driver_post(q);
	return 0;
}

void auth_forget(struct request *r)
{
	struct request *q = r->auth->question;

	if (q == NULL)
		return;
	r->auth->question = NULL;
	auth_side_of(q->client)->asker = NULL;
	request_client_ended(q, REASON_CLIENT_GONE);
}
