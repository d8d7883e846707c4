/*
 * policy_auth: what a policy says about external authentication, POLICY_OPT_AUTH:
 *
 *   | struct policy_auth | method | host | target | signin | redirect | names | input | set | ops |
 *
 * host, target, signin and redirect are programs of variables (common/vars/vars.h); names, input
 * and set are lists of policy_header.h: fields of the answer that go to the endpoint (no values),
 * what the client is made to have said, and what the question says. The latter two are of
 * auth-snippet, set of auth-proxy-set-headers, too. ops (policy_snippet.h), of auth-snippet, are
 * done before anybody is asked, and a SNIP_RETURN among them is the verdict. Which URL that is was
 * decided at publication.
 */
#ifndef SILEX_COMMON_POLICY_POLICY_AUTH_H
#define SILEX_COMMON_POLICY_POLICY_AUTH_H

#include <stdbool.h>
#include <stdint.h>

#include "common/str.h"

enum policy_auth_flag {
	AUTH_HTTPS = 1u << 0,         /* of a question asked by host: over https */
	AUTH_SAME_SCHEME = 1u << 1,   /* ... as the client's request came */
	AUTH_ALWAYS_COOKIE = 1u << 2, /* Set-Cookie is passed on whatever the status */
	AUTH_METHOD_GIVEN = 1u << 3,  /* by auth-method: two more fields are sent */
	AUTH_NO_FIELDS = 1u << 4,     /* the client's fields are not sent */
};

struct policy_auth {
	uint64_t cluster; /* the auth service's; 0: whoever serves `host` here is asked */
	uint64_t profile; /* TLS towards it; 0: none */
	uint32_t flags;   /* enum policy_auth_flag */
	uint16_t method_n, host_n, target_n, signin_n, redirect_n, names_n, set_n;
	uint16_t input_n;
	uint16_t ops_n;
	uint16_t zero;
};
_Static_assert(sizeof(struct policy_auth) == 40, "policy is part of the shared layout");

struct policy_auth_view { /* borrowed from the option */
	uint64_t cluster, profile;
	uint32_t flags;
	struct str method, host, target, signin, redirect, names, input, set, ops;
};

/* False when the option is none, or cut. */
bool policy_auth_read(struct str option, struct policy_auth_view *out);

#endif
