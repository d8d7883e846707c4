/*
 * cert_facts: what the master remembers of a certificate, so that the parsed X509, some 4 KB, need
 * not be kept: whom it is for, and what the metrics call it.
 */
#ifndef SILEX_MASTER_CERTS_CERT_FACTS_H
#define SILEX_MASTER_CERTS_CERT_FACTS_H

#include <openssl/x509.h>
#include <stdbool.h>

#include "common/str.h"

#define CERT_TEXT_MAX 200u /* bytes of an issuer's name that are kept, cut between characters */

/* All texts are one piece of memory, text. */
struct cert_facts {
	struct str
	    names; /* {u8 length, DNS name}...; of its subject, when it has none of its own */
	struct str identifier, issuer_organization, issuer_common_name, serial_number;
	struct str public_key_algorithm; /* as Go's crypto/x509 spells it; static */
	char *text;
};

/* False: out of memory. */
bool cert_facts_take(struct cert_facts *f, X509 *x);
void cert_facts_free(struct cert_facts *f);

/* Is it for this host ("*.x" included)? As X509_check_host(3) with
 * X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS decides, beside which it is tested (RFC 6125 §6.4);
 * but a host that begins with a dot is none. */
bool cert_facts_cover(const struct cert_facts *f, struct str host);

#endif
