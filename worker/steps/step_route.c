/*
 * step route: host and path to a route, or the answer when there is none (facts: routing §3-§6).
 */
#include <string.h>

#include "common/check.h"
#include "worker/request/driver.h"
#include "worker/engine.h"
#include "worker/metrics/count.h"
#include "worker/request/block.h"
#include "worker/request/client_cert.h"
#include "worker/answer/location.h"
#include "worker/rewrite/regex.h"
#include "worker/rewrite/uri.h"
#include "worker/snippet/snippet.h"

#define HEALTH_PATH STR("/healthz") /* on the catch-all host: facts, routing §12 */

/* To the same path with "/" at its end: absolute, as nginx does it, when the host is known. */
static enum step_next add_slash(struct request *r)
{
	bool relative = (r->route.policy->flags & POLICY_RELATIVE) != 0;
	size_t most = r->path.n * 3 + 2 + r->query.n;
	char *uri = arena_alloc(&r->arena, most);
	size_t n;

	if (uri == NULL)
		return request_reply(r, 503, REASON_NO_MEMORY);
	n = uri_put_path(uri, r->path);
	uri[n++] = '/';
	if (r->query.p != NULL) {
		uri[n++] = '?';
		if (r->query.n > 0)
			memcpy(uri + n, r->query.p, r->query.n);
		n += r->query.n;
	}
	CHECK(n <= most);
	return location_reply(r, 301,
			      &(struct location){
				  .https = r->told.https,
				  .host = relative ? STR_NONE : r->in.host,
				  .port = location_port(r),
				  .uri = str_make(uri, n),
			      });
}

/* A server of http-snippet: no host and no path is looked up. 404: it has gone meanwhile. */
static enum step_next at_server(struct request *r)
{
	enum step_next next;

	if (table_route_server(r->w->table, r->to_port, &r->arena, &r->route) == -1)
		return request_reply(r, 503, REASON_NO_MEMORY);
	next = r->route.server == NULL ? STEP_NEXT : snippet_route(r);
	return next == STEP_NEXT ? request_reply(r, 404, REASON_NO_ROUTE) : next;
}

enum step_next step_route(struct request *r)
{
	(void)engine_adopt(r->w);
	if (r->role == ROLE_RETURN)
		return at_server(r);
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
	if (snippet_concerns(r)) {
		enum step_next next = snippet_route(r);

		if (next != STEP_NEXT)
			return next;
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
