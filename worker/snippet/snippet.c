/* snippet: which programs count for a request, and when they are done. See snippet.h. */
#include "worker/snippet/snippet.h"

#include <string.h>

#include "worker/rewrite/uri.h"
#include "worker/snippet/place.h"
#include "worker/snippet/snippet_int.h"

static bool read_part(const struct policy *p, struct snippet_part *part)
{
	*part = (struct snippet_part){.there = false};
	part->there = snip_read(policy_find(p, POLICY_OPT_SNIPPET), &part->program);
	return part->there;
}

static struct str list_of(const struct snippet_part *part, enum snip_list list)
{
	struct str own;

	if (!part->there)
		return STR_NONE;
	own = snip_list(&part->program, part->scope, list);
	return own.n > 0 || part->scope == 0 ? own : snip_list(&part->program, 0, list);
}

struct str snippet_list(const struct request *r, enum snip_list list)
{
	const struct snippet *s = r->snip;
	struct str own = list_of(&s->place, list);

	if (own.n == 0)
		own = list_of(&s->path, list);
	return own.n > 0 ? own : list_of(&s->host, list);
}

unsigned snippet_lists(const struct request *r, enum snip_list list, struct str all[SNIPPET_LISTS])
{
	const struct snippet_part *parts[] = {&r->snip->host, &r->snip->path, &r->snip->place};
	unsigned n = 0;

	for (unsigned i = 0; i < SNIPPET_LISTS / 2; i++) {
		const struct snippet_part *part = parts[i];

		if (part->there)
			all[n++] = snip_list(&part->program, 0, list);
		if (part->there && part->scope != 0)
			all[n++] = snip_list(&part->program, part->scope, list);
	}
	return n;
}

struct str snippet_list_of_path(const struct request *r, enum snip_list list)
{
	return list_of(&r->snip->path, list);
}

/* access_log off; said anew on each way a request may leave by. */
static void settle(struct request *r)
{
	r->quiet = r->quiet || str_eq(snippet_list(r, SNIP_LOG), STR("off"));
}

static enum step_next again(struct request *r)
{
	if (++r->snip->cycles > SNIP_LAST_MAX)
		return snippet_failed(r, REASON_REWRITE_LOOP);
	return request_goto(r, STEP_ROUTE);
}

/* --- the host ------------------------------------------------------------------------------ */

static enum step_next of_host(struct request *r)
{
	struct snippet *s = r->snip;
	enum step_next next = STEP_NEXT;
	enum run run;

	if ((r->route.server->flags & POLICY_DENY) != 0)
		return request_reply(r, 503, REASON_DENIED);
	if (!read_part(r->route.server, &s->host))
		return snippet_failed(r, REASON_INTERNAL);
	if (s->host_done)
		return STEP_NEXT;
	s->host_done = true;
	run = snippet_run(r, &s->host, &next);
	settle(r);
	if (run == RUN_LEFT)
		return next;
	s->stopped = false; /* break in the server's block ends that block */
	return s->rewritten ? request_goto(r, STEP_ROUTE) : STEP_NEXT;
}

/* A location of a snippet's own has no endpoint: what return does not answer is 403 or 404. */
static enum step_next of_place(struct request *r, const struct snip_location *l)
{
	struct snippet *s = r->snip;
	enum step_next next = STEP_NEXT;
	enum run run;

	if (l->refused)
		return request_reply(r, 503, REASON_DENIED);
	s->place.scope = 0;
	s->place.there = snip_read(l->program, &s->place.program);
	if (!s->place.there)
		return snippet_failed(r, REASON_INTERNAL);
	run = snippet_run(r, &s->place, &next);
	settle(r);
	if (run == RUN_LEFT)
		return next;
	if (run == RUN_AGAIN)
		return again(r);
	if (snippet_access(r) == SNIPPET_ACCESS_DENY)
		return request_reply(r, 403, REASON_FORBIDDEN);
	return request_reply(r, 404, REASON_LOCAL);
}

static enum step_next choose_place(struct request *r, enum regex_result found,
				   const struct snip_location *l)
{
	switch (found) {
	case REGEX_YES:
		return of_place(r, l);
	case REGEX_FAILED:
		return snippet_failed(r, REASON_REGEX_LIMIT);
	case REGEX_NO:
		break;
	}
	return STEP_NEXT;
}

/* --- the steps ----------------------------------------------------------------------------- */

enum step_next snippet_route(struct request *r)
{
	struct snippet *s = r->snip;
	struct snip_location l;
	enum step_next next;

	if (s == NULL) {
		s = arena_zalloc(&r->arena, sizeof(*s));
		if (s == NULL)
			return request_reply(r, 503, REASON_NO_MEMORY);
		r->snip = s;
	}
	s->path.there = s->place.there = s->host.there = s->stopped = false;
	if (r->route.server != NULL) {
		next = of_host(r);
		if (next == STEP_NEXT && s->host.program.locations.n > 0)
			next = choose_place(r, place_find(r, &s->host.program, &l), &l);
		if (next != STEP_NEXT)
			return next;
	}
	if ((r->route.policy->flags & POLICY_SNIPPET) != 0 && !read_part(r->route.policy, &s->path))
		return snippet_failed(r, REASON_INTERNAL);
	if (!s->path.there || s->path.program.locations.n == 0)
		return STEP_NEXT;
	return choose_place(r, place_find_inner(r, &s->path.program, &l), &l);
}

enum step_next snippet_path(struct request *r)
{
	struct snippet *s = r->snip;
	enum step_next next = STEP_NEXT;
	enum run run;

	if (!s->path.there) {
		settle(r);
		return STEP_NEXT;
	}
	run = snippet_run(r, &s->path, &next);
	settle(r);
	if (run == RUN_LEFT)
		return next;
	return run == RUN_AGAIN ? again(r) : STEP_NEXT;
}

/* --- allow and deny ------------------------------------------------------------------------ */

static bool rule_has(const struct snip_rule *rule, const struct addr *a)
{
	struct policy_net net = {.family = rule->family, .bits = rule->bits};

	memcpy(net.ip, rule->ip, sizeof(net.ip));
	return rule->family == 0 || policy_net_has(&net, a->family, a->ip);
}

/* Rules of the host count where the path has none of its own, in whatever form. */
static struct str rules_of(const struct request *r)
{
	const struct policy *p = r->route.policy;
	struct str own = list_of(&r->snip->path, SNIP_ACCESS);

	if (!r->snip->place.there && own.n == 0 &&
	    (policy_find(p, POLICY_OPT_ALLOW).n > 0 || policy_find(p, POLICY_OPT_DENY).n > 0))
		return STR_NONE;
	return snippet_list(r, SNIP_ACCESS);
}

enum snippet_access snippet_access(const struct request *r)
{
	struct str rest = rules_of(r);
	struct snip_rule rule;

	for (; rest.n >= sizeof(rule); rest = str_from_at(rest, sizeof(rule))) {
		memcpy(&rule, rest.p, sizeof(rule));
		if (rule_has(&rule, &r->peer))
			return rule.allow != 0 ? SNIPPET_ACCESS_ALLOW : SNIPPET_ACCESS_DENY;
	}
	return SNIPPET_ACCESS_NONE;
}

/* --- the target ---------------------------------------------------------------------------- */

struct str snippet_target(struct request *r)
{
	char *to;
	size_t n;

	if (!r->snip->rewritten)
		return r->in.target;
	to = arena_alloc(&r->arena, 3 * r->path.n + r->query.n + 2);
	if (to == NULL)
		return STR_NONE;
	n = uri_put_path(to, r->path);
	if (r->query.p != NULL)
		to[n++] = '?';
	if (r->query.n > 0)
		memcpy(to + n, r->query.p, r->query.n);
	return str_make(to, n + r->query.n);
}
