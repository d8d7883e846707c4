/*
 * client_cert: whether a request may come in over the connection it came over, where its host
 * asks clients for certificates (auth-tls-*; facts: annotations §3, routing §6, §7).
 *
 * The handshake never fails for want of a good certificate: the answer is HTTP's. A verified
 * client is bound to the host its ClientHello named: a request for another host, or for one whose
 * certificate was never asked for on this connection, is answered 421, and the client opens a
 * connection of its own for it.
 */
#ifndef SILEX_WORKER_REQUEST_CLIENT_CERT_H
#define SILEX_WORKER_REQUEST_CLIENT_CERT_H

#include "worker/request/driver.h"
#include "worker/request/request.h"
#include "worker/tls/tls_conn.h"

#define CLIENT_CERT_FIELDS 4 /* added at most */

/* For nearly all requests there is nothing to look at. */
static inline bool client_cert_matters(const struct request *r)
{
	return (r->route.flags & ROUTE_CLIENT_TLS) != 0 ||
	       (r->tls != NULL && tls_conn_client(r->tls) != NULL);
}

/* Once the route is known, before anything of it is done. STEP_NEXT: come in. */
enum step_next client_cert_check(struct request *r);

/* ssl-client-verify and the others, as the origin gets them, appended to h; -1 when it is full. */
int client_cert_add(struct request *r, struct head *h);

#endif
