/*
 * tls_upstream: see tls_upstream.h.
 *
 * Sessions live in a small table without chains. A slot that goes to another endpoint gets
 * another `turn`, so that a session that comes late (TLS 1.3 sends them when it likes) never
 * ends up with an endpoint that it is not from.
 */
#include "worker/tls/tls_upstream.h"

#include <openssl/err.h>
#include <stdlib.h>

#include "common/check.h"
#include "common/hash.h"
#include "common/log/log.h"
#include "common/table/cluster_kind.h"
#include "worker/tls/tls_conn.h"
#include "worker/tls/tls_profiles.h"

#define ALPN_H2  "\x02h2"
#define SESSIONS 512 /* power of two; a session is about 2 KiB */

struct session {
	struct pool_key key;
	uint32_t turn;
	SSL_SESSION *session; /* NULL: none yet */
};

struct tls_upstream {
	struct tls_engine engine; /* of the client's role: context without profile, buffers */
	struct tls_profiles *profiles;
	struct session sessions[SESSIONS];
};

/* What a connection remembers of where its sessions go: 32 bits of turn, 32 of place. */
static void *place_of(const struct tls_upstream *u, const struct session *s)
{
	return (void *)(uintptr_t)((uint64_t)s->turn << 32 | (uint64_t)(s - u->sessions));
}

static int on_session(SSL *ssl, SSL_SESSION *session)
{
	struct tls_upstream *u = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
	uint64_t place = (uintptr_t)SSL_get_app_data(ssl);
	struct session *s = &u->sessions[(uint32_t)place & (SESSIONS - 1)];

	if (s->turn != place >> 32)
		return 0; /* not kept: OpenSSL gives it back */
	SSL_SESSION_free(s->session);
	s->session = session;
	return 1;
}

static struct session *session_of(struct tls_upstream *u, const struct pool_key *key)
{
	struct session *s =
	    &u->sessions[hash_str(str_make((const char *)key, sizeof(*key)), 0) & (SESSIONS - 1)];

	if (pool_key_eq(&s->key, key))
		return s;
	SSL_SESSION_free(s->session);
	*s = (struct session){.key = *key, .turn = s->turn + 1};
	return s;
}

/* What all contexts have in common, those of profiles included. */
static bool common(void *arg, SSL_CTX *ctx)
{
	struct tls_upstream *u = arg;

	(void)SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
					   SSL_OP_IGNORE_UNEXPECTED_EOF);
	(void)SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE |
					SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
					SSL_MODE_RELEASE_BUFFERS);
	SSL_CTX_set_read_ahead(ctx, 1);
	SSL_CTX_set_verify(ctx, SSL_VERIFY_NONE, NULL);
	(void)SSL_CTX_set_app_data(ctx, u);
	(void)SSL_CTX_set_session_cache_mode(ctx,
					     SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
	SSL_CTX_sess_set_new_cb(ctx, on_session);
	return SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) == 1;
}

static bool make_contexts(struct tls_upstream *u)
{
	u->engine.ctx = SSL_CTX_new(TLS_client_method());
	u->profiles = tls_profiles_new(u->engine.w->tls, common, u);
	return u->engine.ctx != NULL && u->profiles != NULL && common(u, u->engine.ctx);
}

/* Lazily: most workers never speak TLS to an endpoint. */
static struct tls_upstream *set_up(struct worker *w)
{
	struct tls_upstream *u = calloc(1, sizeof(*u));

	if (u == NULL || OPENSSL_init_ssl(OPENSSL_INIT_NO_LOAD_CONFIG, NULL) != 1) {
		free(u);
		return NULL;
	}
	u->engine.w = w;
	u->engine.signer = w->tls == NULL ? NULL : w->tls->signer;
	u->engine.bio = tls_conn_bio_method();
	u->engine.conns = slab_new("tls upstreams", tls_conn_size(), 0);
	u->engine.scratch = malloc(TLS_SCRATCH);
	if (make_contexts(u) && u->engine.bio != NULL && u->engine.conns != NULL &&
	    u->engine.scratch != NULL)
		return u;
	log_error("cannot set up TLS towards endpoints: out of memory");
	ERR_clear_error();
	tls_profiles_free(u->profiles);
	SSL_CTX_free(u->engine.ctx);
	BIO_meth_free(u->engine.bio);
	slab_free(u->engine.conns);
	free(u->engine.scratch);
	free(u);
	return NULL;
}

static struct tls_upstream *get(struct worker *w)
{
	if (w->tls_upstream == NULL)
		w->tls_upstream = set_up(w);
	return w->tls_upstream;
}

uint64_t tls_upstream_profile(struct worker *w, uint64_t id)
{
	struct profile_view v;

	if (!table_profile(w->table, id, &v))
		return TLS_PROFILE_REFUSED;
	if (get(w) != NULL && tls_profiles_get(w->tls_upstream->profiles, &v) != NULL)
		return v.cert.generation;
	log_error("a TLS profile (proxy-ssl-*) cannot be used");
	return TLS_PROFILE_REFUSED;
}

/* A signature is there. Nothing else calls while one is awaited: the descriptor is not watched. */
static void on_signature(void *arg)
{
	struct conn *c = arg;

	c->ev.fn(&c->ev, EV_READ);
}

int tls_upstream_secure(struct conn *c, const struct pool_key *key)
{
	struct worker *w = c->w;
	struct tls_upstream *u = get(w);
	const struct tls_profile *p = NULL;
	struct session *s;
	SSL *ssl;

	if (u != NULL && key->profile != 0)
		p = tls_profiles_find(u->profiles, key->profile);
	if (u == NULL || (key->profile != 0 && p == NULL) ||
	    conn_secure(c, &u->engine, p == NULL ? u->engine.ctx : tls_profile_context(p)) == -1)
		return -1;
	ssl = tls_conn_ssl(c->tls);
	SSL_set_connect_state(ssl);
	if (p != NULL && tls_profile_sni(p) != NULL &&
	    SSL_set_tlsext_host_name(ssl, tls_profile_sni(p)) != 1)
		return -1; /* c->tls goes with the connection */
	if (key->protocol == CLUSTER_H2 &&
	    SSL_set_alpn_protos(ssl, (const unsigned char *)ALPN_H2, sizeof(ALPN_H2) - 1) != 0)
		return -1;
	tls_conn_set_wake(c->tls, on_signature, c);
	s = session_of(u, key);
	(void)SSL_set_app_data(ssl, place_of(u, s));
	if (s->session != NULL && SSL_SESSION_is_resumable(s->session))
		(void)SSL_set_session(ssl, s->session);
	return 0;
}

static enum tls_shaking refused(struct conn *c, const struct pool_key *key, const char *why)
{
	log_warn("TLS towards an endpoint failed", LOG_ADDR("endpoint", &key->addr),
		 LOG_Z("why", why));
	stat_add(c->w->slot, STAT_UP_TLS_FAILED, 1);
	return TLS_REFUSED;
}

/* What is wrong with the endpoint's certificate comes first: "certificate verify failed" is less.
 */
static const char *trouble(const struct conn *c)
{
	const SSL *ssl = tls_conn_ssl(c->tls);
	long verdict =
	    SSL_get_verify_mode(ssl) == SSL_VERIFY_NONE ? X509_V_OK : SSL_get_verify_result(ssl);

	if (tls_conn_unsigned(c->tls))
		return "the keys process gave no signature for our certificate";
	return verdict == X509_V_OK ? tls_conn_trouble(c->tls)
				    : X509_verify_cert_error_string(verdict);
}

static enum tls_shaking shaken(struct conn *c, const struct pool_key *key)
{
	if (key->protocol == CLUSTER_H2 && !str_eq(tls_conn_alpn(c->tls), STR("h2")))
		return refused(c, key, "it does not speak HTTP/2: no h2 by ALPN");
	stat_add(c->w->slot, STAT_UP_TLS, 1);
	if (tls_conn_resumed(c->tls))
		stat_add(c->w->slot, STAT_UP_TLS_RESUMED, 1);
	conn_secured(c);
	ev_want(c->w->ev, &c->ev, EV_READ);
	return TLS_SHAKEN;
}

static enum tls_shaking waits(struct conn *c, unsigned want)
{
	ev_want(c->w->ev, &c->ev, want);
	return TLS_SHAKING;
}

enum tls_shaking tls_upstream_shake(struct conn *c, const struct pool_key *key)
{
	switch (tls_conn_handshake(c->tls)) {
	case TLS_DONE:
		return shaken(c, key);
	case TLS_WANT_READ:
		return waits(c, EV_READ);
	case TLS_WANT_WRITE:
		return waits(c, EV_WRITE);
	case TLS_WANT_SIGNATURE:
	case TLS_EARLY:
		if (c->ev.want == 0) /* called again without one: it hung up meanwhile */
			return refused(c, key, "connection lost");
		return waits(c, 0);
	case TLS_PLAIN:
	case TLS_CLOSED:
	case TLS_FAILED:
		break;
	}
	return refused(c, key, trouble(c));
}
