/*
 * auth_cache: auth-cache-key and auth-cache-duration, to what a policy says of them
 * (policy_auth_cache.h). Times are nginx' proxy_cache_valid, comma separated: "200 202 401 5m".
 */
#ifndef SILEX_MASTER_TRANSLATE_AUTH_AUTH_CACHE_H
#define SILEX_MASTER_TRANSLATE_AUTH_AUTH_CACHE_H

#include "common/policy/policy_auth_cache.h"
#include "common/text.h"

#define AUTH_CACHE_DURATION  "200 202 401 5m"
#define AUTH_CACHE_TIMES_MAX 64

/* Appends struct policy_auth_time to out; NULL, or what is wrong, as the end of a sentence. */
const char *auth_cache_times(struct str text, struct text *out);

#endif
