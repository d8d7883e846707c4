/*
 * cert_self: the certificate for names that have none, when no Secret was named for it.
 * Nobody can trust it; it carries the name by which users of ingress-nginx know what they see.
 */
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <stdlib.h>

#include "common/check.h"
#include "master/certs/cert_pair_int.h"

#define COMMON_NAME "Kubernetes Ingress Controller Fake Certificate"
#define YEAR        (365L * 24 * 3600)

static bool set_serial(X509 *x)
{
	uint64_t serial;

	return RAND_bytes((unsigned char *)&serial, sizeof(serial)) == 1 &&
	       ASN1_INTEGER_set_uint64(X509_get_serialNumber(x), serial >> 1) == 1;
}

static bool set_names(X509 *x)
{
	X509_NAME *name = X509_get_subject_name(x);
	X509_EXTENSION *san =
	    X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, "DNS:ingress.local");
	bool ok = san != NULL &&
		  X509_NAME_add_entry_by_txt(name, "O", MBSTRING_ASC,
					     (const unsigned char *)"Silex", -1, -1, 0) == 1 &&
		  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
					     (const unsigned char *)COMMON_NAME, -1, -1, 0) == 1 &&
		  X509_set_issuer_name(x, name) == 1 && X509_add_ext(x, san, -1) == 1;

	X509_EXTENSION_free(san);
	return ok;
}

static X509 *make(EVP_PKEY *key)
{
	X509 *x = X509_new();

	if (x != NULL && X509_set_version(x, X509_VERSION_3) == 1 && set_serial(x) &&
	    set_names(x) && X509_gmtime_adj(X509_getm_notBefore(x), -3600) != NULL &&
	    X509_gmtime_adj(X509_getm_notAfter(x), YEAR) != NULL && X509_set_pubkey(x, key) == 1 &&
	    X509_sign(x, key, EVP_sha256()) > 0)
		return x;
	X509_free(x);
	return NULL;
}

struct cert_pair *cert_pair_self_signed(void)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	struct cert_pair *p = NULL;
	struct cert_draft d = {0};

	d.leaf = key == NULL ? NULL : make(key);
	if (d.leaf != NULL && cert_draft_add(&d, d.leaf) && cert_draft_take_key(&d, key, STR_NONE))
		p = cert_draft_finish(&d);
	cert_draft_free(&d);
	EVP_PKEY_free(key);
	ERR_clear_error();
	return p;
}
