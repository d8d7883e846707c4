/*
 * retry: may another endpoint be tried? (facts: routing §8, proxy-next-upstream; RFC 9110 §9.2.2)
 *
 * Pure: facts in, answer out. Only while nothing of an answer went to the client and the content
 * can be sent again; both are the caller's to see to.
 */
#ifndef SILEX_WORKER_UPSTREAM_RETRY_H
#define SILEX_WORKER_UPSTREAM_RETRY_H

#include <stdbool.h>
#include <stdint.h>

#include "common/stat/reason.h"

struct retry_facts {
	uint16_t when;       /* enum policy_next bits */
	enum reason why;     /* how the try failed */
	bool idempotent;     /* the method is */
	bool sent;           /* bytes of the request were handed to the kernel */
	bool stale;          /* on a pooled connection, and not one byte came back: it may just have
			      * been closed under us; such a try does not count against the limit */
	uint16_t tries;      /* made so far, this one included */
	uint16_t tries_max;  /* 0 = no limit but REQUEST_TRIES_MAX */
	uint64_t elapsed_ms; /* since the first pick */
	uint32_t elapsed_max_ms; /* 0 = none */
};

/* A connection failed, timed out or answered unusably. */
bool retry_allowed(const struct retry_facts *f);
/* The origin answered with this status: is it one of those to be tried elsewhere? */
bool retry_status(const struct retry_facts *f, uint16_t status);

#endif
