/*
 * sandbox: give up everything a process does not need, once, in one visible order.
 *
 *     rlimits -> empty root (if root) -> setgroups, setresgid, setresuid -> try to regain (must
 *     fail) -> no capabilities -> NO_NEW_PRIVS -> seccomp allow-list
 *
 * Started without root the uid stays as it is and the filter carries the weight: a process of
 * the same uid could reopen a read-only shared object read-write through /proc/self/fd, and it
 * is the absence of openat that forbids it. A refused system call ends the process with SIGSYS
 * (the worker's crash handler writes its number into the slot); log mode lets it pass and the
 * kernel logs it (audit). Under AddressSanitizer the calls its runtime needs are allowed too.
 */
#ifndef SILEX_COMMON_PROCESS_SANDBOX_H
#define SILEX_COMMON_PROCESS_SANDBOX_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum sandbox_mode {
	SANDBOX_OFF,
	SANDBOX_LOG,
	SANDBOX_ON
}; /* the seccomp filter alone; = enum conf_sandbox */

struct sandbox {
	enum sandbox_mode mode;
	uid_t uid; /* used only when started as root; 0 = stay */
	gid_t gid;
	bool sealed;      /* no sockets, no waiting on epoll: reads and writes what it was given */
	size_t max_files; /* RLIMIT_NOFILE, as far as the hard limit goes; 0 = as it is */
};

/*
 * Enter it; there is no way back. 0, or -1 with the failed step in why (cut to n): the process
 * must exit, half a sandbox is none. Files, signals and time zone must be set up before.
 */
int sandbox_enter(const struct sandbox *s, char *why, size_t n);

#endif
