/*
 * tls_upstream: TLS towards endpoints (backend-protocol HTTPS, AUTO_HTTP, GRPCS, H2).
 *
 * The transport is tls_conn's, in the client's role. Without proxy-ssl-* as ingress-nginx does it:
 * the endpoint's certificate is not verified and no server name is sent; TLS 1.2 and 1.3. With
 * them a profile of the table says what is verified, shown and sent (tls_profiles.h). Sessions are
 * kept per endpoint, protocol and profile, so that a new connection mostly resumes, and never one
 * that was verified otherwise.
 * Nothing is sent or believed before the handshake is done: an endpoint that speaks first, in
 * plain text, is a failed connection (nginx CVE-2026-1642).
 */
#ifndef SILEX_WORKER_TLS_TLS_UPSTREAM_H
#define SILEX_WORKER_TLS_TLS_UPSTREAM_H

#include <stdbool.h>

#include "worker/flow/conn.h"
#include "worker/upstream/pool.h"

#define TLS_PROFILE_REFUSED UINT64_MAX /* generation of none */

/* The profile of the table in its current version, made ready: its generation, for the pool's
 * key. TLS_PROFILE_REFUSED: missing, or of no use; nothing may be sent over TLS. */
uint64_t tls_upstream_profile(struct worker *w, uint64_t id);

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
