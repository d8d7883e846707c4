/* pace: see pace.h. */
#include "worker/request/pace.h"

#include <string.h>

#include "common/check.h"
#include "worker/request/driver.h"

#define SECOND_US 1000000u
#define PORTIONS  10 /* a second */

struct pace {
	struct timer timer;
	struct request *r;
	uint64_t rate;       /* bytes a second */
	uint64_t granted_us; /* up to here the rate is accounted for; loop's clock */
};

static uint64_t portion(const struct pace *p)
{
	return p->rate < PORTIONS ? 1 : p->rate / PORTIONS;
}

/* Microseconds in which n bytes become due, rounded up. */
static uint64_t time_of(const struct pace *p, uint64_t n)
{
	return (n * SECOND_US + p->rate - 1) / p->rate;
}

static void on_due(struct timer *t)
{
	struct pace *p = container_of(t, struct pace, timer);
	struct worker *w = p->r->w;

	request_event(p->r, REQ_CLIENT_ROOM);
	driver_run(w);
}

int pace_begin(struct request *r)
{
	struct policy_pace rule;
	struct str opt;
	struct pace *p;

	if ((r->route.policy->flags & POLICY_PACE) == 0 || r->instead != 0 || r->aside ||
	    r->resp.status == 101 || r->resp.framing == FRAMING_NONE)
		return 0;
	opt = policy_find(r->route.policy, POLICY_OPT_PACE);
	if (opt.n != sizeof(rule))
		return 0;
	memcpy(&rule, opt.p, sizeof(rule));
	CHECK(rule.bytes_per_second > 0);
	p = arena_zalloc(&r->arena, sizeof(*p));
	if (p == NULL)
		return -1;
	timer_init(&p->timer, on_due);
	p->r = r;
	p->rate = rule.bytes_per_second;
	p->granted_us = ev_now_us(r->w->ev);
	r->pace = p;
	request_sink(r)->paced = true;
	/* The annotations' bounds keep it, and a second's worth, below 2^32. */
	request_sink(r)->allow = (uint32_t)(rule.after_bytes + portion(p));
	return 0;
}

void pace_grant(struct request *r)
{
	struct pace *p = r->pace;
	struct pipe *pipe = request_sink(r);
	uint64_t now = ev_now_us(r->w->ev), passed = now - p->granted_us, due;

	if (passed < time_of(p, portion(p)))
		return;
	if (passed >= SECOND_US) {
		due = p->rate;
		p->granted_us = now;
	} else {
		due = p->rate * passed / SECOND_US;
		p->granted_us += due * SECOND_US / p->rate;
	}
	if (pipe->allow >= p->rate) /* of limit-rate-after, or saved up */
		return;
	due += pipe->allow;
	pipe->allow = (uint32_t)(due < p->rate ? due : p->rate);
}

void pace_wait(struct request *r)
{
	struct pace *p = r->pace;
	const struct pipe *pipe = request_sink(r);

	if (pipe->allow > 0 || pipe_empty(pipe))
		return;
	timer_set(r->w->timers, &p->timer, (p->granted_us + time_of(p, portion(p)) + 999) / 1000);
}

void pace_end(struct request *r)
{
	if (r->pace == NULL)
		return;
	timer_cancel(r->w->timers, &r->pace->timer);
	r->pace = NULL;
}
