/*
 * ocsp_msg: what is asked of an OCSP responder (RFC 6960), and whether its answer may be stapled.
 *
 * An answer counts when it is signed by the issuer or by whom the issuer has delegated to, is
 * about this certificate, says "good", and is in force. Everything else is a sentence in why, and
 * is not stapled: a client that gets no answer asks for itself, one that gets a wrong one stops.
 * What must not happen here: network, time of its own.
 */
#ifndef SILEX_MASTER_OCSP_OCSP_MSG_H
#define SILEX_MASTER_OCSP_OCSP_MSG_H

#include <openssl/ocsp.h>
#include <stdbool.h>
#include <stdint.h>

#include "master/certs/cert_pair.h"

#define OCSP_URL_MAX      512
#define OCSP_RESPONSE_MAX 16384
#define OCSP_KEEP_S       (3 * 24 * 3600) /* as ingress-nginx does, if nextUpdate is not before */

struct ocsp_question {
	char url[OCSP_URL_MAX]; /* of the responder: http only (RFC 5280 §4.2.2.1) */
	struct str request;     /* DER */
	OCSP_CERTID *id;
	X509 *issuer;
};

/* False with a sentence in why: it names no responder, or its issuer is not in the chain. */
bool ocsp_question_make(struct ocsp_question *q, const struct cert_pair *p, char why[CERT_WHY_MAX]);
void ocsp_question_free(struct ocsp_question *q); /* one that was zeroed is fine */

/* May this answer be stapled at `now`? *until: when it must not any more; seconds since 1970. */
bool ocsp_answer_check(const struct ocsp_question *q, struct str der, int64_t now, int64_t *until,
		       char why[CERT_WHY_MAX]);

#endif
