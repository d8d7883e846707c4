/*
 * auth_question: the head of what an auth service is asked, as ingress-nginx sends it; see auth.h.
 * The client's fields go with it but for those that are ours to say, and all that begin with
 * X-Forwarded-: an auth service believes them.
 */
#include "common/check.h"
#include "common/policy/policy_header.h"
#include "worker/auth/auth.h"
#include "worker/request/client_cert.h"
#include "worker/request/headers.h"
#include "worker/request/ours.h"
#include "worker/rewrite/uri.h"
#include "worker/snippet/snippet.h"
#include "worker/tls/tls_upstream.h"
#include "worker/vars/vars.h"
#include "worker/wire/path.h"

#define FIELDS_OURS 40 /* added here and, where it is routed, by step rewrite */

static bool add(struct request *q, enum field_id id, struct str value)
{
	return head_add(&q->in, id, field_infos[id].name, value) == 0;
}

static bool is_theirs(const struct field *f)
{
	struct str name = str_make(f->name, f->name_n);

	if (ours_to_say((enum field_id)f->id))
		return false;
	return !str_ieq(str_head(name, 12), STR("X-Forwarded-")) &&
	       !str_ieq(name, STR("X-Sent-From"));
}

static bool copy_theirs(const struct request *r, struct request *q)
{
	for (uint16_t i = 0; i < r->in.n_fields; i++) {
		const struct field *f = &r->in.fields[i];

		if (f->drop == 0 && is_theirs(f) &&
		    head_add(&q->in, (enum field_id)f->id, str_make(f->name, f->name_n),
			     str_make(f->value, f->value_n)) == -1)
			return false;
	}
	return true;
}

/* $scheme://$http_host$request_uri */
static struct str original_url(const struct request *r, struct request *q)
{
	struct str parts[] = {r->told.https ? STR("https://") : STR("http://"), r->in.authority,
			      r->in.target};
	size_t n = parts[0].n + parts[1].n + parts[2].n, at = 0;
	char *to = arena_alloc(&q->arena, n);

	for (size_t i = 0; i < 3 && to != NULL; i++) {
		if (parts[i].n > 0)
			memcpy(to + at, parts[i].p, parts[i].n);
		at += parts[i].n;
	}
	return to == NULL ? STR_NONE : str_make(to, n);
}

static bool add_ours(const struct auth *a, struct request *r, struct request *q)
{
	struct str ip = str_make(q->peer_text, addr_ip_text(&q->peer, q->peer_text));
	struct str scheme = r->told.https ? STR("https") : STR("http");
	struct str to = r->in.target, url = original_url(r, q);

	if (url.n == 0 || (a->policy.redirect.n > 0 && !vars_eval(a->policy.redirect, r, &to)))
		return false;
	return add(q, FIELD_X_ORIGINAL_URL, url) &&
	       add(q, FIELD_X_ORIGINAL_METHOD, r->in.method_text) &&
	       add(q, FIELD_X_AUTH_REQUEST_REDIRECT, to) && add(q, FIELD_X_REAL_IP, ip) &&
	       add(q, FIELD_X_FORWARDED_FOR,
		   r->told.forwarded_for.n > 0 ? r->told.forwarded_for : ip) &&
	       (r->request_id.n == 0 || add(q, FIELD_X_REQUEST_ID, r->request_id)) &&
	       ((a->policy.flags & AUTH_METHOD_GIVEN) == 0 ||
		(add(q, FIELD_X_ORIGINAL_URI, r->in.target) && add(q, FIELD_X_SCHEME, scheme))) &&
	       client_cert_add(r, &q->in) == 0 &&
	       head_add(&q->in, FIELD_OTHER, STR("X-Sent-From"), STR("nginx-ingress-controller")) ==
		   0;
}

/* What the settings say of the question; over what is there already. */
static bool add_configured(const struct auth *a, struct request *r, struct request *q)
{
	return snippet_apply(r, &q->in, a->policy.set) == 0;
}

/* What an auth-snippet makes the client have said, in the client's place. */
static bool add_input(const struct auth *a, struct request *r, struct request *q)
{
	return a->policy.input.n == 0 || snippet_apply_input(r, &q->in, a->policy.input) == 0;
}

/* What a variable may bring that cannot stand in a request line is escaped. */
static bool set_target(struct request *q, struct str target)
{
	char *to = arena_alloc(&q->arena, target.n * 3);

	if (to == NULL || target.n == 0)
		return false;
	q->in.target = str_make(to, uri_put_target(to, target));
	return to[0] == '/';
}

/* host[:port], as the URL gives it or as the client named it. */
static bool set_host(struct request *q, struct str authority)
{
	struct str host = authority;
	ptrdiff_t colon = host.n > 0 && host.p[0] == '[' ? -1 : str_chr(host, ':');

	if (colon != -1)
		host = str_head(host, (size_t)colon);
	if (host.n > 1 && host.p[host.n - 1] == '.')
		host.n--;
	q->in.authority = authority;
	q->in.host = host;
	return host.n > 0;
}

static bool set_place(const struct auth *a, struct request *r, struct request *q)
{
	struct str host, target;
	struct path p;
	char *buf;

	if (!vars_eval(a->policy.host, r, &host) || !vars_eval(a->policy.target, r, &target) ||
	    !set_host(q, host) || !set_target(q, target))
		return false;
	buf = arena_alloc(&q->arena, q->in.target.n);
	if (buf == NULL || path_normalise(q->in.target, buf, &p) == -1)
		return false;
	q->path = p.path;
	q->query = p.query;
	return true;
}

int auth_question(const struct auth *a, struct request *r, struct request *q)
{
	uint32_t room = r->in.n_fields + FIELDS_OURS + policy_header_count(a->policy.input) +
			policy_header_count(a->policy.set);

	q->in.method = method_parse(a->policy.method);
	q->in.method_text = a->policy.method;
	q->in.form = TARGET_ORIGIN;
	q->in.framing = FRAMING_NONE;
	q->in.keep_alive = true;
	ours_request_id(r, head_value(&r->in, FIELD_X_REQUEST_ID));
	if (headers_room(q, &q->in, room, &q->in_array) == -1 || !set_place(a, r, q) ||
	    ((a->policy.flags & AUTH_NO_FIELDS) == 0 && !copy_theirs(r, q)) ||
	    !add_input(a, r, q) || !add_ours(a, r, q) || !add_configured(a, r, q))
		return -1;
	q->up_tls = a->policy.profile == 0 ? 0 : tls_upstream_profile(r->w, a->policy.profile);
	return 0;
}
