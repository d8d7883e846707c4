/* check_tls: see check_tls.h. */
#include "master/check/check_tls.h"

#include <errno.h>
#include <openssl/err.h>

#include "common/check.h"
#include "common/loop/ev.h"
#include "common/net/addr.h"

SSL_CTX *check_tls_new(void)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());

	CHECK(ctx != NULL && SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) == 1);
	(void)SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
					   SSL_OP_NO_TICKET | SSL_OP_IGNORE_UNEXPECTED_EOF);
	(void)SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
					SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	(void)SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_quiet_shutdown(ctx, 1);
	SSL_CTX_set_verify(ctx, SSL_VERIFY_NONE, NULL);
	return ctx;
}

SSL *check_tls_open(SSL_CTX *ctx, int fd, const char *name, bool h2)
{
	static const unsigned char protos[] = "\x02h2\x08http/1.1";
	SSL *ssl = SSL_new(ctx);
	struct addr literal;

	ERR_clear_error();
	if (ssl == NULL || SSL_set_fd(ssl, fd) != 1 ||
	    SSL_set_alpn_protos(ssl, h2 ? protos : protos + 3, h2 ? 3 : 9) != 0 ||
	    (name[0] != '\0' && !addr_parse(str_from(name), 0, &literal) &&
	     SSL_set_tlsext_host_name(ssl, name) != 1)) {
		SSL_free(ssl);
		return NULL;
	}
	SSL_set_connect_state(ssl);
	return ssl;
}

/* OpenSSL's answer in the terms of recv() and send(). */
static int result(SSL *ssl, int rc, unsigned *want)
{
	int error = rc > 0 ? SSL_ERROR_NONE : SSL_get_error(ssl, rc);

	ERR_clear_error();
	switch (error) {
	case SSL_ERROR_NONE:
		return rc;
	case SSL_ERROR_WANT_READ:
	case SSL_ERROR_WANT_WRITE:
		*want = error == SSL_ERROR_WANT_READ ? EV_READ : EV_WRITE;
		errno = EAGAIN;
		return -1;
	case SSL_ERROR_ZERO_RETURN:
		return 0;
	default:
		errno = EPROTO;
		return -1;
	}
}

int check_tls_handshake(SSL *ssl, unsigned *want)
{
	ERR_clear_error();
	return result(ssl, SSL_do_handshake(ssl), want);
}

ssize_t check_tls_read(SSL *ssl, void *buf, size_t n, unsigned *want)
{
	ERR_clear_error();
	return result(ssl, SSL_read(ssl, buf, (int)n), want);
}

ssize_t check_tls_write(SSL *ssl, const void *buf, size_t n, unsigned *want)
{
	ERR_clear_error();
	return result(ssl, SSL_write(ssl, buf, (int)n), want);
}
