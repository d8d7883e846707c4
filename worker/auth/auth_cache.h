/*
 * auth_cache: answers of auth services that are remembered for a while: auth-cache-key,
 * auth-cache-duration (facts: annotations §7).
 *
 * Found by a keyed hash (basic/siphash.h) of the policy's space, the request's host and the key's
 * value, so that nobody who does not know this process' key can make two requests meet. Kept is
 * what is used of an answer: its status, the fields that go on to the endpoint, the challenge.
 * Only what is an answer is remembered, 2xx, 401 and 403, and not what says otherwise of itself
 * (Cache-Control, Expires, Vary, X-Accel-Expires), nor what sets a cookie. Bounded by number and
 * size; whatever goes wrong, the service is asked.
 */
#ifndef SILEX_WORKER_AUTH_AUTH_CACHE_H
#define SILEX_WORKER_AUTH_AUTH_CACHE_H

#include "worker/auth/auth.h"

#define AUTH_CACHE_MOST  1024 /* answers of one worker */
#define AUTH_CACHE_BYTES 4096 /* of one answer */

/* Is there an answer? Then `a` has it as if it had just been given. False: ask, and what is
 * answered may be remembered for this request by auth_cache_store(). */
bool auth_cache_find(struct request *r, struct auth *a);
/* The answer to r, whose head is h, has been taken into a. */
void auth_cache_store(struct request *r, const struct auth *a, const struct head *h);

#endif
