/*
 * tls_hello: what a ClientHello decides: the host it names may want a certificate of the client,
 * or ciphers of its own (common/table/client_tls.h).
 *
 * This is the first OpenSSL tells of a handshake, before it looks at tickets: a session is only
 * resumed where it was made (the session id context is of the host and of what it wants), so a
 * ticket of one host never opens another that wants a certificate (nginx' CVE-2025-23419).
 */
#ifndef SILEX_WORKER_TLS_TLS_HELLO_H
#define SILEX_WORKER_TLS_TLS_HELLO_H

#include "worker/tls/tls_engine.h"

/* e's handshakes are looked at from now on. False: OpenSSL refuses. */
bool tls_hello_attach(struct tls_engine *e);

#endif
