/*
 * policy_auth_cache: which answers of an auth service are remembered, POLICY_OPT_AUTH_CACHE:
 *
 *   | struct policy_auth_cache | struct policy_auth_time[n_times] | key |
 *
 * The key is a program of variables (common/vars/vars.h).
 */
#ifndef SILEX_COMMON_POLICY_POLICY_AUTH_CACHE_H
#define SILEX_COMMON_POLICY_POLICY_AUTH_CACHE_H

#include <stdbool.h>
#include <stdint.h>

#include "common/str.h"

struct policy_auth_cache {
	uint64_t space; /* names the service, how it is asked, and the path: keys count there */
	uint32_t n_times;
	uint32_t zero;
};
_Static_assert(sizeof(struct policy_auth_cache) == 16, "policy is part of the shared layout");

struct policy_auth_time {
	uint32_t status; /* 0: any that no other says */
	uint32_t seconds;
};

struct policy_auth_cache_view { /* borrowed from the option */
	uint64_t space;
	struct str times, key;
};

/* False when the option is none, or cut. */
bool policy_auth_cache_read(struct str option, struct policy_auth_cache_view *out);
/* How long an answer of this status is remembered, in seconds; 0: not at all. */
uint32_t policy_auth_cache_time(const struct policy_auth_cache_view *v, uint16_t status);

#endif
