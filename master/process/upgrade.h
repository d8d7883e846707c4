/*
 * upgrade: SIGUSR2 puts the program that is installed now in place of the running one, in the
 * same process (it may be pid 1, or the one systemd knows).
 *
 *   USR2 ─► new binary -t, as a child ─good─► execve, sockets and workers handed over ─► READY
 *                    └bad► nothing happens          └not READY in upgrade-timeout► execve back
 *
 * From the execve on the old workers are on their own, as after a master's death (orphans.h): they
 * serve on with the last table until the new ones use a complete table of their own, and drain
 * then. So nothing is refused and nothing broken whichever way it goes. To go back the new program
 * has both old executables as open descriptors: that the files are replaced does not matter.
 * A new program that is killed before it is READY ends the process; the supervisor's new start
 * then finds the old workers serving (DESIGN §2.4, "the master dies").
 */
#ifndef SILEX_MASTER_PROCESS_UPGRADE_H
#define SILEX_MASTER_PROCESS_UPGRADE_H

#include <stdbool.h>
#include <sys/types.h>

#include "common/loop/timer.h"
#include "master/process/handover.h"

struct master;

struct upgrade {
	struct handover from; /* what the predecessor left, until we are READY */
	char exe[4096];       /* the path this program was started by */
	pid_t checking;       /* the new binary's -t; 0: none */
	bool late;            /* ... was ended because it took too long */
	struct timer timer;   /* of the check; of READY */
};

/* Before anything else: where are we, and did a predecessor leave anything? */
void upgrade_init(struct upgrade *u);
/* The loop runs: begin to count until READY, if we came by an upgrade. */
void upgrade_start(struct master *m);

void upgrade_asked(struct master *m); /* SIGUSR2 */
void upgrade_reap(struct master *m);  /* SIGCHLD */
/* Workers of the program before that have not ended yet. */
unsigned upgrade_inherited(const struct master *m);
void upgrade_cut(const struct master *m); /* end them now */
/* READY: whatever was kept to go back is given up. */
void upgrade_done(struct master *m);
/* This program cannot do it. Returns only when there is nobody to go back to. argv: of main(). */
void upgrade_failed(struct upgrade *u, char *const argv[], const struct master *m, const char *why);

#endif
