/*
 * client_tls: what a host wants of the TLS of its clients: a certificate of theirs, ciphers.
 *
 * Made by the master from the annotations auth-tls-*, ssl-ciphers and ssl-prefer-server-ciphers
 * (facts: annotations §3), carried by the table beside the host, read by a worker when a
 * ClientHello names the host, and again when a request does.
 */
#ifndef SILEX_COMMON_TABLE_CLIENT_TLS_H
#define SILEX_COMMON_TABLE_CLIENT_TLS_H

#include <stdint.h>

#include "common/str.h"

enum tls_verify { /* auth-tls-verify-client */
	TLS_VERIFY_OFF,
	TLS_VERIFY_ON,
	TLS_VERIFY_OPTIONAL,       /* none is fine, a bad one is not */
	TLS_VERIFY_OPTIONAL_NO_CA, /* who signed it does not matter: the origin looks at it */
};

enum client_tls_flag {
	CLIENT_TLS_DENY = 1u << 0,      /* misconfigured: the host answers 403 to everything */
	CLIENT_TLS_AUTH = 1u << 1,      /* auth-tls-secret is given: verify and the rest count */
	CLIENT_TLS_PASS_CERT = 1u << 2, /* the certificate goes upstream in ssl-client-cert */
	CLIENT_TLS_OUR_ORDER = 1u << 3, /* ssl-prefer-server-ciphers: on */
	CLIENT_TLS_ANY_ORDER = 1u << 4, /* ... off; neither: as the ConfigMap says */
};

struct client_tls {          /* strings are borrowed from the table, or whatever it was made from */
	uint64_t generation; /* of all but the CA's; 0: not in a table */
	uint8_t verify;      /* enum tls_verify */
	uint8_t depth;       /* intermediate certificates at most */
	uint16_t flags;      /* enum client_tls_flag */
	struct str error_page;  /* a path or a URL; empty: none */
	struct str match;       /* regular expression on the subject's name; empty: none */
	struct str ciphers;     /* of TLS 1.2, in OpenSSL's notation; empty: as for all */
	uint64_t ca_generation; /* 0: no CA */
	struct str ca, crls;    /* table_cert_next() walks them: DER */
};

#endif
