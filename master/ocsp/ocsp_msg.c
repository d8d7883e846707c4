/* ocsp_msg: see ocsp_msg.h. */
#include "master/ocsp/ocsp_msg.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>

#include "master/certs/cert_pair_int.h"

#define CLOCKS_DIFFER_S 300

static bool refuse(char why[CERT_WHY_MAX], const char *text)
{
	(void)snprintf(why, CERT_WHY_MAX, "%s", text);
	ERR_clear_error();
	return false;
}

/* --- the question --------------------------------------------------------------------------- */

static bool find_url(X509 *leaf, char url[OCSP_URL_MAX])
{
	STACK_OF(OPENSSL_STRING) *urls = X509_get1_ocsp(leaf);
	bool found = false;

	for (int i = 0; i < sk_OPENSSL_STRING_num(urls) && !found; i++) {
		const char *s = sk_OPENSSL_STRING_value(urls, i);

		found = strncmp(s, "http://", 7) == 0 && strlen(s) < OCSP_URL_MAX;
		if (found)
			(void)snprintf(url, OCSP_URL_MAX, "%s", s);
	}
	X509_email_free(urls);
	return found;
}

static X509 *find_issuer(const struct cert_pair *p, X509 *leaf)
{
	for (uint32_t i = 1; i < p->n_chain; i++) {
		const unsigned char *der = (const unsigned char *)p->chain[i].p;
		X509 *x = d2i_X509(NULL, &der, (long)p->chain[i].n);

		if (x != NULL && X509_check_issued(x, leaf) == X509_V_OK)
			return x;
		X509_free(x);
	}
	return NULL;
}

/* Without a nonce: responders sign ahead, and stapled answers are for many. */
static bool write_request(struct ocsp_question *q)
{
	OCSP_REQUEST *r = OCSP_REQUEST_new();
	OCSP_CERTID *id = OCSP_CERTID_dup(q->id);
	unsigned char *der = NULL;
	int n = -1;

	if (r != NULL && id != NULL && OCSP_request_add0_id(r, id) != NULL)
		n = i2d_OCSP_REQUEST(r, &der);
	else
		OCSP_CERTID_free(id);
	OCSP_REQUEST_free(r);
	if (n <= 0)
		return false;
	q->request = str_make((const char *)der, (size_t)n);
	return true;
}

static bool ask_about(struct ocsp_question *q, const struct cert_pair *p, X509 *leaf,
		      char why[CERT_WHY_MAX])
{
	if (!find_url(leaf, q->url))
		return refuse(why, "it names no OCSP responder with an http address");
	q->issuer = find_issuer(p, leaf);
	if (q->issuer == NULL)
		return refuse(why, "its issuer's certificate is not in tls.crt: put it there, "
				   "behind the server's");
	q->id = OCSP_cert_to_id(NULL, leaf, q->issuer); /* SHA-1, which all of them know */
	if (q->id != NULL && write_request(q))
		return true;
	ocsp_question_free(q);
	return refuse(why, "out of memory");
}

bool ocsp_question_make(struct ocsp_question *q, const struct cert_pair *p, char why[CERT_WHY_MAX])
{
	X509 *leaf = cert_pair_leaf(p);
	bool ok;

	*q = (struct ocsp_question){0};
	ok = leaf == NULL ? refuse(why, "out of memory") : ask_about(q, p, leaf, why);
	X509_free(leaf);
	return ok;
}

void ocsp_question_free(struct ocsp_question *q)
{
	OPENSSL_free((char *)(uintptr_t)q->request.p);
	OCSP_CERTID_free(q->id);
	X509_free(q->issuer);
	*q = (struct ocsp_question){0};
}

/* --- the answer ----------------------------------------------------------------------------- */

/* By the issuer, who is trusted because the certificate is, or by its delegate (RFC 6960 §4.2.2.2).
 */
static bool is_signed(const struct ocsp_question *q, OCSP_BASICRESP *basic)
{
	X509_STORE *store = X509_STORE_new();
	STACK_OF(X509) *certs = sk_X509_new_null();
	bool ok = false;

	if (store != NULL && certs != NULL && X509_STORE_add_cert(store, q->issuer) == 1 &&
	    X509_STORE_set_flags(store, X509_V_FLAG_PARTIAL_CHAIN) == 1 &&
	    sk_X509_push(certs, q->issuer) > 0)
		ok = OCSP_basic_verify(basic, certs, store, 0) == 1;
	sk_X509_free(certs);
	X509_STORE_free(store);
	ERR_clear_error();
	return ok;
}

static bool is_good(const struct ocsp_question *q, OCSP_BASICRESP *basic, int64_t now,
		    int64_t *until, char why[CERT_WHY_MAX])
{
	ASN1_GENERALIZEDTIME *from = NULL, *next = NULL;
	int64_t begin, end;
	int status, reason;

	if (OCSP_resp_find_status(basic, q->id, &status, &reason, NULL, &from, &next) != 1)
		return refuse(why, "the responder's answer is about another certificate");
	if (status == V_OCSP_CERTSTATUS_REVOKED)
		return refuse(why, "the certificate is revoked: get a new one");
	if (status != V_OCSP_CERTSTATUS_GOOD)
		return refuse(why, "the responder does not know the certificate");
	begin = cert_pair_time(from);
	end = next == NULL ? now + OCSP_KEEP_S : cert_pair_time(next);
	if (begin == 0 || begin > now + CLOCKS_DIFFER_S || end <= now)
		return refuse(why, "the responder's answer is not in force now");
	*until = end < now + OCSP_KEEP_S ? end : now + OCSP_KEEP_S;
	return true;
}

bool ocsp_answer_check(const struct ocsp_question *q, struct str der, int64_t now, int64_t *until,
		       char why[CERT_WHY_MAX])
{
	const unsigned char *p = (const unsigned char *)der.p;
	OCSP_RESPONSE *r = der.n == 0 || der.n > OCSP_RESPONSE_MAX
			       ? NULL
			       : d2i_OCSP_RESPONSE(NULL, &p, (long)der.n);
	OCSP_BASICRESP *basic = NULL;
	bool ok = false;

	if (r == NULL || p != (const unsigned char *)der.p + der.n)
		(void)refuse(why, "the responder's answer is no OCSP response");
	else if (OCSP_response_status(r) != OCSP_RESPONSE_STATUS_SUCCESSFUL)
		(void)refuse(why, "the responder answers with an error");
	else if ((basic = OCSP_response_get1_basic(r)) == NULL || !is_signed(q, basic))
		(void)refuse(why, "the responder's answer is not signed by the certificate's "
				  "issuer, or its delegate");
	else
		ok = is_good(q, basic, now, until, why);
	OCSP_BASICRESP_free(basic);
	OCSP_RESPONSE_free(r);
	ERR_clear_error();
	return ok;
}
