/*
 * worker_fd: the descriptors a worker is born with, by number. The master puts them there
 * between fork and exec and closes everything else; nothing is passed by name or environment.
 */
#ifndef SILEX_COMMON_PROCESS_WORKER_FD_H
#define SILEX_COMMON_PROCESS_WORKER_FD_H

#include "common/process/board.h"
#include "common/process/slot.h"

enum worker_fd {
	WORKER_FD_CHANNEL = 3, /* msg.h, the worker's end */
	WORKER_FD_CONF,        /* sealed memfd, conf.h */
	WORKER_FD_TABLE,       /* read-only */
	WORKER_FD_BOARD,       /* read-only */
	WORKER_FD_SLOT,        /* its own, read-write */
	WORKER_FD_ACCESS_LOG,  /* the sink of access-log; /dev/null when off */
	WORKER_FD_LIMITS,      /* limit_rate.h, read-write: the one object all workers write */
	WORKER_FD_LISTEN = 16, /* + i: listening sockets, in the order of the arguments */
	WORKER_FD_PEER = WORKER_FD_LISTEN + BOARD_LISTENS, /* + i: slot i, read-only */
	WORKER_FD_END = WORKER_FD_PEER + SLOT_MAX,
};

/* Sockets of TCP and UDP services (and servers of http-snippet) come over the channel (MSG_PORT)
 * and lie from here on, by their place, so that a new master finds them in the workers of one that
 * died. */
#define WORKER_FD_PORT 320
#define WORKER_PORTS   256 /* most of them */
_Static_assert(WORKER_FD_PORT >= WORKER_FD_END, "descriptors that a worker is born with lie below");

/* What a listening socket is for. silex-worker INSTANCE INDEX UID GID ROLE...: the instance (for
 * who looks at ps), the slot's index, the uid and gid to take when it is root, and one role for
 * each socket. */
enum listener_role {
	ROLE_HTTP,
	ROLE_HTTPS,
	ROLE_HEALTHZ, /* /healthz, /readyz, /metrics: answered by the worker, never proxied */
	ROLE_STREAM,  /* a TCP service, or the next; never among the arguments */
	ROLE_RETURN,  /* of connections: to a server of http-snippet, which answers one thing */
};

#define WORKER_EXIT_HOPELESS 2 /* the configuration can never work: do not respawn */

#endif
