/*
 * tls_upstream: TLS towards endpoints (backend-protocol HTTPS, AUTO_HTTP, GRPCS, H2).
 *
 * The transport is tls_conn's, in the client's role. As ingress-nginx without proxy-ssl-*: the
 * endpoint's certificate is not verified and no server name is sent; TLS 1.2 and 1.3. Sessions
 * are kept per endpoint, so that a new connection mostly resumes.
 * Nothing is sent or believed before the handshake is done: an endpoint that speaks first, in
 * plain text, is a failed connection (nginx CVE-2026-1642).
 */
#ifndef SILEX_WORKER_TLS_TLS_UPSTREAM_H
#define SILEX_WORKER_TLS_TLS_UPSTREAM_H

#include <stdbool.h>

#include "worker/flow/conn.h"
#include "worker/upstream/pool.h"

/* Put TLS under a connection to key->addr, before hands are shaken; a key of HTTP/2 has ALPN offer
 * h2. The first one of a worker sets OpenSSL up. 0, or -1 when that, or memory, fails. */
int tls_upstream_secure(struct conn *c, const struct pool_key *key);

enum tls_shaking {
	TLS_SHAKEN,
	TLS_SHAKING, /* interest is set: again when the descriptor is ready */
	TLS_REFUSED,
};
/* One step of the handshake, once TCP is there; also counted, and its failure logged, here. */
enum tls_shaking tls_upstream_shake(struct conn *c, const struct pool_key *key);

#endif
