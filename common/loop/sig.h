/*
 * sig: signals as events of the loop (signalfd), so that a handler may do anything.
 *
 * The signals are blocked in the process; a child must call sig_child_reset() between fork and
 * exec, or it would inherit the mask.
 */
#ifndef SILEX_COMMON_LOOP_SIG_H
#define SILEX_COMMON_LOOP_SIG_H

#include <signal.h>

#include "common/loop/ev.h"

struct sig {
	struct ev *ev;
	struct ev_fd watch;
	sigset_t set;
	void (*fn)(struct sig *s, int signo);
};

/* Block the signals of the 0-terminated list and deliver each to fn on the loop. SIGPIPE is
 * ignored from here on. Returns 0, or -1 with errno. */
int sig_open(struct sig *s, struct ev *ev, const int *signals,
	     void (*fn)(struct sig *s, int signo));
/* Unregister; the signals stay blocked. */
void sig_close(struct sig *s);
/* In a child between fork and exec: nothing blocked, SIGPIPE and the others default again. */
void sig_child_reset(void);

#endif
