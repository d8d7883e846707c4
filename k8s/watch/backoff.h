/*
 * backoff: how long to wait before asking the API again.
 *
 * Exponential with full jitter on its upper half (client-go's numbers: 0.8 s doubling to 30 s,
 * reset after two quiet minutes), so that a thousand controllers do not come back in step. A
 * Retry-After of the server is a lower bound, never shortened.
 */
#ifndef SILEX_K8S_WATCH_BACKOFF_H
#define SILEX_K8S_WATCH_BACKOFF_H

#include <stdint.h>

#define BACKOFF_FIRST_MS 800u
#define BACKOFF_MAX_MS   30000u
#define BACKOFF_QUIET_MS 120000u

struct backoff {
	uint64_t last_ms; /* when the last wait was handed out */
	uint32_t step_ms; /* 0: no failure yet */
	uint64_t rng;     /* jitter only */
};

void backoff_init(struct backoff *b, uint64_t seed);
/* Milliseconds to wait from now_ms on; at_least_ms is the server's Retry-After, or 0. */
uint32_t backoff_next(struct backoff *b, uint64_t now_ms, uint32_t at_least_ms);
/* It worked: the next failure starts from the beginning. */
void backoff_reset(struct backoff *b);

#endif
