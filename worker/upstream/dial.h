/*
 * dial: a new connection to an endpoint, whatever is spoken on it.
 */
#ifndef SILEX_WORKER_UPSTREAM_DIAL_H
#define SILEX_WORKER_UPSTREAM_DIAL_H

#include <stdbool.h>

#include "worker/flow/conn.h"
#include "worker/upstream/pool.h"

/* Open c, whose memory the caller has zeroed: a socket that connects to key->addr, with TLS under
 * it when the key's protocol wants that. *pending: writable will tell how it ended; else it is
 * connected. 0, or -1 with errno: nothing is open then. */
int dial(struct conn *c, struct worker *w, const struct pool_key *key, ev_fd_fn *on_ready,
	 timer_fn *on_late, bool *pending);

#endif
