/*
 * ca_bundle: who vouches for clients: the certificates of ca.crt and the revocation lists of
 * ca.crl, as PEM texts of a Secret have them.
 *
 * Read whole or not at all: a bundle of which one part cannot be read would let in, or keep out,
 * others than its owner thinks. Every refusal is a sentence that says how to mend it.
 * What must not happen here: private keys, opinions about hosts.
 */
#ifndef SILEX_MASTER_CERTS_CA_BUNDLE_H
#define SILEX_MASTER_CERTS_CA_BUNDLE_H

#include <stdint.h>

#include "common/str.h"

#define CA_WHY_MAX   256
#define CA_CERTS_MAX 1024
#define CA_CRLS_MAX  256
#define CA_BYTES_MAX (1u << 20) /* of either text; what a Secret can hold at all */

struct ca_bundle {
	struct str *certs, *crls; /* DER, in the order of the texts */
	uint32_t n_certs, n_crls;
};

/* crl may be empty: no revocation. NULL with a sentence in why. */
struct ca_bundle *ca_bundle_parse(struct str crt, struct str crl, char why[CA_WHY_MAX]);
void ca_bundle_free(struct ca_bundle *b); /* NULL is ignored */

#endif
