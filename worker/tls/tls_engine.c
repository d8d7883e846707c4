/* tls_engine: see tls_engine.h. */
#include "worker/tls/tls_engine.h"

#include <openssl/err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/check.h"
#include "worker/tls/tls_accept.h"
#include "worker/sign/stub_key.h"
#include "worker/tls/tls_conn.h"
#include "worker/tls/tls_hello.h"

#define SESSION_BYTES 2048 /* what one session takes, roughly */

/* ---- callbacks ----------------------------------------------------------------------- */

static int on_certificate(SSL *ssl, void *arg)
{
	struct tls_engine *e = arg;
	const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
	struct cert_view v;

	if (!table_cert(e->w->table, name == NULL ? STR_NONE : str_from(name), &v) ||
	    tls_certs_use(e->certs, &v, ssl) == -1) {
		stat_add(e->w->slot, STAT_TLS_NO_CERT, 1);
		return 0; /* ends the handshake with an alert */
	}
	return 1;
}

/* The client asks for an OCSP response: tls_certs.c has put it there, if there is one. */
static int on_status(SSL *ssl, void *arg)
{
	const unsigned char *der;

	(void)arg;
	return SSL_get_tlsext_status_ocsp_resp(ssl, &der) > 0 ? SSL_TLSEXT_ERR_OK
							      : SSL_TLSEXT_ERR_NOACK;
}

static int on_server_name(SSL *ssl, int *alert, void *arg)
{
	return SSL_TLSEXT_ERR_OK; /* known or not: the name is acknowledged, the default serves */
}

static bool offered(const unsigned char *in, unsigned in_n, struct str proto)
{
	for (unsigned at = 0; at < in_n; at += 1u + in[at])
		if (in[at] == proto.n && at + 1 + proto.n <= in_n &&
		    memcmp(in + at + 1, proto.p, proto.n) == 0)
			return true;
	return false;
}

/* The first of ours that the client offers; none in common: as if it had not asked (nginx, too). */
static int on_alpn(SSL *ssl, const unsigned char **out, unsigned char *out_n,
		   const unsigned char *in, unsigned in_n, void *arg)
{
	const struct tls_engine *e = arg;

	for (size_t at = 0; at < e->alpn.n; at += 1u + (unsigned char)e->alpn.p[at]) {
		struct str proto = str_make(e->alpn.p + at + 1, (unsigned char)e->alpn.p[at]);

		if (offered(in, in_n, proto)) {
			*out = (const unsigned char *)proto.p;
			*out_n = (unsigned char)proto.n;
			return SSL_TLSEXT_ERR_OK;
		}
	}
	return SSL_TLSEXT_ERR_NOACK;
}

/* ---- settings ------------------------------------------------------------------------ */

static int version_of(struct str s)
{
	if (str_eq(s, STR("TLSv1.2")))
		return TLS1_2_VERSION;
	return str_eq(s, STR("TLSv1.3")) ? TLS1_3_VERSION : 0;
}

/* "TLSv1.2 TLSv1.3": the lowest and the highest named. Older ones do not exist here. */
static bool set_versions(SSL_CTX *ctx, const char *names)
{
	struct str rest = str_from(names), word;
	int lowest = 0, highest = 0;

	while (rest.n > 0) {
		ptrdiff_t space = str_chr(rest, ' ');
		int v;

		word = str_make(rest.p, space == -1 ? rest.n : (size_t)space);
		rest = str_from_at(rest, space == -1 ? rest.n : (size_t)space + 1);
		v = version_of(word);
		if (word.n > 0 && v == 0)
			return false;
		lowest = v != 0 && (lowest == 0 || v < lowest) ? v : lowest;
		highest = v > highest ? v : highest;
	}
	return lowest != 0 && SSL_CTX_set_min_proto_version(ctx, lowest) == 1 &&
	       SSL_CTX_set_max_proto_version(ctx, highest) == 1;
}

/* For clients without tickets. It cannot be shared: what a worker writes no other one trusts. */
static void set_cache(SSL_CTX *ctx, const struct conf *conf)
{
	(void)SSL_CTX_set_session_cache_mode(ctx, conf->ssl_session_cache ? SSL_SESS_CACHE_SERVER
									  : SSL_SESS_CACHE_OFF);
	(void)SSL_CTX_sess_set_cache_size(ctx,
					  (long)(conf->ssl_session_cache_bytes / SESSION_BYTES));
}

/* Tickets are not kept: who replays one within the ten seconds that OpenSSL grants has its
 * request answered again, which is why only safe requests are (step head). */
static void set_early(SSL_CTX *ctx)
{
	(void)SSL_CTX_set_options(ctx, SSL_OP_NO_ANTI_REPLAY);
	(void)SSL_CTX_set_max_early_data(ctx, TLS_EARLY_MAX);
	(void)SSL_CTX_set_recv_max_early_data(ctx, TLS_EARLY_MAX);
}

static void set_modes(SSL_CTX *ctx, const struct conf *conf)
{
	uint64_t options = SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE |
			   SSL_OP_IGNORE_UNEXPECTED_EOF | SSL_OP_NO_COMPRESSION;

	if (!conf->ssl_session_tickets)
		options |= SSL_OP_NO_TICKET;
	(void)SSL_CTX_set_options(ctx, options);
	(void)SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE |
					SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
					SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ASYNC);
	SSL_CTX_set_read_ahead(ctx, 1);
	(void)SSL_CTX_set_dh_auto(ctx, 1); /* where ssl-ciphers has DHE */
	set_cache(ctx, conf);
	(void)SSL_CTX_set_timeout(ctx, (long)(conf->ssl_session_timeout_ms / 1000));
}

static const char *configure(SSL_CTX *ctx, const struct conf *conf)
{
	if (!set_versions(ctx, conf->ssl_protocols))
		return "ssl-protocols: names are TLSv1.2 and TLSv1.3";
	if (SSL_CTX_set_cipher_list(ctx, conf->ssl_ciphers) != 1)
		return "ssl-ciphers: no cipher of the list exists";
	if (strcmp(conf->ssl_ecdh_curve, "auto") != 0 &&
	    SSL_CTX_set1_groups_list(ctx, conf->ssl_ecdh_curve) != 1)
		return "ssl-ecdh-curve: a list like X25519:P-256, or auto";
	set_modes(ctx, conf);
	if (conf->ssl_early_data)
		set_early(ctx);
	return NULL;
}

/* ---- life ---------------------------------------------------------------------------- */

static bool make_parts(struct tls_engine *e, const struct worker *w)
{
	/* No configuration file: a worker has no files, and nobody else shall set our options. */
	if (OPENSSL_init_ssl(OPENSSL_INIT_NO_LOAD_CONFIG, NULL) != 1)
		return false;
	e->signer = signer_new(w->ev);
	e->lib = e->signer == NULL ? NULL : stub_key_context(signer_sign, e->signer);
	if (e->lib == NULL)
		return false;
	e->ctx = SSL_CTX_new_ex(e->lib, NULL, TLS_server_method());
	e->certs = tls_certs_new(e->lib, TLS_CERTS_MAX);
	e->cas = tls_cas_new(e->lib, TLS_CAS_MAX);
	e->tickets = tls_tickets_new(e->lib);
	e->bio = tls_conn_bio_method();
	e->conns = slab_new("tls", tls_conn_size(), 0);
	e->accepts = slab_new("tls accepts", tls_accept_size(), 0);
	LIST_INIT(&e->shaking);
	e->scratch = malloc(TLS_SCRATCH);
	return e->ctx != NULL && e->certs != NULL && e->cas != NULL && e->tickets != NULL &&
	       e->bio != NULL && e->conns != NULL && e->accepts != NULL && e->scratch != NULL;
}

struct tls_engine *tls_engine_new(struct worker *w, char *why, size_t n)
{
	struct tls_engine *e = calloc(1, sizeof(*e));
	const char *wrong = "out of memory, or OpenSSL cannot be set up";

	if (e != NULL && make_parts(e, w)) {
		e->w = w;
		e->alpn = w->conf->use_http2 ? STR("\x02h2\x08http/1.1") : STR("\x08http/1.1");
		e->record_max = w->conf->ssl_buffer_bytes < TLS_SCRATCH ? w->conf->ssl_buffer_bytes
									: TLS_SCRATCH;
		e->early = w->conf->ssl_early_data;
		wrong = configure(e->ctx, w->conf);
		if (wrong == NULL && !tls_hello_attach(e))
			wrong = "OpenSSL refuses its settings";
	}
	if (wrong != NULL) {
		(void)snprintf(why, n, "%s", wrong);
		return NULL; /* the process exits: nothing is given back */
	}
	tls_tickets_attach(e->tickets, e->ctx);
	SSL_CTX_set_cert_cb(e->ctx, on_certificate, e);
	SSL_CTX_set_tlsext_status_cb(e->ctx, on_status);
	SSL_CTX_set_alpn_select_cb(e->ctx, on_alpn, e);
	SSL_CTX_set_tlsext_servername_callback(e->ctx, on_server_name);
	ERR_clear_error();
	return e;
}
