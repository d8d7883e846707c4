/* step send: the request's head, with the content that is there already; then ask for more. */
#include <errno.h>

#include "worker/mirror/mirror.h"
#include "worker/request/driver.h"

enum step_next step_send(struct request *r)
{
	if (r->up.tapped)
		mirror_feed(r);
	r->up.keep = true; /* until an answer comes, so that another endpoint can be tried */
	if (r->upstream->ops->send_head(r->upstream, &r->out) == -1) {
		request_up_ended(r, REASON_NO_MEMORY);
		return STEP_WAIT;
	}
	if (!r->up.end && r->instead == 0)
		r->client->ops->resume_read(r->client);
	return STEP_NEXT;
}
