/*
 * listener: accepts connections from the sockets the master bound.
 *
 * One socket per address is shared by all workers (EPOLLEXCLUSIVE); a bounded number is taken
 * per wake, and a worker with far more connections than the mean of its peers skips a turn. Out
 * of descriptors: the reserve is spent on refusing one connection, accepting pauses, it is
 * counted and logged once. What is accepted goes to client_accept() (client.h), which owns the
 * descriptor from then on. Traffic is accepted only when the first table is there: until then
 * connections wait in the kernel's queue, because a 404 for a known host would be a lie.
 */
#ifndef SILEX_WORKER_ACCEPT_LISTENER_H
#define SILEX_WORKER_ACCEPT_LISTENER_H

#include <stdbool.h>

#include "common/process/worker_fd.h"
#include "worker/worker.h"

struct listeners; /* all of one worker's listening sockets */

/* n sockets at WORKER_FD_LISTEN + i with their roles; only health checks are accepted yet. NULL
 * with errno. */
struct listeners *listeners_new(struct worker *w, const enum listener_role *roles, unsigned n);
/* The first table is there. Idempotent. */
void listeners_open_traffic(struct listeners *l);
/* A socket of a TCP service at this port came; it is the listeners' from now on. place: below
 * WORKER_PORTS, and free. 0, or -1 with errno: the caller keeps fd. */
int listeners_add(struct listeners *l, unsigned place, int fd, uint16_t port);
/* Stop accepting there, and close it. */
void listeners_remove(struct listeners *l, unsigned place);
/* Stop accepting and close: traffic only, or health too. */
void listeners_close(struct listeners *l, bool health_too);
/* The master is gone: let a new one bind the same ports beside us, should it have to. */
void listeners_share_port(struct listeners *l);
void listeners_free(struct listeners *l);

#endif
