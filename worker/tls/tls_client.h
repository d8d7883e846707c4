/*
 * tls_client: what a connection knows of the client whose certificate its host asked for.
 *
 * Made when a ClientHello names such a host (tls_hello.h), filled in when hands are shaken, and
 * gone with the connection; a connection that nobody asked for a certificate has none. It is bound
 * to that host: what was verified for one says nothing to another (RFC 9110 §15.5.20).
 * A bad certificate does not end the handshake: it is answered in HTTP, as nginx does.
 */
#ifndef SILEX_WORKER_TLS_TLS_CLIENT_H
#define SILEX_WORKER_TLS_TLS_CLIENT_H

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/str.h"
#include "common/table/client_tls.h"

#define TLS_NAME_MAX 8192  /* of a subject or issuer as text */
#define TLS_CERT_MAX 16384 /* of a certificate in DER */

struct tls_client {
	bool given;                 /* a certificate came */
	bool oversized;             /* ... beyond the limits above: as good as a bad one */
	bool no_ticket;             /* the next handshake shall be a full one */
	uint8_t verify;             /* enum tls_verify, as it was asked */
	long result;                /* X509_V_OK, or what is wrong with it */
	struct str subject, issuer; /* RFC 2253, plain ASCII */
	struct str host;    /* asked for: lower case, no final dot; empty: no name was given */
	X509 *cert;         /* NULL: none came */
	struct str escaped; /* of it, once somebody wanted it */
	char host_text[];
};

/* NULL: memory is out. host in any case. */
struct tls_client *tls_client_new(struct str host, enum tls_verify verify);
void tls_client_free(struct tls_client *c); /* NULL is ignored */

/* Hands are shaken: what has become of it. */
void tls_client_take(struct tls_client *c, SSL *ssl);

/* Is nothing wrong but that the CA is none we know? */
bool tls_client_unknown_ca(const struct tls_client *c);
/* The same of one of OpenSSL's codes, X509_V_ERR_... */
bool tls_unknown_ca(long result);

/* "SUCCESS", "NONE" or "FAILED:" and why; in buf where it is made. */
struct str tls_client_verdict(const struct tls_client *c, char *buf, size_t n);
/* URL-escaped PEM, as nginx' $ssl_client_escaped_cert; made once. Empty: none, or no memory. */
struct str tls_client_escaped(struct tls_client *c);

#endif
