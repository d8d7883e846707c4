/* tls_client: see tls_client.h. */
#include "worker/tls/tls_client.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>

struct tls_client *tls_client_new(struct str host, enum tls_verify verify)
{
	struct tls_client *c = calloc(1, sizeof(*c) + host.n + 1);

	if (c == NULL)
		return NULL;
	if (host.n > 0 && host.p[host.n - 1] == '.')
		host.n--;
	for (size_t i = 0; i < host.n; i++)
		c->host_text[i] = ascii_lower(host.p[i]);
	c->host = str_make(c->host_text, host.n);
	c->verify = (uint8_t)verify;
	c->result = X509_V_OK;
	return c;
}

static void free_str(struct str s)
{
	free((char *)(uintptr_t)s.p);
}

void tls_client_free(struct tls_client *c)
{
	if (c == NULL)
		return;
	free_str(c->subject);
	free_str(c->issuer);
	free_str(c->escaped);
	X509_free(c->cert);
	free(c);
}

/* What lies in a memory BIO, which is freed; empty when memory is out. */
static struct str take_bio(BIO *b)
{
	char *p, *copy;
	long n = BIO_get_mem_data(b, &p);

	copy = n > 0 ? malloc((size_t)n) : NULL;
	if (copy != NULL)
		memcpy(copy, p, (size_t)n);
	BIO_free(b);
	return str_make(copy, copy == NULL ? 0 : (size_t)n);
}

/* RFC 2253: what could end a line or a text is escaped, and so is all that is not ASCII. */
static bool name_text(const X509_NAME *name, struct str *out)
{
	BIO *b = BIO_new(BIO_s_mem());

	if (b == NULL)
		return false;
	if (X509_NAME_print_ex(b, name, 0, XN_FLAG_RFC2253) < 0) {
		BIO_free(b);
		return false;
	}
	*out = take_bio(b);
	return out->n <= TLS_NAME_MAX;
}

void tls_client_take(struct tls_client *c, SSL *ssl)
{
	X509 *x = SSL_get0_peer_certificate(ssl);

	c->result = SSL_get_verify_result(ssl);
	if (c->no_ticket) /* OpenSSL has put it into its cache */
		(void)SSL_CTX_remove_session(SSL_get_SSL_CTX(ssl), SSL_get0_session(ssl));
	if (x == NULL || X509_up_ref(x) != 1)
		return;
	c->cert = x;
	c->given = true;
	c->oversized = i2d_X509(x, NULL) > TLS_CERT_MAX ||
		       !name_text(X509_get_subject_name(x), &c->subject) ||
		       !name_text(X509_get_issuer_name(x), &c->issuer);
	ERR_clear_error();
}

/* As nginx' ssl_verify_client optional_no_ca: not that it is expired, or used for what it is not
 * for. */
bool tls_unknown_ca(long result)
{
	switch (result) {
	case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
	case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
	case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
		return true;
	default:
		return false;
	}
}

bool tls_client_unknown_ca(const struct tls_client *c)
{
	return tls_unknown_ca(c->result);
}

struct str tls_client_verdict(const struct tls_client *c, char *buf, size_t n)
{
	int written;

	if (c == NULL || !c->given)
		return STR("NONE");
	if (c->result == X509_V_OK && !c->oversized)
		return STR("SUCCESS");
	written = snprintf(buf, n, "FAILED:%s",
			   c->oversized ? "certificate too large"
					: X509_verify_cert_error_string(c->result));
	if (written < 0)
		return STR("FAILED:unknown");
	return str_make(buf, (size_t)written < n ? (size_t)written : n - 1);
}

static bool is_unreserved(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       c == '-' || c == '.' || c == '_' || c == '~';
}

static struct str escape(struct str s)
{
	static const char hex[] = "0123456789ABCDEF";
	char *to = malloc(3 * s.n);
	size_t n = 0;

	if (to == NULL)
		return STR_NONE;
	for (size_t i = 0; i < s.n; i++) {
		if (is_unreserved(s.p[i])) {
			to[n++] = s.p[i];
			continue;
		}
		to[n++] = '%';
		to[n++] = hex[(unsigned char)s.p[i] >> 4];
		to[n++] = hex[(unsigned char)s.p[i] & 15];
	}
	return str_make(to, n);
}

struct str tls_client_escaped(struct tls_client *c)
{
	struct str pem;
	BIO *b;

	if (c->escaped.n > 0 || c->cert == NULL || c->oversized)
		return c->escaped;
	b = BIO_new(BIO_s_mem());
	if (b == NULL || PEM_write_bio_X509(b, c->cert) != 1) {
		BIO_free(b);
		ERR_clear_error();
		return STR_NONE;
	}
	pem = take_bio(b);
	if (pem.n > 0)
		c->escaped = escape(pem);
	free_str(pem);
	return c->escaped;
}
