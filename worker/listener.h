/*
 * listener: accepts connections from the sockets the master bound.
 *
 * One socket per address is shared by all workers (EPOLLEXCLUSIVE); a bounded number is taken
 * per wake, and a worker with far more connections than the mean of its peers skips a turn. Out
 * of descriptors: the reserve is spent on refusing one connection, accepting pauses, it is
 * counted and logged once. What is accepted goes to client_accept() (worker/http1/h1c.c), which
 * owns the descriptor from then on.
 */
#ifndef SILEX_WORKER_LISTENER_H
#define SILEX_WORKER_LISTENER_H

#include <stdbool.h>

#include "common/addr.h"
#include "common/worker_fd.h"
#include "worker/worker.h"

struct listeners; /* all of one worker's listening sockets */

/* n sockets at WORKER_FD_LISTEN + i with their roles; registered, accepting. NULL with errno. */
struct listeners *listeners_new(struct worker *w, const enum listener_role *roles, unsigned n);
/* Stop accepting and close: traffic only, or health too. */
void listeners_close(struct listeners *l, bool health_too);
void listeners_free(struct listeners *l);

/*
 * The receiver of accepted connections, implemented by the client side. Owns fd (non-blocking,
 * close-on-exec, TCP_NODELAY not yet set) whatever it returns. peer is valid during the call.
 */
void client_accept(struct worker *w, int fd, const struct addr *peer, enum listener_role role);
/*
 * Draining begins (w->draining is already true), implemented by the client side: close what is
 * idle in a way that breaks no request, announce the close on the others. The worker exits when
 * the slot's CONN_ACTIVE is 0. client_cut_all: time is over, end everything with SHUTDOWN.
 */
void client_drain(struct worker *w);
void client_cut_all(struct worker *w);

#endif
