/* cert_pair_int: what parsing and making a pair share. */
#ifndef SILEX_MASTER_CERTS_CERT_PAIR_INT_H
#define SILEX_MASTER_CERTS_CERT_PAIR_INT_H

#include "master/certs/cert_pair.h"

/* Append x to the chain. */
bool cert_pair_add(struct cert_pair *p, X509 *x);
/* Take a copy of the private key, in DER, and the key's name. */
bool cert_pair_take_key(struct cert_pair *p, const EVP_PKEY *key);
/* Seconds since 1970; 0 when it is no time. */
int64_t cert_pair_time(const ASN1_TIME *t);

#endif
