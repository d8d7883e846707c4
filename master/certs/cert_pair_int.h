/* cert_pair_int: what parsing and making a pair share. */
#ifndef SILEX_MASTER_CERTS_CERT_PAIR_INT_H
#define SILEX_MASTER_CERTS_CERT_PAIR_INT_H

#include "master/certs/cert_pair.h"

/* One that is being made. */
struct cert_draft {
	X509 *leaf; /* chain[0], parsed; a draft's own */
	struct str chain[CERT_CHAIN_MAX];
	uint32_t n_chain;
	struct str secret;
	uint8_t key[SIGN_KEY_ID_LEN];
};

void cert_draft_free(struct cert_draft *d);
/* Append x to the chain. */
bool cert_draft_add(struct cert_draft *d, X509 *x);
/* Take a copy of the private key, der (empty: written from key), and the key's name. */
bool cert_draft_take_key(struct cert_draft *d, EVP_PKEY *key, struct str der);
/* The pair, which takes over what it needs; the draft is to be freed all the same. NULL: out of
 * memory. */
struct cert_pair *cert_draft_finish(struct cert_draft *d);
/* Seconds since 1970; 0 when it is no time. */
int64_t cert_pair_time(const ASN1_TIME *t);

#endif
