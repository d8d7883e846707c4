/*
 * spawn: see spawn.h.
 *
 * The child borrows our memory until it has become another program, and we stand still so long
 * (vfork(2), as posix_spawn() does it): nothing is copied, however much the master holds. What runs
 * in it must therefore leave no trace but in its own descriptors, signals and stack.
 */
#include "master/workers/spawn.h"

#include <bsd/unistd.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdalign.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/check.h"
#include "common/loop/sig.h"
#include "common/mem/asan.h"
#include "common/process/worker_fd.h"

#define STACK_BYTES ((size_t)64 * 1024)
/* AddressSanitizer keeps notes about every stack; a child that leaves by exec would spoil ours. */
#define BORROWED (UNDER_ASAN ? 0 : CLONE_VM | CLONE_VFORK)

struct birth {
	const char *path;
	char *const *argv;
	const struct spawn_fd *fds;
	size_t n;
};

_Static_assert(WORKER_FD_END <= SPAWN_FD_END, "a worker's descriptors must fit");

static _Noreturn void give_up(const char *what)
{
	dprintf(STDERR_FILENO, "silex: %s: %s\n", what, strerror(errno));
	_exit(WORKER_EXIT_HOPELESS);
}

/* A source may sit where another one has to go, so all are lifted out of the way first. */
static void place(const struct spawn_fd *fds, size_t n)
{
	int at[SPAWN_FD_END];
	int null = open("/dev/null", O_RDONLY);

	memset(at, -1, sizeof(at));
	if (null == -1)
		give_up("/dev/null");
	for (size_t i = 0; i < n; i++) {
		at[fds[i].to] = fcntl(fds[i].from, F_DUPFD_CLOEXEC, SPAWN_FD_END);
		if (at[fds[i].to] == -1)
			give_up("no room for descriptors (RLIMIT_NOFILE)");
	}
	(void)dup2(null, STDIN_FILENO);
	for (int to = 1; to < SPAWN_FD_END; to++) {
		if (at[to] != -1)
			(void)dup2(at[to], to);
		else if (to > STDERR_FILENO)
			(void)close(to);
	}
	closefrom(SPAWN_FD_END);
}

static int child(void *arg)
{
	const struct birth *b = arg;

	sig_child_reset();
	place(b->fds, b->n);
	execv(b->path, b->argv);
	give_up(b->path);
}

pid_t spawn(const char *path, char *const argv[], const struct spawn_fd *fds, size_t n)
{
	static alignas(16) char stack[STACK_BYTES];
	struct birth b = {path, argv, fds, n};
	sigset_t all, before;
	pid_t pid;
	int error;

	for (size_t i = 0; i < n; i++)
		CHECK(fds[i].from >= 0 && fds[i].to > 0 && fds[i].to < SPAWN_FD_END);
	/* No handler of ours may run in the child: it would work on our memory. */
	(void)sigfillset(&all);
	(void)sigprocmask(SIG_SETMASK, &all, &before);
	pid = clone(child, stack + sizeof(stack), BORROWED | SIGCHLD, &b);
	error = errno;
	(void)sigprocmask(SIG_SETMASK, &before, NULL);
	errno = error;
	return pid;
}

const char *spawn_same(const char *path, int fd, char buf[SPAWN_SAME_MAX])
{
	struct stat at, behind;

	if (stat(path, &at) == 0 && fstat(fd, &behind) == 0 && at.st_ino == behind.st_ino &&
	    at.st_dev == behind.st_dev)
		return path;
	(void)snprintf(buf, SPAWN_SAME_MAX, "/proc/%d/fd/%d", (int)getpid(), fd);
	return buf;
}

int spawn_beside(const char *name, char *path, size_t n)
{
	ssize_t len = readlink("/proc/self/exe", path, n - 1);
	char *slash;

	if (len == -1)
		return -1;
	path[len] = '\0';
	slash = strrchr(path, '/');
	CHECK(slash != NULL);
	slash[1] = '\0';
	if ((size_t)(slash + 1 - path) + strlen(name) >= n) {
		errno = ENAMETOOLONG;
		return -1;
	}
	memcpy(slash + 1, name, strlen(name) + 1);
	return access(path, X_OK);
}
