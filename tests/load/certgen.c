/*
 * certgen: self-signed certificates by the thousand, for benchmarks and tests.
 *
 *     certgen COUNT DOMAIN
 *
 * A line each: the host (h00000.DOMAIN, h00001.DOMAIN, ...), the certificate for it and its ECDSA
 * P-256 key, both PEM in base64 as a Secret has them, with a space between. In force for 30 days.
 */
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>

#define DAYS 30

static void need(int ok, const char *what)
{
	if (ok)
		return;
	(void)fprintf(stderr, "certgen: %s failed\n", what);
	exit(1);
}

static void add_name(X509 *x, const char *host)
{
	X509_NAME *name = X509_get_subject_name(x);
	X509_EXTENSION *san;
	char text[300];

	need(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)host, -1,
					-1, 0) == 1 &&
		 X509_set_issuer_name(x, name) == 1,
	     "the subject");
	(void)snprintf(text, sizeof(text), "DNS:%s", host);
	san = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, text);
	need(san != NULL && X509_add_ext(x, san, -1) == 1, "the alternative name");
	X509_EXTENSION_free(san);
}

static X509 *make(EVP_PKEY *key, const char *host, unsigned long number)
{
	X509 *x = X509_new();

	need(x != NULL && X509_set_version(x, X509_VERSION_3) == 1 &&
		 ASN1_INTEGER_set_uint64(X509_get_serialNumber(x), number + 1) == 1 &&
		 X509_gmtime_adj(X509_getm_notBefore(x), -3600) != NULL &&
		 X509_gmtime_adj(X509_getm_notAfter(x), 86400L * DAYS) != NULL &&
		 X509_set_pubkey(x, key) == 1,
	     "the certificate");
	add_name(x, host);
	need(X509_sign(x, key, EVP_sha256()) > 0, "signing");
	return x;
}

static void print_base64(BIO *pem)
{
	char *p;
	long n = BIO_get_mem_data(pem, &p);
	unsigned char *out = malloc((size_t)n * 4 / 3 + 8);

	need(out != NULL, "malloc");
	(void)EVP_EncodeBlock(out, (const unsigned char *)p, (int)n);
	(void)printf(" %s", (const char *)out);
	free(out);
	BIO_free(pem);
}

static void one(unsigned long number, const char *domain)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	BIO *crt = BIO_new(BIO_s_mem()), *secret = BIO_new(BIO_s_mem());
	char host[256];
	X509 *x;

	(void)snprintf(host, sizeof(host), "h%05lu.%s", number, domain);
	need(key != NULL && crt != NULL && secret != NULL, "the key");
	x = make(key, host, number);
	need(PEM_write_bio_X509(crt, x) == 1 &&
		 PEM_write_bio_PrivateKey(secret, key, NULL, NULL, 0, NULL, NULL) == 1,
	     "PEM");
	(void)printf("%s", host);
	print_base64(crt);
	print_base64(secret);
	(void)printf("\n");
	X509_free(x);
	EVP_PKEY_free(key);
}

int main(int argc, char **argv)
{
	unsigned long count = argc == 3 ? strtoul(argv[1], NULL, 10) : 0;

	if (count == 0) {
		(void)fprintf(stderr, "usage: certgen COUNT DOMAIN\n");
		return 2;
	}
	for (unsigned long i = 0; i < count; i++)
		one(i, argv[2]);
	return 0;
}
