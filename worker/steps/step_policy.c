/*
 * step policy: what the route decides by the head alone: denied locations, redirects to https,
 * content too large.
 */
#include "common/check.h"
#include "worker/request/driver.h"
#include "worker/answer/location.h"
#include "worker/tls/tls_upstream.h"

/* A path that begins with one of no-tls-redirect-locations: how ACME asks for its challenge. */
static bool stays_plain(const struct request *r)
{
	struct str rest = str_from(r->w->conf->no_tls_redirect_locations), location;

	while (conf_csv_next(&rest, &location))
		if (str_starts(r->path, location))
			return true;
	return false;
}

static bool wants_https(const struct request *r)
{
	uint32_t flags = r->route.policy->flags;

	if (r->told.https || r->in.host.n == 0)
		return false;
	if ((flags & POLICY_FORCE_SSL) == 0 &&
	    ((flags & POLICY_SSL_REDIRECT) == 0 || (r->route.flags & ROUTE_HOST_HAS_CERT) == 0))
		return false;
	return !stays_plain(r);
}

static enum step_next to_https(struct request *r)
{
	uint32_t flags = r->route.policy->flags;

	return location_reply(
	    r, location_status(r->w),
	    &(struct location){
		.https = true,
		.host = r->in.host,
		.port = (flags & POLICY_PORT) != 0 ? (uint16_t)r->w->conf->https_port : 0,
		.uri = (flags & POLICY_KEEP_SLASH) != 0 ? r->in.target : location_uri(r),
	    });
}

/*
 * How TLS is spoken to endpoints (proxy-ssl-*): decided in the version of the table that the route
 * is from, for all tries. False: the path's own Secret is missing or bad. Another Ingress' matters
 * only where TLS is spoken, which step connect sees.
 */
static bool choose_profile(struct request *r)
{
	struct str option = policy_find(r->route.policy, POLICY_OPT_UP_TLS);
	struct policy_up_tls p;

	if (option.n != sizeof(p))
		return true;
	memcpy(&p, option.p, sizeof(p));
	r->up_tls = tls_upstream_profile(r->w, p.profile);
	return r->up_tls != TLS_PROFILE_REFUSED || p.own == 0;
}

enum step_next step_policy(struct request *r)
{
	const struct policy *p = r->route.policy;

	if ((p->flags & POLICY_DENY) != 0)
		return request_reply(r, 503, REASON_DENIED);
	if (!choose_profile(r))
		return request_reply(r, 503, REASON_DENIED);
	if (wants_https(r))
		return to_https(r);
	/* Chunked content is counted as it comes: step relay. */
	if (p->body_max_bytes != 0 && r->in.framing == FRAMING_LENGTH &&
	    r->in.length > p->body_max_bytes)
		return request_reply(r, 413, REASON_BODY_TOO_LARGE);
	return STEP_NEXT;
}
