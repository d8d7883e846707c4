/*
 * policy_mirror: what a policy says about copies of its requests, POLICY_OPT_MIRROR:
 *
 *   | struct policy_mirror | host | target |
 *
 * host and target are programs of variables (common/vars/vars.h): the Host field of the copy, and
 * the target in its request line. Whom they go to was decided at publication.
 */
#ifndef SILEX_COMMON_POLICY_POLICY_MIRROR_H
#define SILEX_COMMON_POLICY_POLICY_MIRROR_H

#include <stdbool.h>
#include <stdint.h>

#include "common/str.h"

enum policy_mirror_flag {
	MIRROR_CONTENT = 1u << 0, /* the request's content is copied, too */
};

struct policy_mirror {
	uint64_t cluster; /* of the target */
	uint64_t profile; /* TLS towards it; 0: none */
	uint32_t flags;   /* enum policy_mirror_flag */
	uint16_t host_n, target_n;
};
_Static_assert(sizeof(struct policy_mirror) == 24, "policy is part of the shared layout");

struct policy_mirror_view { /* borrowed from the option */
	uint64_t cluster, profile;
	uint32_t flags;
	struct str host, target;
};

/* False when the option is none, or cut. */
bool policy_mirror_read(struct str option, struct policy_mirror_view *out);

#endif
