/*
 * step redirect: routes that answer with another place: from-to-www-redirect, app-root,
 * temporal-redirect, permanent-redirect, and CORS preflights; in nginx' order, before anything that
 * may be refused.
 */
#include <string.h>

#include "worker/answer/cors.h"
#include "worker/request/driver.h"
#include "worker/answer/location.h"
#include "worker/snippet/snippet.h"

static enum step_next to(struct request *r, uint16_t status, struct str url)
{
	r->location = url;
	return request_reply(r, status, REASON_LOCAL);
}

/* $scheme://$http_host and the path; HTTP/1.0 may come without Host. */
static enum step_next to_app_root(struct request *r, struct str root)
{
	return location_reply(r, 302,
			      &(struct location){
				  .https = r->told.https,
				  .host = r->in.authority,
				  .uri = root,
			      });
}

/* The host's other name. The port is always named, as ingress-nginx does it. */
static enum step_next to_www(struct request *r, struct str host)
{
	uint16_t ours = r->told.https ? 443 : (uint16_t)r->w->conf->http_port;

	return location_reply(r, location_status(r->w),
			      &(struct location){
				  .https = r->told.https,
				  .host = host,
				  .port = r->told.port != 0 ? r->told.port : ours,
				  .uri = location_uri(r),
			      });
}

/* What the path's snippet says; *done: nothing behind it counts. */
static enum step_next by_snippet(struct request *r, bool *done)
{
	enum step_next next = snippet_path(r);

	*done = next != STEP_NEXT || r->snip->stopped;
	return next;
}

enum step_next step_redirect(struct request *r)
{
	const struct policy *p = r->route.policy;
	struct policy_redirect head;
	bool done = false;
	struct str opt;

	if (p->size == sizeof(*p) && r->snip == NULL)
		return STEP_NEXT;
	opt = policy_find(p, POLICY_OPT_WWW);
	if (opt.n > 0)
		return to_www(r, opt);
	opt = policy_find(p, POLICY_OPT_APP_ROOT);
	if (opt.n > 0 && str_eq(r->path, STR("/")))
		return to_app_root(r, opt);
	if (cors_answers(r))
		return request_reply(r, 204, REASON_LOCAL);
	if (r->snip != NULL) {
		enum step_next next = by_snippet(r, &done);

		if (done)
			return next;
	}
	opt = policy_find(p, POLICY_OPT_REDIRECT);
	if (opt.n <= sizeof(head))
		return STEP_NEXT;
	memcpy(&head, opt.p, sizeof(head));
	return to(r, head.status, str_from_at(opt, sizeof(head)));
}
