/*
 * A Secret of type kubernetes.io/tls: whoever may write one chooses its bytes. The input is both
 * tls.crt and tls.key, since each passes over what is the other's. What is taken can be served:
 * it fits into the table, and the keys process takes its key under the same name; what is refused
 * says why.
 */
#include <stdlib.h>
#include <string.h>

#include "common/process/sign_msg.h"
#include "master/certs/cert_pair.h"
#include "master/keys/keystore.h"

#define NOW 1800000000 /* the certificates of the corpus are in force then */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void plausible(const struct cert_pair *p)
{
	size_t bytes = 0;

	if (p->n_chain == 0 || p->n_chain > CERT_CHAIN_MAX || p->not_after < NOW ||
	    p->secret.n == 0 || p->secret.n > KEY_DER_MAX)
		abort();
	for (uint32_t i = 0; i < p->n_chain; i++) {
		if (p->chain[i].n == 0)
			abort();
		bytes += p->chain[i].n;
	}
	if (bytes > CERT_CHAIN_BYTES)
		abort();
}

static void usable(const struct cert_pair *p)
{
	struct keystore *k = keystore_new();
	uint8_t id[SIGN_KEY_ID_LEN];

	if (k == NULL || keystore_put(k, p->secret, id) == -1 ||
	    memcmp(id, p->key, sizeof(id)) != 0)
		abort();
	keystore_free(k);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct str text = str_make((const char *)data, n);
	char why[CERT_WHY_MAX] = "";
	struct cert_pair *p = cert_pair_parse(text, text, NOW, why);

	if (p == NULL) {
		if (why[0] == '\0')
			abort();
		return 0;
	}
	plausible(p);
	usable(p);
	(void)cert_pair_covers(p, STR("*.silex.test"));
	cert_pair_free(p);
	return 0;
}
