/*
 * cert_pair: a certificate with its chain and, until it is handed over, its private key.
 *
 * Made from the two PEM texts of a Secret of type kubernetes.io/tls, and checked: both parse, the
 * key fits the certificate and is of a kind TLS can use here, and the certificate is in force.
 * Text and PEM blocks of other kinds (EC PARAMETERS, the text form of `openssl x509 -text`) are
 * passed over (RFC 7468 §2); of several keys the one of the first certificate counts. A block that
 * is damaged is refused, never left out: a chain without its middle would not be noticed before
 * a client does. Every refusal is a sentence that says how to mend it.
 */
#ifndef SILEX_MASTER_CERTS_CERT_PAIR_H
#define SILEX_MASTER_CERTS_CERT_PAIR_H

#include <openssl/x509.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/process/sign_alg.h"
#include "common/str.h"
#include "master/certs/cert_facts.h"

#define CERT_CHAIN_MAX   16
#define CERT_CHAIN_BYTES 65536 /* DER of all; OpenSSL's clients take 100 KiB at most */
#define CERT_WHY_MAX     256

/* Nothing of it is parsed: thousands of them lie here, and hardly ever is one looked into. */
struct cert_pair {
	struct str *chain; /* DER, leaf first */
	uint32_t n_chain;
	uint8_t key[SIGN_KEY_ID_LEN]; /* SHA-256 of the SubjectPublicKeyInfo */
	int64_t not_before;           /* seconds since 1970 */
	int64_t not_after;
	struct cert_facts facts;
	struct str secret; /* the private key in DER; empty once it is wiped */
};

/* NULL with a sentence in why. `now` is the time of day, in seconds since 1970. */
struct cert_pair *cert_pair_parse(struct str crt, struct str key, int64_t now,
				  char why[CERT_WHY_MAX]);
/* A self-signed one, made now, with ingress-nginx' name. NULL when OpenSSL cannot. */
struct cert_pair *cert_pair_self_signed(void);
/* Is it in force at `now`? Else a sentence in why. */
bool cert_pair_in_force(const struct cert_pair *p, int64_t now, char why[CERT_WHY_MAX]);
/* Gone from this process' memory. */
void cert_pair_wipe_key(struct cert_pair *p);
void cert_pair_free(struct cert_pair *p); /* NULL is ignored */
/* The server's certificate, parsed anew. The caller's; NULL: out of memory. */
X509 *cert_pair_leaf(const struct cert_pair *p);

/* Is it for this host ("*.x" included)? By its alternative names, else by its common name. */
bool cert_pair_covers(const struct cert_pair *p, struct str host);

#endif
