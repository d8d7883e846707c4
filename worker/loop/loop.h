/*
 * loop: what holds a worker's life together, from READY to its exit: the channel to the master,
 * the bottom of every turn, signals, draining. One struct, because they all act on one state.
 *
 * A worker needs its master for nothing but new versions of the table. When the channel ends it
 * serves on with the last one (orphan), until a new master sends it SIGTERM.
 */
#ifndef SILEX_WORKER_LOOP_LOOP_H
#define SILEX_WORKER_LOOP_LOOP_H

#include <stdbool.h>

#include "common/loop/ev.h"
#include "common/process/msg.h"
#include "common/loop/sig.h"
#include "common/loop/timer.h"
#include "worker/worker.h"

struct loop {
	struct worker *w;
	struct conf *conf;    /* the one that w->conf shows to everybody else */
	struct msg_chan chan; /* channel.c */
	struct ev_fd chan_watch;
	bool orphan;
	struct timer tick; /* bottom.c: at most TICK_MS between two bottoms */
	struct timer cut;  /* drain.c: drain_by_ms */
	struct sig sig;    /* main.c */
};

#endif
