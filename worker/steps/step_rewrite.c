/*
 * step rewrite: the head as the origin gets it, exactly as ingress-nginx sends it (facts:
 * routing §7). What a client says about itself in these fields is dropped or kept under
 * another name; what of it is believed was decided by step client. Hop-by-hop fields were taken
 * out by the parser.
 */
#include "common/check.h"
#include "worker/auth/auth.h"
#include "worker/request/client_cert.h"
#include "worker/answer/custom_errors.h"
#include "worker/request/driver.h"
#include "worker/request/headers.h"
#include "worker/mirror/mirror.h"
#include "worker/request/ours.h"
#include "worker/rewrite/rewrite.h"
#include "worker/snippet/snippet.h"

/* What of the client's own fields is needed once they are dropped. */
struct client_fields {
	struct str forwarded_for, forwarded_host, request_id;
	bool max_forwards;
	uint8_t told; /* enum client_told: fields that were there */
};

static uint8_t told_of(enum field_id id)
{
	switch (id) {
	case FIELD_X_FORWARDED_FOR:
		return CLIENT_FOR;
	case FIELD_X_FORWARDED_HOST:
		return CLIENT_HOST;
	case FIELD_X_FORWARDED_PROTO:
		return CLIENT_PROTO;
	case FIELD_X_FORWARDED_PORT:
		return CLIENT_PORT;
	default:
		return 0;
	}
}

static void note(struct client_fields *c, const struct field *f)
{
	struct str value = str_make(f->value, f->value_n);

	c->told |= told_of((enum field_id)f->id);
	if (f->id == FIELD_X_FORWARDED_FOR && c->forwarded_for.n == 0)
		c->forwarded_for = value;
	else if (f->id == FIELD_X_FORWARDED_HOST && c->forwarded_host.n == 0)
		c->forwarded_host = value;
	else if (f->id == FIELD_X_REQUEST_ID && c->request_id.n == 0)
		c->request_id = value;
	else if (f->id == FIELD_MAX_FORWARDS)
		c->max_forwards = true;
}

static void drop_replaced(struct request *r, struct client_fields *c)
{
	for (uint16_t i = 0; i < r->in.n_fields; i++) {
		struct field *f = &r->in.fields[i];

		if (f->id == FIELD_OTHER || !ours_to_say((enum field_id)f->id) ||
		    (r->aside && ours_of_question((enum field_id)f->id)))
			continue;
		note(c, f);
		f->drop = 1;
	}
}

static void add(struct request *r, enum field_id id, struct str value)
{
	/* The array was made with room for all of these. */
	int full = head_add(&r->out, id, field_infos[id].name, value);

	CHECK(full == 0);
}

static struct str decimal(struct request *r, uint32_t n)
{
	char text[10], *to;
	size_t at = sizeof(text);

	do {
		text[--at] = (char)('0' + n % 10);
		n /= 10;
	} while (n > 0);
	to = arena_alloc(&r->arena, sizeof(text) - at);
	if (to == NULL)
		return STR_NONE;
	memcpy(to, text + at, sizeof(text) - at);
	return str_make(to, sizeof(text) - at);
}

static struct str port_of(struct request *r)
{
	if (r->told.port != 0 && r->told.port != r->w->conf->http_port)
		return decimal(r, r->told.port);
	if (r->told.port == 0 &&
	    r->secure) /* 443 whatever its real number is: what the outside sees */
		return STR("443");
	return str_from(r->w->http_port);
}

static void add_forwarded(struct request *r, const struct client_fields *c)
{
	struct str scheme = r->told.https ? STR("https") : STR("http");
	struct str ip = str_make(r->peer_text, addr_ip_text(&r->peer, r->peer_text));

	if (r->request_id.n > 0)
		add(r, FIELD_X_REQUEST_ID, r->request_id);
	add(r, FIELD_X_REAL_IP, ip);
	add(r, FIELD_X_FORWARDED_FOR, r->told.forwarded_for.n > 0 ? r->told.forwarded_for : ip);
	if (r->out.authority.n > 0)
		add(r, FIELD_X_FORWARDED_HOST, r->out.authority);
	add(r, FIELD_X_FORWARDED_PORT, port_of(r));
	add(r, FIELD_X_FORWARDED_PROTO, scheme);
	add(r, FIELD_X_FORWARDED_SCHEME, scheme);
	add(r, FIELD_X_SCHEME, scheme);
	if ((r->route.policy->flags & POLICY_ORIGINAL_URI) != 0)
		add(r, FIELD_X_ORIGINAL_URI, r->in.target);
	if (c->forwarded_for.n > 0)
		add(r, FIELD_X_ORIGINAL_FORWARDED_FOR, c->forwarded_for);
	if (c->forwarded_host.n > 0)
		add(r, FIELD_X_ORIGINAL_FORWARDED_HOST, c->forwarded_host);
}

/* rewrite-target and upstream-vhost. STEP_NEXT, or an answer. */
static enum step_next change_target(struct request *r)
{
	struct str vhost = policy_find(r->route.policy, POLICY_OPT_VHOST), to;

	if (vhost.n > 0)
		r->out.authority = vhost;
	if (r->snip != NULL) {
		r->out.target = snippet_target(r);
		if (r->out.target.p == NULL)
			return request_reply(r, 503, REASON_NO_MEMORY);
		if (r->snip->stopped)
			return STEP_NEXT;
	}
	switch (rewrite_target(r, &to)) {
	case REWRITE_NONE:
		break;
	case REWRITE_TARGET:
		r->out.target = to;
		if (rewrite_prefix(r, &to) == -1)
			return request_reply(r, 503, REASON_NO_MEMORY);
		if (to.n > 0)
			add(r, FIELD_X_FORWARDED_PREFIX, to);
		break;
	case REWRITE_REDIRECT:
		r->location = to;
		return request_reply(r, 302, REASON_LOCAL);
	case REWRITE_FAILED:
		return request_reply(r, 500, REASON_REGEX_LIMIT);
	}
	return STEP_NEXT;
}

/* What only some routes want. */
static enum step_next change_more(struct request *r)
{
	enum step_next next;

	if ((r->route.policy->flags & POLICY_BASIC) != 0) /* our business, nobody else's */
		headers_drop(&r->out, FIELD_AUTHORIZATION, field_infos[FIELD_AUTHORIZATION].name);
	if (r->instead != 0)
		return custom_errors_head(r) == -1 ? request_reply(r, 503, REASON_NO_MEMORY)
						   : STEP_NEXT;
	next = change_target(r);
	if (next == STEP_NEXT && headers_to_endpoint(r) == -1)
		return request_reply(r, 503, REASON_NO_MEMORY);
	if (next == STEP_NEXT && r->snip != NULL && snippet_to_endpoint(r) == -1)
		return request_reply(r, 503, REASON_NO_MEMORY);
	if (next == STEP_NEXT && r->auth != NULL && auth_to_endpoint(r) == -1)
		return request_reply(r, 503, REASON_NO_MEMORY);
	if (next == STEP_NEXT && (r->route.policy->flags & POLICY_MIRROR) != 0)
		mirror_begin(r);
	return next;
}

enum step_next step_rewrite(struct request *r)
{
	struct client_fields c = {.max_forwards = false};

	if (headers_reserve(r) == -1)
		return request_reply(r, 503, REASON_NO_MEMORY);
	drop_replaced(r, &c);
	r->out = r->in;
	if (r->told.host.n > 0)
		r->out.authority = r->told.host;
	if ((c.told & ~r->told.believed) != 0 && r->instead == 0)
		stat_add(r->w->slot, STAT_FORWARDED_REFUSED, 1);
	r->out.expect_continue = false; /* 100 Continue is said by us, when content is wanted */
	ours_request_id(r, c.request_id);
	add_forwarded(r, &c);
	if (r->has_max_forwards)
		add(r, FIELD_MAX_FORWARDS, decimal(r, r->max_forwards - 1));
	else if (c.max_forwards)
		add(r, FIELD_MAX_FORWARDS, head_value(&r->in, FIELD_MAX_FORWARDS));
	if (r->early && head_find(&r->in, FIELD_EARLY_DATA) == NULL) /* RFC 8470 §5.1 */
		add(r, FIELD_EARLY_DATA, STR("1"));
	if (client_cert_add(r, &r->out) == -1)
		return request_reply(r, 503, REASON_NO_MEMORY);
	return r->route.policy->size == sizeof(struct policy) && r->snip == NULL ? STEP_NEXT
										 : change_more(r);
}
