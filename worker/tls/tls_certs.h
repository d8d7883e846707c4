/*
 * tls_certs: the certificates of the table as OpenSSL wants them, made when they are first asked
 * for and kept while they are used.
 *
 * Bounded: the one not used for longest goes. A certificate that changed in the table is another
 * one here (its generation differs), so nothing has to be told of changes. 10,000 certificates
 * that nobody asks for cost a worker nothing. The OCSP response goes with it, to clients that ask
 * for one, as long as it is in force.
 */
#ifndef SILEX_WORKER_TLS_TLS_CERTS_H
#define SILEX_WORKER_TLS_TLS_CERTS_H

#include <openssl/ssl.h>
#include <stddef.h>

#include "common/table/table_read.h"

struct tls_certs;

/* lib must know stub keys (stub_key.h). NULL with errno ENOMEM. */
struct tls_certs *tls_certs_new(OSSL_LIB_CTX *lib, size_t most);
void tls_certs_free(struct tls_certs *c);
/* Give the certificate to this session. -1: it cannot be used, which the master should have seen.
 */
int tls_certs_use(struct tls_certs *c, const struct cert_view *v, SSL *ssl);
/* The same for every session of a context. */
int tls_certs_use_all(struct tls_certs *c, const struct cert_view *v, SSL_CTX *ctx);
size_t tls_certs_count(const struct tls_certs *c);

#endif
