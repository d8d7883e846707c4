/*
 * step auth: routes with auth-url: the auth service is asked whether the request may go on, before
 * anything of its content is wanted. After the client's address was looked at, as nginx has it.
 *
 * 2xx lets it in; 401 and 403 the client is told, a 401 as a redirect where auth-signin says where
 * to sign in. Everything else, and no answer at all, is a 500: it fails closed.
 */
#include "worker/auth/auth.h"
#include "worker/auth/auth_cache.h"
#include "worker/request/driver.h"
#include "worker/snippet/snippet.h"
#include "worker/vars/vars.h"

static enum step_next failed(struct request *r, enum reason why)
{
	stat_add(r->w->slot, STAT_AUTH_FAILED, 1);
	r->challenge = STR_NONE;
	return request_reply(r, 500, why);
}

/* With satisfy any the password was not right either: 401, which invites to another. */
static enum step_next refuse(struct request *r, const struct auth *a)
{
	uint16_t status = r->challenge.n > 0 ? 401 : a->status;
	struct str to;

	if (status == 403 || a->policy.signin.n == 0)
		return request_reply(r, status, REASON_AUTH_REFUSED);
	if (!vars_eval(a->policy.signin, r, &to) || to.n == 0)
		return failed(r, REASON_NO_MEMORY);
	r->location = to;
	return request_reply(r, 302, REASON_AUTH_REFUSED);
}

static enum step_next judge(struct request *r, const struct auth *a)
{
	if (a->why == REASON_NO_MEMORY || a->why == REASON_AUTH_LOOP ||
	    a->why == REASON_REGEX_LIMIT)
		return failed(r, a->why);
	if (a->why != REASON_NONE)
		return failed(r, REASON_AUTH_UNREACHABLE);
	if (a->status / 100 == 2) {
		r->challenge = STR_NONE;
		return STEP_NEXT;
	}
	if (a->status == 401 || a->status == 403)
		return refuse(r, a);
	return failed(r, REASON_AUTH_BAD_ANSWER);
}

/* Does an auth-snippet answer in the service's place? */
static bool verdict(struct request *r, struct auth *a)
{
	int status = snippet_verdict(r, a->policy.ops, &a->why);

	a->given = status != 0;
	if (status > 0)
		a->status = (uint16_t)status;
	if (status / 100 == 2 && auth_unasked(a, r) == -1)
		a->why = REASON_NO_MEMORY;
	return a->given;
}

/* What the policy says, as r->auth. False: *why. */
static bool open_policy(struct request *r, enum reason *why)
{
	struct auth *a = arena_alloc(&r->arena, sizeof(*a));

	*why = REASON_NO_MEMORY;
	if (a == NULL)
		return false;
	*a = (struct auth){.status = 0};
	*why = REASON_INTERNAL;
	if (!policy_auth_read(policy_find(r->route.policy, POLICY_OPT_AUTH), &a->policy))
		return false;
	r->auth = a;
	return true;
}

/* With satisfy any its address was enough. */
static enum step_next let_in(struct request *r)
{
	enum reason why;

	if (r->auth == NULL && !open_policy(r, &why))
		return failed(r, why);
	return auth_unasked(r->auth, r) == -1 ? failed(r, REASON_NO_MEMORY) : STEP_NEXT;
}

static enum step_next ask(struct request *r, struct auth *a)
{
	if (auth_cache_find(r, a)) {
		stat_add(r->w->slot, STAT_AUTH_REMEMBERED, 1);
		return judge(r, a);
	}
	return auth_ask(r, a) == -1 ? failed(r, REASON_NO_MEMORY) : STEP_WAIT;
}

/* What expressions of an auth-snippet take is the question's, and what those of the path took stays
 * the path's: in nginx they are two requests. */
static enum step_next ask_by_snippet(struct request *r, struct auth *a)
{
	struct regex_groups own = {.n = 0};
	enum step_next next;

	if (r->snip != NULL)
		own = r->snip->groups;
	next = verdict(r, a) ? judge(r, a) : ask(r, a);
	if (r->snip != NULL)
		r->snip->groups = own;
	return next;
}

static enum step_next begin(struct request *r)
{
	enum reason why;

	if (r->aside)
		return request_reply(r, 500, REASON_AUTH_LOOP);
	if (!open_policy(r, &why))
		return failed(r, why);
	return r->auth->policy.ops.n > 0 ? ask_by_snippet(r, r->auth) : ask(r, r->auth);
}

enum step_next step_auth(struct request *r)
{
	if ((r->route.policy->flags & POLICY_AUTH) == 0)
		return STEP_NEXT;
	if (r->let_in)
		return let_in(r);
	r->events = 0; /* content that came meanwhile is in the pipe */
	if (r->auth == NULL)
		return begin(r);
	return r->auth->given ? judge(r, r->auth) : STEP_WAIT;
}
