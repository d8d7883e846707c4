/*
 * bottom: what happens once at the end of every turn, outside any callback: adopt the newest
 * table, flush the access log, show a sign of life, see whether draining is done.
 */
#ifndef SILEX_WORKER_LOOP_BOTTOM_H
#define SILEX_WORKER_LOOP_BOTTOM_H

#include "worker/loop/loop.h"

#define TICK_MS \
	500 /* an idle worker still beats this often; watchdog-timeout is at least 2 of it */

/* Hooks it into the loop and starts the tick. */
void bottom_start(struct loop *l);

#endif
