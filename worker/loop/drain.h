/*
 * drain: the orderly end of a worker. It stops accepting, finishes what is open, and leaves when
 * nothing is left or the time is over; what is then still open is cut and counted (SHUTDOWN).
 */
#ifndef SILEX_WORKER_LOOP_DRAIN_H
#define SILEX_WORKER_LOOP_DRAIN_H

#include <stdint.h>

#include "worker/loop/loop.h"

/* stop: the whole instance ends, health checks are answered until the last connection is gone.
 * Called again, the earlier deadline holds. */
void drain_begin(struct loop *l, uint64_t timeout_ms, bool stop);
/* At the bottom of a turn while draining. */
void drain_check(struct loop *l);

#endif
