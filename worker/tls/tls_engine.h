/*
 * tls_engine: what all TLS connections of a worker share: OpenSSL's context, the signer, the
 * certificates in use, the ticket keys.
 *
 * One SSL_CTX for every host: which protocols and ciphers there are is one setting for all. The
 * certificate callback, which runs for full handshakes only, looks the server name up in the
 * table and puts the host's certificate in (tls_certs.h). What a host wants of its clients is put
 * in before, when the ClientHello is there (tls_hello.h).
 */
#ifndef SILEX_WORKER_TLS_TLS_ENGINE_H
#define SILEX_WORKER_TLS_TLS_ENGINE_H

#include <openssl/ssl.h>

#include "worker/sign/signer.h"
#include "worker/tls/tls_cas.h"
#include "worker/tls/tls_certs.h"
#include "worker/tls/tls_tickets.h"
#include "worker/worker.h"

struct tls_accept;

#define TLS_SCRATCH   16384 /* plain bytes of one record */
#define TLS_CERTS_MAX 1024  /* certificates ready for use in one worker */
#define TLS_EARLY_MAX 16384 /* bytes a client may send ahead */
#define TLS_CAS_MAX   256   /* CAs of clients, likewise */

struct tls_engine {
	struct worker *w;
	OSSL_LIB_CTX *lib;
	SSL_CTX *ctx;
	BIO_METHOD *bio; /* of tls_conn.c */
	struct slab *conns, *accepts;
	LIST_HEAD(, tls_accept) shaking; /* tls_accept.c */
	struct signer *signer;           /* NULL: towards endpoints, without certificates of ours */
	struct tls_certs *certs;
	struct tls_cas *cas; /* who vouches for clients */
	struct tls_tickets *tickets;
	struct str alpn;   /* protocols served, in the order of preference, as on the wire */
	bool early;        /* ssl-early-data */
	size_t record_max; /* content of one record; 0: TLS_SCRATCH */
	char *scratch;     /* TLS_SCRATCH bytes: head and content become one record */
};

/* From the worker's conf. NULL with the reason in why (cut to n): the process must exit. */
struct tls_engine *tls_engine_new(struct worker *w, char *why, size_t n);

#endif
