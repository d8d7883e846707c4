/*
 * tls_cas: the CAs of the table that vouch for clients, as OpenSSL wants them, made when they are
 * first asked for and kept while they are used.
 *
 * Bounded: the one not used for longest goes. A CA or a revocation list that changed in the table
 * is another one here (its generation differs), so the next handshake has it and nothing has to
 * be told of changes; connections keep what they were verified with.
 */
#ifndef SILEX_WORKER_TLS_TLS_CAS_H
#define SILEX_WORKER_TLS_TLS_CAS_H

#include <openssl/ssl.h>
#include <stddef.h>

#include "common/table/table_read.h"

struct tls_cas;

/* NULL with errno ENOMEM. */
struct tls_cas *tls_cas_new(OSSL_LIB_CTX *lib, size_t most);
void tls_cas_free(struct tls_cas *c);
/* This session's client is verified by the CA of v, and told its names. -1: it cannot be used,
 * which the master should have seen: the handshake must not go on. */
int tls_cas_use(struct tls_cas *c, const struct client_tls *v, SSL *ssl);
size_t tls_cas_count(const struct tls_cas *c);

#endif
