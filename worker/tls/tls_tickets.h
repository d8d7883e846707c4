/*
 * tls_tickets: session tickets (RFC 5077, RFC 8446 §4.6.1) sealed with keys that all workers
 * have, so that a session resumes on any of them.
 *
 * The master makes the keys, three at a time, and rotates them (common/process/msg.h TICKETS). A
 * ticket under a key that is gone means a full handshake, nothing worse. Without keys no tickets
 * are given.
 */
#ifndef SILEX_WORKER_TLS_TLS_TICKETS_H
#define SILEX_WORKER_TLS_TLS_TICKETS_H

#include <openssl/ssl.h>
#include <stdbool.h>

#include "common/process/msg.h"

struct tls_tickets;

/* Fetches what the callback needs. NULL when OpenSSL refuses. */
struct tls_tickets *tls_tickets_new(OSSL_LIB_CTX *lib);
void tls_tickets_free(struct tls_tickets *t);
/* The keys from now on; keys is the caller's to wipe. */
void tls_tickets_set(struct tls_tickets *t, const struct msg_tickets *keys);
/* ctx asks t from now on. */
void tls_tickets_attach(struct tls_tickets *t, SSL_CTX *ctx);

#endif
