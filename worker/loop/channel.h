/*
 * channel: the worker's end of the channel to the master (msg.h). Its end, or a message against
 * the contract, makes the worker an orphan that serves on; it never ends the worker.
 */
#ifndef SILEX_WORKER_LOOP_CHANNEL_H
#define SILEX_WORKER_LOOP_CHANNEL_H

#include "worker/loop/loop.h"

/* Watch the channel and say READY. 0, or -1 with errno. */
int channel_start(struct loop *l);

#endif
