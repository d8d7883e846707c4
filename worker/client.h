/*
 * client: the door between the listener and the protocol engines.
 *
 * Takes an accepted descriptor and makes a client connection of it: plain HTTP/1 today, TLS,
 * HTTP/2 and the PROXY protocol are decided here later. Keeps the list of all connections of
 * this worker, for draining.
 */
#ifndef SILEX_WORKER_CLIENT_H
#define SILEX_WORKER_CLIENT_H

#include <stdbool.h>
#include <sys/socket.h>

#include "common/worker_fd.h" /* enum listener_role */

struct worker;

/* Once at start, after the loop, the slabs and conf are there. 0, or -1 with errno. */
int client_init(struct worker *w);
/*
 * Takes over fd (non-blocking, close-on-exec; TCP_NODELAY inherited from the listener) whatever
 * happens: on failure it is closed and the reason counted. Reads at once: the request is mostly
 * there already. Runs the driver.
 */
void client_accept(struct worker *w, int fd, const struct sockaddr *peer, enum listener_role role);
/* w->draining was set: close idle connections now, the others after their request. */
void client_drain(struct worker *w);
/* Drain time is over: abort everything (REASON_SHUTDOWN). */
void client_abort_all(struct worker *w);
/* Open client connections. */
unsigned client_count(const struct worker *w);

#endif
