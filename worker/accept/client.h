/*
 * client: the door between the listener and the protocol engines.
 *
 * Takes an accepted descriptor and makes a client connection of it: HTTP/1 first, HTTP/2 when its
 * preface is what comes (prior knowledge) or when TLS (tls/tls_accept.h, which comes back here
 * when hands are shaken) has agreed on it. Keeps the list of all connections of this worker, for
 * draining.
 */
#ifndef SILEX_WORKER_ACCEPT_CLIENT_H
#define SILEX_WORKER_ACCEPT_CLIENT_H

#include <stdbool.h>

#include "common/net/addr.h"
#include "common/str.h"
#include "common/process/worker_fd.h"

struct conn;
struct worker;

/* Once at start, when the loop, the slabs and conf are there. 0, or -1 with errno. */
int client_init(struct worker *w);
/*
 * Takes over fd (non-blocking, close-on-exec; TCP_NODELAY inherited from the listener) whatever
 * happens: on failure it is closed and the reason counted. Reads at once, since the request is
 * mostly there already, and runs the driver. peer is only read during the call.
 */
void client_accept(struct worker *w, int fd, const struct addr *peer, enum listener_role role);
/* Likewise, at a port of a server of http-snippet; its clients send a PROXY header where its listen
 * says so (proxy_in), or use-proxy-protocol does. Counted as accepted already. */
void client_accept_return(struct worker *w, int fd, const struct addr *peer, uint16_t port,
			  bool proxy_in);
/* The PROXY header, if one is due, is off the socket: the connection is that of `peer` to the port
 * that conn.h has in to_port. Takes fd. The caller runs the driver. */
void client_enter(struct worker *w, int fd, const struct addr *peer, uint16_t to_port,
		  enum listener_role role);
/*
 * The connection of `from` speaks HTTP/2: by ALPN, or because its first bytes (early) are the
 * preface. Its present owner keeps nothing but an empty struct conn; -1 when memory is out: it
 * keeps all. Counted as accepted already. The caller runs the driver.
 */
int client_http2(struct conn *from, const struct addr *peer, enum listener_role role, bool secure,
		 struct str early);
/* At max-connections: end one of the oldest connections that are idle. False: all are busy. */
bool client_make_room(struct worker *w);
/* h1c.c, h2c.c: a connection has ended. */
struct h1c;
void client_forget(struct worker *w, struct h1c *c);
struct h2c;
void client_forget_http2(struct worker *w, struct h2c *c);
/* TLS is set up on this connection, which is counted as active: it becomes a client of the protocol
 * that was agreed on, and c is empty (c->fd -1) afterwards. When memory is out c keeps all. */
void client_secured(struct conn *c, const struct addr *peer);
/* w->draining was set: close what is idle so that no request breaks, announce it on the others. */
void client_drain(struct worker *w);
/* Drain time is over: end everything (REASON_SHUTDOWN). */
void client_cut_all(struct worker *w);

#endif
