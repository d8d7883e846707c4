/*
 * step basic: routes with auth-type: basic: is there a user with that password? After the client's
 * address was looked at and before an auth service is asked, as nginx has it.
 *
 * What is not right is answered 401 with the challenge, what cannot be found out 503: it fails
 * closed. With satisfy any, an auth service may still let the request in (step auth).
 */
#include "common/policy/policy_basic.h"
#include "worker/basic/basic.h"
#include "worker/request/driver.h"

static enum step_next right(struct request *r)
{
	r->let_in = (r->route.policy->flags & POLICY_SATISFY_ANY) != 0;
	r->challenge = STR_NONE;
	return STEP_NEXT;
}

static enum step_next refuse(struct request *r)
{
	const uint32_t either = POLICY_SATISFY_ANY | POLICY_AUTH;

	stat_add(r->w->slot, STAT_BASIC_REFUSED, 1);
	if ((r->route.policy->flags & either) == either)
		return STEP_NEXT; /* with the challenge, in case the auth service refuses, too */
	return request_reply(r, 401, REASON_BASIC_REFUSED);
}

static enum step_next failed(struct request *r, enum reason why)
{
	stat_add(r->w->slot, why == REASON_BASIC_BUSY ? STAT_BASIC_BUSY : STAT_BASIC_FAILED, 1);
	r->challenge = STR_NONE;
	return request_reply(r, 503, why);
}

static enum step_next judge(struct request *r, unsigned end)
{
	switch (end) {
	case BASIC_RIGHT:
		return right(r);
	case BASIC_WRONG:
		return refuse(r);
	case BASIC_BUSY:
		return failed(r, REASON_BASIC_BUSY);
	default: /* BASIC_UNKNOWN, ASKER_LATE */
		return failed(r, REASON_BASIC_UNREACHABLE);
	}
}

static enum step_next begin(struct request *r)
{
	uint64_t list;

	if (!policy_basic_read(policy_find(r->route.policy, POLICY_OPT_BASIC), &list,
			       &r->challenge))
		return failed(r, REASON_INTERNAL);
	switch (basic_look(r, list)) {
	case BASIC_NOW_RIGHT:
		return right(r);
	case BASIC_NOW_WRONG:
		return refuse(r);
	case BASIC_NOW_ASKED:
		return STEP_WAIT;
	case BASIC_NOW_BUSY:
		return failed(r, REASON_BASIC_BUSY);
	case BASIC_NOW_NO_MEMORY:
		break;
	}
	return failed(r, REASON_NO_MEMORY);
}

enum step_next step_basic(struct request *r)
{
	unsigned end;

	if ((r->route.policy->flags & POLICY_BASIC) == 0 || r->let_in)
		return STEP_NEXT;
	r->events = 0; /* content that came meanwhile is in the pipe */
	if (r->basic == NULL)
		return begin(r);
	if (r->basic->open)
		return STEP_WAIT;
	end = r->basic->end;
	r->basic = NULL;
	return judge(r, end);
}
