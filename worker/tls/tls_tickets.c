/* tls_tickets: see tls_tickets.h. */
#include "worker/tls/tls_tickets.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>

#include "worker/tls/tls_client.h"
#include "worker/tls/tls_conn.h"

#define IV_LEN 16 /* of AES-CBC */

struct tls_tickets {
	OSSL_LIB_CTX *lib;
	EVP_CIPHER *cipher;
	bool have;
	struct msg_tickets keys;
};

static int ex_index(void)
{
	static int index = -1;

	if (index == -1)
		index = SSL_CTX_get_ex_new_index(0, NULL, NULL, NULL, NULL);
	return index;
}

struct tls_tickets *tls_tickets_new(OSSL_LIB_CTX *lib)
{
	struct tls_tickets *t = calloc(1, sizeof(*t));

	if (t == NULL)
		return NULL;
	t->lib = lib;
	t->cipher = EVP_CIPHER_fetch(lib, "AES-256-CBC", NULL);
	if (t->cipher == NULL) {
		free(t);
		return NULL;
	}
	return t;
}

void tls_tickets_free(struct tls_tickets *t)
{
	if (t == NULL)
		return;
	EVP_CIPHER_free(t->cipher);
	explicit_bzero(t, sizeof(*t));
	free(t);
}

void tls_tickets_set(struct tls_tickets *t, const struct msg_tickets *keys)
{
	t->keys = *keys;
	t->have = true;
}

static int use(struct tls_tickets *t, const struct msg_ticket_key *k, const unsigned char *iv,
	       EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac, int enc)
{
	OSSL_PARAM params[3] = {
	    OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, (void *)(uintptr_t)k->hmac,
					      sizeof(k->hmac)),
	    OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, (char[]){"SHA256"}, 0),
	    OSSL_PARAM_construct_end(),
	};

	return EVP_MAC_CTX_set_params(mac, params) == 1 &&
	       EVP_CipherInit_ex(cipher, t->cipher, NULL, k->aes, iv, enc) == 1;
}

static const struct msg_ticket_key *find(const struct tls_tickets *t, const unsigned char *name)
{
	for (unsigned i = 0; i < MSG_TICKET_KEYS; i++)
		if (memcmp(t->keys.key[i].name, name, sizeof(t->keys.key[i].name)) == 0)
			return &t->keys.key[i];
	return NULL;
}

/* The client's certificate is no good: the next handshake shall look at it again. */
static bool unwelcome(SSL *ssl)
{
	const struct tls_client *c = tls_conn_client(SSL_get_app_data(ssl));

	return c != NULL && c->no_ticket;
}

/* SSL_CTX_set_tlsext_ticket_key_evp_cb(3): 0 no ticket or full handshake, 1 good, 2 good and to
 * be renewed, -1 error. */
static int on_ticket(SSL *ssl, unsigned char *name, unsigned char *iv, EVP_CIPHER_CTX *cipher,
		     EVP_MAC_CTX *mac, int enc)
{
	struct tls_tickets *t = SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), ex_index());
	const struct msg_ticket_key *k;

	if (!t->have || (enc && unwelcome(ssl)))
		return 0;
	if (enc) {
		k = &t->keys.key[0];
		memcpy(name, k->name, sizeof(k->name));
		if (RAND_bytes_ex(t->lib, iv, IV_LEN, 0) != 1)
			return -1;
		return use(t, k, iv, cipher, mac, 1) ? 1 : -1;
	}
	k = find(t, name);
	if (k == NULL || !use(t, k, iv, cipher, mac, 0))
		return 0;
	/* In TLS 1.3 a ticket is for one use (RFC 8446 §C.4): there is always another one. It also
	 * spares a client with Nagle's algorithm the wait for our delayed acknowledgement. */
	return k == &t->keys.key[0] && SSL_version(ssl) < TLS1_3_VERSION ? 1 : 2;
}

void tls_tickets_attach(struct tls_tickets *t, SSL_CTX *ctx)
{
	(void)SSL_CTX_set_ex_data(ctx, ex_index(), t);
	(void)SSL_CTX_set_tlsext_ticket_key_evp_cb(ctx, on_ticket);
}
