/*
 * tls_accept: a connection between accept() and its first request: the handshake.
 *
 * Has a deadline of its own, and little memory. When hands are shaken the connection moves to the
 * protocol that ALPN chose (client.h); a plain request on this port is answered 400.
 */
#ifndef SILEX_WORKER_TLS_TLS_ACCEPT_H
#define SILEX_WORKER_TLS_TLS_ACCEPT_H

#include <stddef.h>
#include <stdint.h>

#include "common/net/addr.h"

struct worker;

/* Takes fd whatever happens. to_port as in conn.h. The caller runs the driver. */
void tls_accept(struct worker *w, int fd, const struct addr *peer, uint16_t to_port);
/* For tls_engine.c. */
size_t tls_accept_size(void);
/* Drain time is over. */
void tls_accept_cut_all(struct worker *w);

#endif
