/*
 * sibling: a child process of the master that is no worker and holds what nobody else shall hold
 * (keys/keyd.h, basic/authd.h): started, ordered about over one channel, started again.
 *
 * It is silex itself, exec'ed with an argument that says what it is, the channel as its one
 * descriptor, and a uid of its own. Orders go out without blocking; small ones that find no room
 * wait for it here, large ones are the caller's to give again (room()). What a process knew dies
 * with it: born() says that a new one is there, which knows nothing.
 */
#ifndef SILEX_MASTER_PROCESS_SIBLING_H
#define SILEX_MASTER_PROCESS_SIBLING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/loop/ev.h"

#define SIBLING_SMALL_MAX 64 /* bytes of an order that may wait */
#define SIBLING_FD        3  /* the channel, in the process */

struct sibling;

struct sibling_kind {
	const char *name;     /* for the log: "keys" */
	const char *argument; /* argv[1]; the uid and the sandbox's mode follow */
	const char *without;  /* what is not to be had while there is none, for the log */
	unsigned uid;         /* behind the workers' own: 0, 1, ... */
	bool has_children;    /* which it puts into a process group of its own */
};

struct sibling_ops {
	/* A process is there, which knows nothing. */
	void (*born)(void *arg);
	/* It has said something. False: nothing it may say; it is ended. */
	bool (*heard)(void *arg, const void *bytes, size_t n);
	/* Orders that found no room may be given again. */
	void (*room)(void *arg);
};

/* Nothing is started yet. kind and ops are borrowed; sandbox is an enum sandbox_mode. NULL with
 * errno ENOMEM. */
struct sibling *sibling_new(struct ev *ev, unsigned sandbox, const struct sibling_kind *kind,
			    const struct sibling_ops *ops, void *arg);
/* A process that cannot be started is tried again later; one that is there stays. */
void sibling_start(struct sibling *s);
void sibling_free(struct sibling *s); /* ends the process; NULL is ignored */
/* SIGCHLD. */
void sibling_reap(struct sibling *s);

/* 0: there is none. */
pid_t sibling_pid(const struct sibling *s);
/* Is there a process to be given orders? Else born() follows. */
bool sibling_there(const struct sibling *s);
/* One order, now, behind all that wait. False: no room (room() follows), or no process. The
 * descriptor (-1: none) stays the caller's. */
bool sibling_send(struct sibling *s, const void *bytes, size_t n, int fd);
/* One of at most SIBLING_SMALL_MAX bytes, now or when there is room; forgotten when there is no
 * process. The descriptor is taken over. */
void sibling_order(struct sibling *s, const void *bytes, size_t n, int fd);

#endif
