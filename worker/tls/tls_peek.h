/*
 * tls_peek: whose TLS is it? Between accept() and the handshake, where any host's TLS is passed
 * through (ssl-passthrough): the server name in the ClientHello decides whether the connection is
 * terminated here or led to a Service as it is.
 *
 * Bytes are looked at with MSG_PEEK and stay in the socket: whoever goes on finds all of them.
 * SO_RCVLOWAT lets the kernel wait for the rest of a fragmented message. Bounded by TLS_PEEK_MOST
 * and by ssl-handshake-timeout; what names nobody, or is no ClientHello, is TLS' to answer.
 */
#ifndef SILEX_WORKER_TLS_TLS_PEEK_H
#define SILEX_WORKER_TLS_TLS_PEEK_H

#include "common/net/addr.h"
#include "worker/worker.h"

#define TLS_PEEK_MOST 16384 /* bytes; browsers send two thousand, with post-quantum keys */

/* Once at start. 0, or -1 with errno. */
int tls_peek_init(struct worker *w);
/* As tls_accept(), which it comes to where nothing is passed through. Takes fd. */
void tls_peek(struct worker *w, int fd, const struct addr *peer, uint16_t to_port);
/* Drain time is over. */
void tls_peek_cut_all(struct worker *w);

#endif
