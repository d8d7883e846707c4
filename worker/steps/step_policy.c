/* step policy: what the route refuses by the head alone: denied locations, content too large. */
#include "worker/driver.h"

enum step_next step_policy(struct request *r)
{
	const struct policy *p = r->route.policy;

	if ((p->flags & POLICY_DENY) != 0)
		return request_reply(r, 503, REASON_DENIED);
	/* Chunked content is counted as it comes: step relay. */
	if (p->body_max_bytes != 0 && r->in.framing == FRAMING_LENGTH &&
	    r->in.length > p->body_max_bytes)
		return request_reply(r, 413, REASON_BODY_TOO_LARGE);
	return STEP_NEXT;
}
