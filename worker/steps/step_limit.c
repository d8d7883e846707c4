/*
 * step limit: how much one client may have: limit-rps, limit-rpm, limit-connections. After what
 * redirects and before who may come in, as nginx has it.
 *
 * A client is its address; what it uses up counts for the Ingress (facts: annotations §8). Only
 * when no limit refuses is anything counted.
 */
#include <string.h>

#include "common/hash.h"
#include "common/limit/limit_rate.h"
#include "worker/request/driver.h"
#include "worker/snippet/snippet.h"

enum limit_kind {
	LIMIT_RPS = 1,
	LIMIT_RPM,
	LIMIT_CONNECTIONS,
};

static uint64_t key_of(const struct request *r, uint64_t zone, enum limit_kind kind)
{
	struct {
		uint64_t zone;
		uint8_t ip[16];
		uint64_t kind;
	} k = {.zone = zone, .kind = kind};

	memcpy(k.ip, r->peer.ip, sizeof(k.ip));
	return hash_str(str_make((const char *)&k, sizeof(k)), r->w->limits->seed);
}

/* What is under way on the whole node, this one included. */
static uint32_t under_way(const struct worker *w, uint64_t key)
{
	uint32_t slots = atomic_load_explicit(&w->board->slots, memory_order_relaxed), n = 0;

	for (uint32_t i = 0; i < slots && i < SLOT_MAX; i++)
		if (w->peers[i] != NULL)
			n += limit_count_of(&w->peers[i]->counts, key);
	return n;
}

/* Two workers that count at the same time see each other, so the limit is never exceeded. */
static bool too_many(struct request *r, const struct policy_limit *l)
{
	uint64_t key = key_of(r, l->zone, LIMIT_CONNECTIONS);

	if (l->connections == 0)
		return false;
	if (!limit_count_enter(&r->w->slot->counts, key)) {
		stat_add(r->w->slot, STAT_LIMIT_UNCOUNTED, 1);
		return false;
	}
	atomic_thread_fence(memory_order_seq_cst);
	r->limit_key = key;
	return under_way(r->w, key) > l->connections;
}

static bool over(struct request *r, uint64_t zone, enum limit_kind kind, uint32_t interval_us,
		 uint32_t burst, bool take)
{
	struct limit_rate rate = {.interval_us = interval_us, .burst = burst};
	enum limit_verdict v;

	if (interval_us == 0)
		return false;
	v = limit_rate_check(r->w->limits, key_of(r, zone, kind), &rate, ev_now_us(r->w->ev), take);
	if (v == LIMIT_PASS_EVICTED)
		stat_add(r->w->slot, STAT_LIMIT_EVICTED, 1);
	return v == LIMIT_OVER;
}

/* The first one is asked before the second one takes, so that a refusal costs nothing. */
static bool too_fast(struct request *r, const struct policy_limit *l)
{
	bool both = l->interval_us != 0 && l->interval_us_rpm != 0;

	if (both && over(r, l->zone, LIMIT_RPS, l->interval_us, l->burst, false))
		return true;
	return over(r, l->zone, LIMIT_RPM, l->interval_us_rpm, l->burst_rpm, true) ||
	       over(r, l->zone, LIMIT_RPS, l->interval_us, l->burst, true);
}

static enum step_next of_snippets(struct request *r)
{
	switch (snippet_rate(r)) {
	case SNIPPET_RATE_GOOD:
		return STEP_NEXT;
	case SNIPPET_RATE_OVER:
		return request_reply(r, (uint16_t)r->w->conf->limit_req_status,
				     REASON_RATE_LIMITED);
	case SNIPPET_RATE_FAILED:
		break;
	}
	return request_reply(r, 500, REASON_INTERNAL);
}

enum step_next step_limit(struct request *r)
{
	const struct policy *p = r->route.policy;
	const struct conf *conf = r->w->conf;
	struct policy_limit limit;
	struct str opt;

	if (r->snip != NULL) {
		enum step_next next = of_snippets(r);

		if (next != STEP_NEXT)
			return next;
	}
	if (p->size == sizeof(*p))
		return STEP_NEXT;
	opt = policy_find(p, POLICY_OPT_LIMIT);
	if (opt.n != sizeof(limit) ||
	    policy_nets_have(policy_find(p, POLICY_OPT_LIMIT_ALLOW), r->peer.family, r->peer.ip))
		return STEP_NEXT;
	memcpy(&limit, opt.p, sizeof(limit));
	if (too_many(r, &limit))
		return request_reply(r, (uint16_t)conf->limit_conn_status, REASON_CROWD_LIMITED);
	if (too_fast(r, &limit))
		return request_reply(r, (uint16_t)conf->limit_req_status, REASON_RATE_LIMITED);
	return STEP_NEXT;
}
