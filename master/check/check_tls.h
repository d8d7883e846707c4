/*
 * check_tls: TLS for checks, towards endpoints whose certificate nobody verifies: a check asks
 * whether traffic would be served, and traffic to endpoints is not verified either unless the
 * Ingress asks for it (facts: annotations §4). No session is kept: a handshake is part of what
 * is checked.
 */
#ifndef SILEX_MASTER_CHECK_CHECK_TLS_H
#define SILEX_MASTER_CHECK_CHECK_TLS_H

#include <openssl/ssl.h>
#include <stdbool.h>
#include <sys/types.h>

/* Out of memory is the end of the process. */
SSL_CTX *check_tls_new(void);
/* A connection of the client over fd (not closed by it); name: SNI, "" or an address = none.
 * h2: what ALPN asks for, else HTTP/1.1. NULL: no memory. SSL_free() at the end. */
SSL *check_tls_open(SSL_CTX *ctx, int fd, const char *name, bool h2);

/* Each: bytes (handshake: 1), 0 at the end of the connection, -1 with errno: EAGAIN with *want =
 * EV_READ or EV_WRITE, else EPROTO. */
int check_tls_handshake(SSL *ssl, unsigned *want);
ssize_t check_tls_read(SSL *ssl, void *buf, size_t n, unsigned *want);
ssize_t check_tls_write(SSL *ssl, const void *buf, size_t n, unsigned *want);

#endif
