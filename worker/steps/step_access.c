/*
 * step access: who may come in: denylist-source-range, then allowlist-source-range. With satisfy
 * any, who is on the allow list needs no authentication, and who is not may still have it.
 */
#include "worker/request/driver.h"
#include "worker/snippet/snippet.h"

static bool in_nets(const struct request *r, struct str nets)
{
	return policy_nets_have(nets, r->peer.family, r->peer.ip);
}

enum step_next step_access(struct request *r)
{
	const struct policy *p = r->route.policy;
	struct str allow;
	bool denied, any;

	if (p->size == sizeof(*p) && r->snip == NULL)
		return STEP_NEXT;
	any =
	    (p->flags & POLICY_SATISFY_ANY) != 0 && (p->flags & (POLICY_AUTH | POLICY_BASIC)) != 0;
	allow = policy_find(p, POLICY_OPT_ALLOW);
	denied = in_nets(r, policy_find(p, POLICY_OPT_DENY));
	if (!denied && allow.n > 0) {
		denied = !in_nets(r, allow);
		r->let_in = any && !denied;
	} else if (!denied && r->snip != NULL) {
		enum snippet_access said = snippet_access(r);

		denied = said == SNIPPET_ACCESS_DENY;
		r->let_in = any && said == SNIPPET_ACCESS_ALLOW;
	}
	return denied && !any ? request_reply(r, 403, REASON_FORBIDDEN) : STEP_NEXT;
}
