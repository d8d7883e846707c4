/*
 * policy_basic: what a policy says about passwords, POLICY_OPT_BASIC:
 *
 *   | struct policy_basic | the challenge |
 *
 * The challenge is the value of WWW-Authenticate (RFC 7617 §2), realm and all.
 */
#ifndef SILEX_COMMON_POLICY_POLICY_BASIC_H
#define SILEX_COMMON_POLICY_POLICY_BASIC_H

#include <stdbool.h>
#include <stdint.h>

#include "common/str.h"

struct policy_basic {
	uint64_t list; /* whom to ask the auth process for (basic_msg.h); never 0 */
};
_Static_assert(sizeof(struct policy_basic) == 8, "policy is part of the shared layout");

/* False when the option is none, or cut; the challenge is borrowed from it. */
static inline bool policy_basic_read(struct str option, uint64_t *list, struct str *challenge)
{
	struct policy_basic h;

	if (option.n <= sizeof(h))
		return false;
	memcpy(&h, option.p, sizeof(h));
	*list = h.list;
	*challenge = str_from_at(option, sizeof(h));
	return h.list != 0;
}

#endif
