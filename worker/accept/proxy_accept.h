/*
 * proxy_accept: a connection between accept() and the end of its PROXY header (use-proxy-protocol,
 * TCP services whose entry says PROXY, servers of http-snippet whose listen says proxy_protocol).
 *
 * Takes exactly the header off the socket and hands the descriptor on (client.h): TLS or HTTP
 * then begin as if nothing had been there. The header is required of everybody; its addresses are
 * believed from proxy-real-ip-cidr only, else the connection's own hold, and that is counted.
 * Has a deadline of its own and little memory: what was sent of a header, up to the part that we
 * use.
 */
#ifndef SILEX_WORKER_ACCEPT_PROXY_ACCEPT_H
#define SILEX_WORKER_ACCEPT_PROXY_ACCEPT_H

#include "common/net/addr.h"
#include "common/process/worker_fd.h"

struct worker;

/* Once at start. 0, or -1 with errno. */
int proxy_accept_init(struct worker *w);
/* Takes fd whatever happens; port: of ours, for ROLE_STREAM and ROLE_RETURN. The caller runs
 * the driver. */
void proxy_accept(struct worker *w, int fd, const struct addr *peer, enum listener_role role,
		  uint16_t port);
/* Drain time is over. */
void proxy_accept_cut_all(struct worker *w);

#endif
