/*
 * step route: host and path to a route, or the answer when there is none (facts: routing §3-§6).
 */
#include <stdio.h>

#include "common/check.h"
#include "worker/request/driver.h"
#include "worker/engine.h"
#include "worker/metrics/count.h"
#include "worker/request/block.h"
#include "worker/request/client_cert.h"
#include "worker/rewrite/regex.h"
#include "worker/rewrite/uri.h"

#define PORT_TEXT   8
#define HEALTH_PATH STR("/healthz") /* on the catch-all host: facts, routing §12 */

static size_t put(char *to, struct str s)
{
	if (s.n > 0)
		memcpy(to, s.p, s.n);
	return s.n;
}

/* Where use-port-in-redirects asks for it: ours, unless it goes without saying. */
static size_t put_port(char *to, const struct request *r)
{
	const struct conf *c = r->w->conf;
	unsigned port = r->secure ? (unsigned)c->https_port : (unsigned)c->http_port;

	if ((r->route.policy->flags & POLICY_PORT) == 0 || port == (r->secure ? 443 : 80))
		return 0;
	return (size_t)snprintf(to, PORT_TEXT, ":%u", port);
}

/* To the same path with "/" at its end: absolute, as nginx does it, when the host is known. */
static enum step_next add_slash(struct request *r)
{
	struct str scheme = r->told.https ? STR("https://") : STR("http://");
	size_t most = scheme.n + r->in.host.n + r->path.n * 3 + PORT_TEXT + 2 + r->query.n;
	char *to = arena_alloc(&r->arena, most);
	size_t n = 0;

	if (to == NULL)
		return request_reply(r, 503, REASON_NO_MEMORY);
	if (r->in.host.n > 0 && (r->route.policy->flags & POLICY_RELATIVE) == 0) {
		n += put(to + n, scheme);
		n += put(to + n, r->in.host);
		n += put_port(to + n, r);
	}
	n += uri_put_path(to + n, r->path);
	to[n++] = '/';
	if (r->query.p != NULL) {
		to[n++] = '?';
		n += put(to + n, r->query);
	}
	CHECK(n <= most);
	r->location = str_make(to, n);
	return request_reply(r, 301, REASON_LOCAL);
}

enum step_next step_route(struct request *r)
{
	(void)engine_adopt(r->w);
	if (table_route(r->w->table, r->in.host, r->path, &r->arena, &r->route) == -1)
		return request_reply(r, 503, REASON_NO_MEMORY);
	if (regex_gave_up(r->w->regexes))
		return request_reply(r, 500, REASON_REGEX_LIMIT);
	if (r->w->counter != NULL && !r->aside)
		r->series = counter_identity(r->w->counter, r);
	if (client_cert_matters(r)) {
		enum step_next next = client_cert_check(r);

		if (next != STEP_NEXT)
			return next;
	}
	if (r->w->block != NULL && block_hits(r->w->block, r))
		return request_reply(r, 403, REASON_FORBIDDEN);
	if ((r->route.flags & ROUTE_CATCH_ALL) != 0 && str_eq(r->path, HEALTH_PATH)) {
		r->quiet = true;
		return request_reply(r, 200, REASON_LOCAL);
	}
	switch ((enum route_kind)r->route.kind) {
	case ROUTE_NOT_FOUND:
		return request_reply(r, 404, REASON_NO_ROUTE);
	case ROUTE_ADD_SLASH:
		return add_slash(r);
	case ROUTE_PROXY:
		break;
	}
	return STEP_NEXT;
}
