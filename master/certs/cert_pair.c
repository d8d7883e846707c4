/* cert_pair: see cert_pair.h. Here: parsing and checking; cert_self.c makes one. */
#include "master/certs/cert_pair.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/sha.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/check.h"
#include "common/process/sign_msg.h"
#include "master/certs/cert_pair_int.h"

#define RSA_LEAST_BITS 1024 /* what OpenSSL's security level 1 takes, as ingress-nginx does */

static bool refuse(char why[CERT_WHY_MAX], const char *text)
{
	(void)snprintf(why, CERT_WHY_MAX, "%s", text);
	ERR_clear_error();
	return false;
}

/* There is nobody to ask for a passphrase. */
static int no_passphrase(char *buf, int n, int writing, void *arg)
{
	return -1;
}

bool cert_pair_add(struct cert_pair *p, X509 *x)
{
	unsigned char *der = NULL;
	int n = i2d_X509(x, &der);

	if (n <= 0)
		return false;
	p->chain[p->n_chain++] = str_make((const char *)der, (size_t)n);
	return true;
}

static bool read_chain(struct cert_pair *p, struct str pem, char why[CERT_WHY_MAX])
{
	BIO *in = BIO_new_mem_buf(pem.p, (int)pem.n);
	X509 *x;

	while (in != NULL && p->n_chain < CERT_CHAIN_MAX &&
	       (x = PEM_read_bio_X509(in, NULL, no_passphrase, NULL)) != NULL) {
		bool ok = cert_pair_add(p, x);

		if (p->leaf == NULL)
			p->leaf = x;
		else
			X509_free(x);
		if (!ok)
			break;
	}
	BIO_free(in);
	ERR_clear_error();
	return p->leaf != NULL ||
	       refuse(why, "tls.crt holds no PEM certificate: put the certificate there, followed "
			   "by its intermediates");
}

static bool kind_is_served(const EVP_PKEY *key)
{
	switch (EVP_PKEY_get_base_id(key)) {
	case EVP_PKEY_RSA:
		return EVP_PKEY_get_bits(key) >= RSA_LEAST_BITS &&
		       EVP_PKEY_get_size(key) <= SIGN_SIG_MAX;
	case EVP_PKEY_EC:
	case EVP_PKEY_ED25519:
		return true;
	default:
		return false;
	}
}

bool cert_pair_take_key(struct cert_pair *p, const EVP_PKEY *key)
{
	unsigned char *der = NULL, *spki = NULL;
	int n = i2d_PrivateKey(key, &der), m = i2d_PUBKEY(key, &spki);
	bool ok = n > 0 && n <= (int)KEY_DER_MAX && m > 0;

	if (m > 0)
		(void)SHA256(spki, (size_t)m, p->key);
	OPENSSL_free(spki);
	if (ok)
		p->secret = str_make((const char *)der, (size_t)n);
	else if (n > 0)
		OPENSSL_clear_free(der, (size_t)n);
	return ok;
}

static bool read_key(struct cert_pair *p, struct str pem, char why[CERT_WHY_MAX])
{
	BIO *in = BIO_new_mem_buf(pem.p, (int)pem.n);
	EVP_PKEY *key = in == NULL ? NULL : PEM_read_bio_PrivateKey(in, NULL, no_passphrase, NULL);
	bool ok = true;

	BIO_free(in);
	if (key == NULL)
		return refuse(why, "tls.key holds no PEM private key without passphrase: put the "
				   "certificate's key there");
	if (!kind_is_served(key))
		ok = refuse(why, "its key is of no kind that is served: use RSA from 1024 to 8192 "
				 "bits, ECDSA, or Ed25519");
	else if (X509_check_private_key(p->leaf, key) != 1)
		ok = refuse(why, "tls.key is not the key of the first certificate in tls.crt: put "
				 "the pair that belongs together, the server's certificate first");
	else if (!cert_pair_take_key(p, key))
		ok = refuse(why, "its key cannot be handed over: is it of a usual size?");
	EVP_PKEY_free(key);
	return ok;
}

int64_t cert_pair_time(const ASN1_TIME *t)
{
	struct tm tm;

	return ASN1_TIME_to_tm(t, &tm) == 1 ? (int64_t)timegm(&tm) : 0;
}

bool cert_pair_in_force(const struct cert_pair *p, int64_t now, char why[CERT_WHY_MAX])
{
	int64_t from = cert_pair_time(X509_get0_notBefore(p->leaf));
	time_t when = (time_t)(p->not_after < now ? p->not_after : from);
	char day[32] = "?";
	struct tm tm;

	if (from <= now && now <= p->not_after)
		return true;
	if (gmtime_r(&when, &tm) != NULL)
		(void)strftime(day, sizeof(day), "%Y-%m-%d", &tm);
	(void)snprintf(why, CERT_WHY_MAX,
		       p->not_after < now ? "it expired on %s: renew it"
					  : "it is not in force before %s: wait, or renew it",
		       day);
	return false;
}

struct cert_pair *cert_pair_parse(struct str crt, struct str key, int64_t now,
				  char why[CERT_WHY_MAX])
{
	struct cert_pair *p = calloc(1, sizeof(*p));

	CHECK(p != NULL);
	if (read_chain(p, crt, why) && read_key(p, key, why)) {
		p->not_after = cert_pair_time(X509_get0_notAfter(p->leaf));
		if (cert_pair_in_force(p, now, why))
			return p;
	}
	cert_pair_free(p);
	return NULL;
}

void cert_pair_wipe_key(struct cert_pair *p)
{
	OPENSSL_clear_free((char *)(uintptr_t)p->secret.p, p->secret.n);
	p->secret = STR_NONE;
}

void cert_pair_free(struct cert_pair *p)
{
	if (p == NULL)
		return;
	cert_pair_wipe_key(p);
	for (uint32_t i = 0; i < p->n_chain; i++)
		OPENSSL_free((char *)(uintptr_t)p->chain[i].p);
	X509_free(p->leaf);
	free(p);
}

/* A wildcard host needs a certificate that names exactly it: OpenSSL matches a name below it. */
bool cert_pair_covers(const struct cert_pair *p, struct str host)
{
	char name[256];

	if (host.n == 0 || host.n >= sizeof(name))
		return false;
	memcpy(name, host.p, host.n);
	if (host.p[0] == '*')
		name[0] = 'x'; /* any one label stands for all */
	return X509_check_host(p->leaf, name, host.n, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS, NULL) ==
	       1;
}
