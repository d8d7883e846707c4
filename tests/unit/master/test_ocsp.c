/* OCSP: what is asked, and which answers may be stapled. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <openssl/evp.h>
#include <openssl/ocsp.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "master/certs/cert_pair_int.h"
#include "master/ocsp/ocsp_msg.h"

#define DAY (24L * 3600)

struct party {
	X509 *x;
	EVP_PKEY *key;
};

static void extend(X509 *x, int nid, const char *value)
{
	X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, NULL, nid, value);

	assert_non_null(e);
	assert_int_equal(X509_add_ext(x, e, -1), 1);
	X509_EXTENSION_free(e);
}

/* above NULL: self-signed. nid and value: an extension of its own. */
static struct party make(const char *name, long serial, const struct party *above, int nid,
			 const char *value)
{
	struct party p = {X509_new(), EVP_EC_gen("P-256")};
	X509_NAME *n = X509_get_subject_name(p.x);

	X509_set_version(p.x, X509_VERSION_3);
	ASN1_INTEGER_set(X509_get_serialNumber(p.x), serial);
	X509_NAME_add_entry_by_txt(n, "CN", MBSTRING_ASC, (const unsigned char *)name, -1, -1, 0);
	X509_set_issuer_name(p.x, above == NULL ? n : X509_get_subject_name(above->x));
	X509_gmtime_adj(X509_getm_notBefore(p.x), -DAY);
	X509_gmtime_adj(X509_getm_notAfter(p.x), 30 * DAY);
	X509_set_pubkey(p.x, p.key);
	extend(p.x, NID_basic_constraints, above == NULL ? "CA:TRUE" : "CA:FALSE");
	if (nid != 0)
		extend(p.x, nid, value);
	assert_true(X509_sign(p.x, above == NULL ? p.key : above->key, EVP_sha256()) > 0);
	return p;
}

static void party_free(struct party *p)
{
	X509_free(p->x);
	EVP_PKEY_free(p->key);
}

static struct cert_pair *pair_of(const struct party *leaf, const struct party *issuer)
{
	struct cert_draft d = {.leaf = X509_dup(leaf->x)};
	struct cert_pair *p;

	assert_true(cert_draft_add(&d, leaf->x));
	if (issuer != NULL)
		assert_true(cert_draft_add(&d, issuer->x));
	p = cert_draft_finish(&d);
	assert_non_null(p);
	cert_draft_free(&d);
	return p;
}

struct world {
	struct party ca, leaf, delegate, other_ca, sibling;
	struct cert_pair *pair;
	struct ocsp_question q;
	int64_t now;
	char why[CERT_WHY_MAX];
};

static int open_world(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	w->ca = make("CA", 1, NULL, 0, NULL);
	w->other_ca = make("Other", 1, NULL, 0, NULL);
	w->leaf = make("leaf", 2, &w->ca, NID_info_access,
		       "OCSP;URI:https://no.test/,OCSP;URI:http://ocsp.test/x,"
		       "caIssuers;URI:http://ca.test");
	w->sibling = make("sibling", 3, &w->ca, 0, NULL);
	w->delegate = make("delegate", 4, &w->ca, NID_ext_key_usage, "OCSPSigning");
	w->pair = pair_of(&w->leaf, &w->ca);
	w->now = time(NULL);
	assert_true(ocsp_question_make(&w->q, w->pair, w->why));
	*state = w;
	return 0;
}

static int close_world(void **state)
{
	struct world *w = *state;

	ocsp_question_free(&w->q);
	cert_pair_free(w->pair);
	party_free(&w->ca);
	party_free(&w->other_ca);
	party_free(&w->leaf);
	party_free(&w->sibling);
	party_free(&w->delegate);
	free(w);
	return 0;
}

/* --- answers -------------------------------------------------------------------------------- */

struct said {
	int status;
	const struct party *about, *signer;
	long from_s, until_s; /* from now; until 0: not given */
};

static struct str answer(const struct world *w, const struct said *s)
{
	OCSP_BASICRESP *basic = OCSP_BASICRESP_new();
	OCSP_CERTID *id = OCSP_cert_to_id(NULL, s->about->x, w->ca.x);
	ASN1_TIME *from = X509_gmtime_adj(NULL, s->from_s), *next = NULL, *revoked = NULL;
	unsigned char *der = NULL;
	OCSP_RESPONSE *r;
	int n;

	if (s->until_s != 0)
		next = X509_gmtime_adj(NULL, s->until_s);
	if (s->status == V_OCSP_CERTSTATUS_REVOKED)
		revoked = X509_gmtime_adj(NULL, -DAY);
	assert_non_null(OCSP_basic_add1_status(basic, id, s->status, 0, revoked, from, next));
	assert_int_equal(
	    OCSP_basic_sign(basic, s->signer->x, s->signer->key, EVP_sha256(), NULL, 0), 1);
	r = OCSP_response_create(OCSP_RESPONSE_STATUS_SUCCESSFUL, basic);
	n = i2d_OCSP_RESPONSE(r, &der);
	assert_true(n > 0);
	OCSP_RESPONSE_free(r);
	OCSP_BASICRESP_free(basic);
	OCSP_CERTID_free(id);
	ASN1_TIME_free(from);
	ASN1_TIME_free(next);
	ASN1_TIME_free(revoked);
	return str_make((const char *)der, (size_t)n);
}

/* words NULL: it may be stapled. Returns until when. */
static int64_t judge(struct world *w, const struct said *s, const char *words)
{
	struct str der = answer(w, s);
	int64_t until = -1;
	bool ok = ocsp_answer_check(&w->q, der, w->now, &until, w->why);

	OPENSSL_free((char *)(uintptr_t)der.p);
	if (words != NULL && (ok || strstr(w->why, words) == NULL))
		fail_msg("%s, not \"%s\"", ok ? "taken" : w->why, words);
	if (words == NULL && !ok)
		fail_msg("refused: %s", w->why);
	return until;
}

static void the_question(void **state)
{
	struct world *w = *state;
	const unsigned char *p = (const unsigned char *)w->q.request.p;
	OCSP_REQUEST *r = d2i_OCSP_REQUEST(NULL, &p, (long)w->q.request.n);
	struct ocsp_question q;
	struct cert_pair *alone = pair_of(&w->leaf, NULL), *silent = pair_of(&w->sibling, &w->ca),
			 *wrong = pair_of(&w->leaf, &w->other_ca);

	assert_string_equal(w->q.url, "http://ocsp.test/x"); /* the https one is none */
	assert_non_null(r);
	assert_int_equal(OCSP_request_onereq_count(r), 1);
	assert_int_equal(OCSP_id_cmp(OCSP_onereq_get0_id(OCSP_request_onereq_get0(r, 0)), w->q.id),
			 0);
	OCSP_REQUEST_free(r);
	assert_false(ocsp_question_make(&q, alone, w->why));
	assert_non_null(strstr(w->why, "issuer's certificate is not in tls.crt"));
	assert_false(ocsp_question_make(&q, wrong, w->why));
	assert_non_null(strstr(w->why, "issuer's certificate is not in tls.crt"));
	assert_false(ocsp_question_make(&q, silent, w->why));
	assert_non_null(strstr(w->why, "names no OCSP responder"));
	cert_pair_free(alone);
	cert_pair_free(silent);
	cert_pair_free(wrong);
}

static void good_ones_and_their_time(void **state)
{
	struct world *w = *state;
	struct said s = {V_OCSP_CERTSTATUS_GOOD, &w->leaf, &w->ca, -60, DAY};

	assert_in_range(judge(w, &s, NULL) - w->now, DAY - 5, DAY + 5);
	s.until_s = 7 * DAY;
	assert_int_equal(judge(w, &s, NULL), w->now + OCSP_KEEP_S);
	s.until_s = 0;
	assert_int_equal(judge(w, &s, NULL), w->now + OCSP_KEEP_S);
	s.from_s = 100; /* clocks differ */
	judge(w, &s, NULL);
	s.signer = &w->delegate;
	judge(w, &s, NULL);
}

static void those_that_are_not_stapled(void **state)
{
	struct world *w = *state;
	struct said s = {V_OCSP_CERTSTATUS_REVOKED, &w->leaf, &w->ca, -60, DAY};

	judge(w, &s, "is revoked");
	s.status = V_OCSP_CERTSTATUS_UNKNOWN;
	judge(w, &s, "does not know");
	s.status = V_OCSP_CERTSTATUS_GOOD;
	s.until_s = -30;
	judge(w, &s, "not in force now");
	s.until_s = DAY;
	s.from_s = DAY / 2;
	judge(w, &s, "not in force now");
	s.from_s = -60;
	s.about = &w->sibling;
	judge(w, &s, "about another certificate");
	s.about = &w->leaf;
	s.signer = &w->other_ca;
	judge(w, &s, "not signed by");
	s.signer = &w->sibling; /* of the issuer, but not for this */
	judge(w, &s, "not signed by");
	s.signer = &w->leaf;
	judge(w, &s, "not signed by");
}

static void garbage(void **state)
{
	struct world *w = *state;
	struct said s = {V_OCSP_CERTSTATUS_GOOD, &w->leaf, &w->ca, -60, DAY};
	struct str der = answer(w, &s);
	OCSP_RESPONSE *r = OCSP_response_create(OCSP_RESPONSE_STATUS_TRYLATER, NULL);
	unsigned char *later = NULL;
	int n = i2d_OCSP_RESPONSE(r, &later);
	char *bad = malloc(der.n + 1);
	int64_t until;

	assert_false(ocsp_answer_check(&w->q, STR_NONE, w->now, &until, w->why));
	assert_false(ocsp_answer_check(&w->q, STR("<html>"), w->now, &until, w->why));
	assert_non_null(strstr(w->why, "no OCSP response"));
	assert_false(
	    ocsp_answer_check(&w->q, str_make((char *)later, (size_t)n), w->now, &until, w->why));
	assert_non_null(strstr(w->why, "answers with an error"));
	/* Any byte that is not as it was: never taken, whatever it does to the parser. */
	for (size_t i = 0; i < der.n; i++) {
		memcpy(bad, der.p, der.n);
		bad[i] = (char)(bad[i] ^ 0x55);
		assert_false(
		    ocsp_answer_check(&w->q, str_make(bad, der.n), w->now, &until, w->why) &&
		    i < der.n - 400); /* behind the signature: certificates */
		assert_false(ocsp_answer_check(&w->q, str_make(der.p, i), w->now, &until, w->why));
	}
	memcpy(bad, der.p, der.n);
	bad[der.n] = 0;
	assert_false(ocsp_answer_check(&w->q, str_make(bad, der.n + 1), w->now, &until, w->why));
	free(bad);
	OPENSSL_free(later);
	OPENSSL_free((char *)(uintptr_t)der.p);
	OCSP_RESPONSE_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(the_question, open_world, close_world),
	    cmocka_unit_test_setup_teardown(good_ones_and_their_time, open_world, close_world),
	    cmocka_unit_test_setup_teardown(those_that_are_not_stapled, open_world, close_world),
	    cmocka_unit_test_setup_teardown(garbage, open_world, close_world),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
