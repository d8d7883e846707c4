/*
 * obituary: one log record for a worker that died unasked: how, after how long, its last words
 * (panic text or crash handler) and the last events of its ring. Everything of the slot was
 * written by the dead and is cleaned before it is quoted.
 */
#ifndef SILEX_MASTER_WORKERS_OBITUARY_H
#define SILEX_MASTER_WORKERS_OBITUARY_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/process/slot.h"

#define OBITUARY_EVENTS 8

struct obituary {
	unsigned index;
	pid_t pid;
	uint64_t lived_ms;
	char cause[96];             /* "killed by signal 11 (SEGV), core dumped" */
	char words[SLOT_PANIC_MAX]; /* empty: none */
	char
	    events[OBITUARY_EVENTS * (SLOT_EVENT_TEXT + 24)]; /* oldest first, with " | " between */
};

/* status: of waitpid(). slot may be NULL. */
void obituary_compose(struct obituary *o, unsigned index, pid_t pid, int status, uint64_t lived_ms,
		      const struct slot *slot);
void obituary_log(const struct obituary *o);
/* How a process ended, in words, of a waitpid() status. */
void obituary_cause(int status, char *buf, size_t n);

#endif
