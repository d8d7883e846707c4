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

#include "common/addr.h"
#include "common/worker_fd.h"

struct worker;

/* Once at start, when the loop, the slabs and conf are there. 0, or -1 with errno. */
int client_init(struct worker *w);
/*
 * Takes over fd (non-blocking, close-on-exec; TCP_NODELAY inherited from the listener) whatever
 * happens: on failure it is closed and the reason counted. Reads at once, since the request is
 * mostly there already, and runs the driver. peer is only read during the call.
 */
void client_accept(struct worker *w, int fd, const struct addr *peer, enum listener_role role);
/* At max-connections: end one of the oldest connections that are idle. False: all are busy. */
bool client_make_room(struct worker *w);
/* h1c.c: a connection has ended. */
struct h1c;
void client_forget(struct worker *w, struct h1c *c);
/* w->draining was set: close what is idle so that no request breaks, announce it on the others. */
void client_drain(struct worker *w);
/* Drain time is over: end everything (REASON_SHUTDOWN). */
void client_cut_all(struct worker *w);

#endif
