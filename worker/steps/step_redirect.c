/*
 * step redirect: routes that answer with another place: app-root, temporal-redirect,
 * permanent-redirect, and CORS preflights; in nginx' order, before anything that may be refused.
 */
#include <string.h>

#include "worker/request/cors.h"
#include "worker/request/driver.h"

static enum step_next to(struct request *r, uint16_t status, struct str url)
{
	r->location = url;
	return request_reply(r, status, REASON_LOCAL);
}

/* $scheme://$http_host and the path. */
static enum step_next to_app_root(struct request *r, struct str root)
{
	struct str scheme = r->told.https ? STR("https://") : STR("http://");
	struct str host = r->in.authority;
	char *text = arena_alloc(&r->arena, scheme.n + host.n + root.n);

	if (text == NULL)
		return request_reply(r, 503, REASON_NO_MEMORY);
	if (host.n == 0)
		return to(r, 302, root); /* HTTP/1.0 without Host */
	memcpy(text, scheme.p, scheme.n);
	memcpy(text + scheme.n, host.p, host.n);
	memcpy(text + scheme.n + host.n, root.p, root.n);
	return to(r, 302, str_make(text, scheme.n + host.n + root.n));
}

enum step_next step_redirect(struct request *r)
{
	const struct policy *p = r->route.policy;
	struct policy_redirect head;
	struct str opt;

	if (p->size == sizeof(*p))
		return STEP_NEXT;
	opt = policy_find(p, POLICY_OPT_APP_ROOT);
	if (opt.n > 0 && str_eq(r->path, STR("/")))
		return to_app_root(r, opt);
	if (cors_answers(r))
		return request_reply(r, 204, REASON_LOCAL);
	opt = policy_find(p, POLICY_OPT_REDIRECT);
	if (opt.n <= sizeof(head))
		return STEP_NEXT;
	memcpy(&head, opt.p, sizeof(head));
	return to(r, head.status, str_from_at(opt, sizeof(head)));
}
