/*
 * spawn: fork and exec with exactly the descriptors that are named, at the numbers that are
 * named, and nothing else: signals as a new process expects them, standard input empty.
 */
#ifndef SILEX_MASTER_WORKERS_SPAWN_H
#define SILEX_MASTER_WORKERS_SPAWN_H

#include <stddef.h>
#include <sys/types.h>

struct spawn_fd {
	int from; /* stays the caller's */
	int to;   /* 1 or greater, below SPAWN_FD_END, no two alike */
};

#define SPAWN_FD_END 320

/* Returns the child's pid, or -1 with errno of fork(). A child that cannot exec says so on its
 * standard error and exits with code 2: it never will. */
pid_t spawn(const char *path, char *const argv[], const struct spawn_fd *fds, size_t n);

/*
 * What to execute so that it is the very file behind fd: its path as long as that still leads
 * there, else a path through this process' descriptors. A package may replace the file at any
 * time, and a worker of another build than its master would refuse the table.
 */
#define SPAWN_SAME_MAX 48
const char *spawn_same(const char *path, int fd, char buf[SPAWN_SAME_MAX]);

/* Path of a program that lies beside this process' own executable. -1 with errno when it is not
 * there or too long. */
int spawn_beside(const char *name, char *path, size_t n);

#endif
