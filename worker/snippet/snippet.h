/*
 * snippet: what an nginx snippet asks for, done (policy_snippet.h): server-snippet of the host,
 * configuration-snippet of the path, in nginx' order:
 *
 *   step route     snippet_route()  set, if, return, rewrite of the host; a new path is routed
 *                                   anew; a location of the host that fits better answers
 *   step redirect  snippet_path()   those of the path
 *   step access    snippet_access() allow and deny
 *   step rewrite   snippet_target(), snippet_to_endpoint()
 *   the answer     snippet_to_client()
 *
 * r->snip is NULL on routes without snippets, which therefore cost one comparison. Loops end: an op
 * only leads forward, and a request goes back at most SNIP_LAST_MAX times. Nothing is allocated but
 * in the arena; what does not fit, or a regular expression that gives up, is a 500.
 */
#ifndef SILEX_WORKER_SNIPPET_SNIPPET_H
#define SILEX_WORKER_SNIPPET_SNIPPET_H

#include "common/policy/policy_snippet.h"
#include "worker/request/driver.h"
#include "worker/rewrite/regex.h"

#define SNIPPET_VARS_MAX 32

struct snippet_part { /* one program, and which of its scopes counts */
	struct snip program;
	bool there;
	uint16_t scope;
};

struct snippet {
	struct snippet_part host, path, place; /* place: a location of one of them, which answers */
	struct regex_groups groups;            /* of the last match */
	uint8_t cycles;                        /* how often it was sent back */
	bool host_done;
	bool stopped;   /* by break: rewrite-target and permanent-redirect are not looked at */
	bool rewritten; /* path and query are not the client's any more */
	unsigned n_vars;
	struct {
		struct str name, value;
	} vars[SNIPPET_VARS_MAX];
};

/* Has this route to do with snippets, or had an earlier one of the request? */
static inline bool snippet_concerns(const struct request *r)
{
	return r->snip != NULL || r->route.server != NULL ||
	       (r->route.policy->flags & POLICY_SNIPPET) != 0;
}

/* When snippet_concerns(). STEP_NEXT, or the request goes elsewhere. */
enum step_next snippet_route(struct request *r);

/* From here on for r->snip != NULL only. */
enum step_next snippet_path(struct request *r);

enum snippet_rate {
	SNIPPET_RATE_GOOD,
	SNIPPET_RATE_OVER,
	SNIPPET_RATE_FAILED, /* a key cannot be told */
};
/* limit_req: may this one come, too? It is counted then. */
enum snippet_rate snippet_rate(struct request *r);

enum snippet_access {
	SNIPPET_ACCESS_NONE, /* nothing is said about this client */
	SNIPPET_ACCESS_ALLOW,
	SNIPPET_ACCESS_DENY,
};
enum snippet_access snippet_access(const struct request *r);

/* The target that is sent instead of the client's; r->in.target when nothing was rewritten.
 * .p NULL: memory is out. */
struct str snippet_target(struct request *r);
/* How many fields the next two add at most. */
uint32_t snippet_request_fields(const struct request *r);
/* What the ops of an auth-snippet say before anybody is asked: the status of their `return`; 0: ask
 * the service; -1: it cannot be told, *why. Captures ($1) are empty before, and its own behind it.
 */
int snippet_verdict(struct request *r, struct str ops, enum reason *why);
/* Lists of policy_header.h onto h, which has room; variables are those of r. Of the second, a field
 * that is ours to say is left as it is. 0, or -1: memory is out or a value is too long. */
int snippet_apply(struct request *r, struct head *h, struct str list);
int snippet_apply_input(struct request *r, struct head *h, struct str list);
/* On r->out, which has room. 0, or -1: memory is out or a value is too long. */
int snippet_to_endpoint(struct request *r);
/* On the answer h; makes room first. Likewise. */
int snippet_to_client(struct request *r, struct head *h, bool of_origin);

#endif
