/*
 * pidref: a process named by pid and start time, so that a pid given to another process in the
 * meantime is never mistaken for it.
 */
#ifndef SILEX_MASTER_WORKERS_PIDREF_H
#define SILEX_MASTER_WORKERS_PIDREF_H

#include <stdint.h>
#include <sys/types.h>

/* Field 22 of /proc/PID/stat; 0 when there is no such process. */
uint64_t pidref_start(pid_t pid);
/* A pidfd of exactly this process, or -1 with errno ESRCH. */
int pidref_open(pid_t pid, uint64_t start);
/* 0, or -1 with errno ESRCH when it is gone. */
int pidref_signal(pid_t pid, uint64_t start, int signo);

#endif
