/* step connect: a connection to the endpoint, from the pool or a new one. */
#include <errno.h>

#include "common/net/net.h"
#include "common/table/cluster_kind.h"
#include "worker/request/driver.h"
#include "worker/fcgi/fcgiu.h"
#include "worker/http1/h1u.h"
#include "worker/http2/h2u.h"
#include "worker/tls/tls_upstream.h"

static enum reason reason_of(int error)
{
	static const enum reason reasons[] = {
	    [NET_NO_DESCRIPTOR] = REASON_NO_DESCRIPTOR,
	    [NET_NO_MEMORY] = REASON_NO_MEMORY,
	    [NET_FAILED] = REASON_CONNECT_FAILED,
	};

	return reasons[net_connect_trouble(error)];
}

/* HTTP/1.1 must name a host; a client of HTTP/1.0 may have named none. */
static void name_host(struct request *r)
{
	char text[ADDR_TEXT_MAX];

	if (r->out.authority.n == 0)
		r->out.authority =
		    arena_str(&r->arena, str_make(text, addr_text(&request_try(r)->addr, text)));
}

/* What this request is spoken in. An upgrade is a thing of HTTP/1. */
static enum cluster_protocol protocol_of(const struct request *r)
{
	switch ((enum cluster_protocol)r->protocol) {
	case CLUSTER_H2:
		return r->out.upgrade ? CLUSTER_HTTPS : CLUSTER_H2;
	case CLUSTER_H2C:
		return r->out.upgrade ? CLUSTER_HTTP : CLUSTER_H2C;
	case CLUSTER_AUTO:
		return r->secure ? CLUSTER_HTTPS : CLUSTER_HTTP;
	case CLUSTER_HTTPS:
	case CLUSTER_FCGI:
		return (enum cluster_protocol)r->protocol;
	case CLUSTER_HTTP:
		break;
	}
	return CLUSTER_HTTP;
}

/* Which connections this try can use. The profile counts where TLS is spoken only. */
static struct pool_key key_of(struct request *r)
{
	enum cluster_protocol protocol = protocol_of(r);

	return (struct pool_key){.addr = request_try(r)->addr,
				 .protocol = protocol,
				 .profile = cluster_over_tls(protocol) ? r->up_tls : 0};
}

/*
 * proxy-http-version and connection-proxy-header are about HTTP/1 between us and the endpoint. A
 * Connection field that is given leaves no place for an upgrade (as in nginx), and HTTP/1.0 knows
 * none, nor "Expect" (RFC 9110 §10.1.1), nor content without a length: false, it cannot be sent.
 * Nothing is kept until its length is known.
 */
static bool suit_endpoint(struct request *r)
{
	enum cluster_protocol protocol;
	uint32_t flags = r->route.policy->flags;

	if ((flags & (POLICY_HTTP10 | POLICY_CONN_CLOSE | POLICY_CONN_KEEP)) == 0 ||
	    r->instead != 0 || r->aside)
		return true;
	r->out.upgrade = false;
	protocol = protocol_of(r);
	if ((flags & POLICY_HTTP10) == 0 || (protocol != CLUSTER_HTTP && protocol != CLUSTER_HTTPS))
		return true;
	r->out.expect_continue = r->out.te_trailers = false;
	return r->out.framing != FRAMING_CHUNKED;
}

static int get(struct request *r, const struct pool_key *key)
{
	if (key->protocol == CLUSTER_H2C || key->protocol == CLUSTER_H2)
		return h2u_get(r, key, r->route.cluster);
	if (key->protocol == CLUSTER_FCGI)
		return fcgiu_get(r, key);
	return h1u_get(r, key, r->route.cluster);
}

enum step_next step_connect(struct request *r)
{
	struct pool_key key;

	if ((r->events & REQ_UP_READY) != 0) {
		r->events = 0;
		return STEP_NEXT;
	}
	r->events = 0; /* content that came meanwhile is in the pipe */
	if (r->upstream != NULL)
		return STEP_WAIT;
	if (!suit_endpoint(r))
		return request_reply(r, 411, REASON_LENGTH_REQUIRED);
	key = key_of(r);
	if (key.profile == TLS_PROFILE_REFUSED)
		return request_reply(r, 503, REASON_DENIED);
	name_host(r);
	if (get(r, &key) == -1)
		request_up_ended(r, reason_of(errno));
	return STEP_WAIT;
}
