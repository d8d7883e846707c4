/* aside: see aside.h. */
#include "worker/request/aside.h"

#include "worker/request/driver.h"

struct request *aside_new(const struct request *r)
{
	struct side nobody = {.request = NULL};
	struct request *q = request_new(r->w, &nobody);

	if (q == NULL)
		return NULL;
	q->client = NULL;
	q->aside = q->quiet = true;
	q->role = r->role;
	q->peer = r->peer;
	return q;
}

void aside_drop(struct request *q)
{
	q->client = NULL;
	request_free(q);
}

struct policy *aside_policy(struct request *q, const struct request *r)
{
	struct policy *p = arena_alloc(&q->arena, sizeof(*p));

	if (p == NULL)
		return NULL;
	*p = *r->route.policy;
	p->size = sizeof(*p);
	p->flags = POLICY_NO_ACCESS_LOG;
	p->body_max_bytes = 0;
	return p;
}

void aside_drink(struct side *s, uint64_t most)
{
	struct request *q = s->request;

	pipe_consume(&q->down, q->down.bytes);
	if (q->down.end)
		request_event(q, REQ_CLIENT_SENT);
	else if (q->down.in > most)
		request_client_ended(q, REASON_CLIENT_GONE);
}

void aside_tunnel(struct side *s)
{
	request_client_ended(s->request, REASON_INTERNAL);
}

const struct tls_conn *aside_tls(const struct side *s)
{
	(void)s;
	return NULL;
}
