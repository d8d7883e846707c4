/* key_read: see key_read.h. */
#include "master/keys/key_read.h"

#include <openssl/decoder.h>
#include <openssl/err.h>
#include <stdbool.h>

static OSSL_DECODER_CTX *decoders; /* made when first wanted, kept for good */
static EVP_PKEY *decoded;          /* where they leave what they found */

static OSSL_DECODER_CTX *get_decoders(void)
{
	if (decoders == NULL)
		decoders = OSSL_DECODER_CTX_new_for_pkey(&decoded, "DER", NULL, NULL,
							 EVP_PKEY_KEYPAIR, NULL, NULL);
	return decoders;
}

EVP_PKEY *key_read(struct str der)
{
	const unsigned char *p = (const unsigned char *)der.p;
	OSSL_DECODER_CTX *d = get_decoders();
	EVP_PKEY *key;
	size_t n = der.n;
	bool ok;

	decoded = NULL;
	ok = d != NULL && OSSL_DECODER_from_data(d, &p, &n) == 1;
	key = decoded;
	decoded = NULL;
	ERR_clear_error();
	if (ok)
		return key;
	EVP_PKEY_free(key);
	return NULL;
}
