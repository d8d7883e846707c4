/* step access: who may come in: denylist-source-range, then allowlist-source-range. */
#include "worker/request/driver.h"

static bool in_nets(const struct request *r, struct str nets)
{
	return policy_nets_have(nets, r->peer.family, r->peer.ip);
}

enum step_next step_access(struct request *r)
{
	const struct policy *p = r->route.policy;
	struct str allow;

	if (p->size == sizeof(*p))
		return STEP_NEXT;
	allow = policy_find(p, POLICY_OPT_ALLOW);
	if (in_nets(r, policy_find(p, POLICY_OPT_DENY)) || (allow.n > 0 && !in_nets(r, allow)))
		return request_reply(r, 403, REASON_FORBIDDEN);
	return STEP_NEXT;
}
