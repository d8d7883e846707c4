/*
 * crash: the last words of a worker, written into its slot for the master's obituary.
 *
 * panic() texts come through the hook; SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT (the watchdog's
 * too) and SIGSYS (a system call the sandbox refuses) through a handler on a stack of its own.
 * The handler writes what, where, and raises the signal again with its default action, so that
 * the exit status stays true and a core can be made. Only async-signal-safe code in here.
 */
#ifndef SILEX_WORKER_LOOP_CRASH_H
#define SILEX_WORKER_LOOP_CRASH_H

#include "common/process/slot.h"

/* Before the sandbox. 0, or -1 with errno. */
int crash_install(struct slot *slot);

#endif
