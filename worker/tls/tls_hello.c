/* tls_hello: see tls_hello.h. */
#include "worker/tls/tls_hello.h"

#include <openssl/err.h>
#include <openssl/sha.h>
#include <string.h>

#include "common/check.h"
#include "worker/tls/tls_client.h"
#include "worker/tls/tls_conn.h"

#define SESSION_CONTEXT "silex" /* of hosts that ask for nothing */
#define CIPHERS_MAX     2048

/* RFC 6066 §3: a list with one entry, of type host_name. */
static struct str server_name(SSL *ssl)
{
	const unsigned char *p;
	size_t n, name;

	if (SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_server_name, &p, &n) != 1 || n < 5 ||
	    p[2] != TLSEXT_NAMETYPE_host_name)
		return STR_NONE;
	name = (size_t)p[3] << 8 | p[4];
	if (name > n - 5)
		return STR_NONE; /* OpenSSL will end it */
	return str_make((const char *)p + 5, name);
}

/* ---- a certificate of the client ----------------------------------------------------- */

/* Whatever is wrong, the handshake goes on: HTTP has the answer. */
static int on_verify(int ok, X509_STORE_CTX *store)
{
	SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
	struct tls_client *c = tls_conn_client(SSL_get_app_data(ssl));

	CHECK(c != NULL);
	if (ok != 1 && !(c->verify == TLS_VERIFY_OPTIONAL_NO_CA &&
			 tls_unknown_ca(X509_STORE_CTX_get_error(store)))) {
		c->no_ticket = true; /* tls_tickets.c: TLS 1.2 has promised one already */
		(void)SSL_set_num_tickets(ssl, 0);
	}
	return 1;
}

/* The context in which sessions of this client resume: the same host, wanting the same. */
static bool set_context(SSL *ssl, const struct tls_client *c, const struct client_tls *v)
{
	struct {
		uint64_t ca;
		uint16_t verify, depth;
		uint32_t zero;
	} wanted = {.ca = v->ca_generation, .verify = v->verify, .depth = v->depth};
	unsigned char all[sizeof(wanted) + 256], digest[SHA256_DIGEST_LENGTH];
	size_t n = c->host.n < 256 ? c->host.n : 256;

	memcpy(all, &wanted, sizeof(wanted));
	if (n > 0)
		memcpy(all + sizeof(wanted), c->host.p, n);
	(void)SHA256(all, sizeof(wanted) + n, digest);
	return SSL_set_session_id_context(ssl, digest, sizeof(digest)) == 1;
}

static bool ask(struct tls_engine *e, SSL *ssl, struct str name, const struct client_tls *v)
{
	struct tls_client *c = tls_client_new(name, (enum tls_verify)v->verify);

	if (c == NULL)
		return false;
	tls_conn_set_client(SSL_get_app_data(ssl), c);
	SSL_set_verify(ssl, SSL_VERIFY_PEER, on_verify);
	SSL_set_verify_depth(ssl, v->depth);
	(void)SSL_set_max_early_data(ssl, 0); /* who it is must be known before anything is done */
	return tls_cas_use(e->cas, v, ssl) == 0 && set_context(ssl, c, v);
}

static bool asks(const struct client_tls *v)
{
	return (v->flags & CLIENT_TLS_AUTH) != 0 && (v->flags & CLIENT_TLS_DENY) == 0 &&
	       v->verify != TLS_VERIFY_OFF;
}

/* ---- ciphers ------------------------------------------------------------------------- */

static void set_ciphers(SSL *ssl, const struct client_tls *v)
{
	char text[CIPHERS_MAX];

	if ((v->flags & CLIENT_TLS_OUR_ORDER) != 0)
		(void)SSL_set_options(ssl, SSL_OP_CIPHER_SERVER_PREFERENCE);
	if ((v->flags & CLIENT_TLS_ANY_ORDER) != 0)
		(void)SSL_clear_options(ssl, SSL_OP_CIPHER_SERVER_PREFERENCE);
	if (v->ciphers.n == 0 || v->ciphers.n >= sizeof(text))
		return;
	memcpy(text, v->ciphers.p, v->ciphers.n);
	text[v->ciphers.n] = '\0';
	if (SSL_set_cipher_list(ssl, text) != 1)
		ERR_clear_error(); /* the master has tried it; else those of all hosts serve */
}

/* -------------------------------------------------------------------------------------- */

static int on_hello(SSL *ssl, int *alert, void *arg)
{
	struct tls_engine *e = arg;
	struct str name = server_name(ssl);
	struct client_tls v;

	tls_conn_set_named(SSL_get_app_data(ssl), name.n > 0);
	if (e->w->conf->ssl_reject_handshake && !table_has_host(e->w->table, name)) {
		tls_conn_set_rejected(SSL_get_app_data(ssl));
		*alert = SSL_AD_UNRECOGNIZED_NAME;
		return SSL_CLIENT_HELLO_ERROR;
	}
	if (!table_tls(e->w->table, name, &v))
		return SSL_CLIENT_HELLO_SUCCESS;
	set_ciphers(ssl, &v);
	if (!asks(&v) || ask(e, ssl, name, &v))
		return SSL_CLIENT_HELLO_SUCCESS;
	*alert = SSL_AD_INTERNAL_ERROR;
	return SSL_CLIENT_HELLO_ERROR;
}

bool tls_hello_attach(struct tls_engine *e)
{
	SSL_CTX_set_client_hello_cb(e->ctx, on_hello, e);
	return SSL_CTX_set_session_id_context(e->ctx, (const unsigned char *)SESSION_CONTEXT,
					      sizeof(SESSION_CONTEXT) - 1) == 1;
}
