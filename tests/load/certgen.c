/*
 * certgen: certificates by the thousand, self-signed or with a chain, for benchmarks and tests.
 *
 *     certgen COUNT DOMAIN [chain]
 *
 * A line each: the host (h00000.DOMAIN, h00001.DOMAIN, ...), the certificate for it and its ECDSA
 * P-256 key, both PEM in base64 as a Secret has them, with a space between. In force for 30 days.
 * With a chain, the issuer's certificate (RSA 2048, signed by RSA 4096) stands behind it, and what
 * public authorities add is there in size: 2 KB in all, as most certificates are.
 */
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DAYS  30
#define ADDED 300 /* bytes of policies, places to ask at, and signed timestamps */

struct issuer {
	EVP_PKEY *key;
	X509 *x;
};

static void need(int ok, const char *what)
{
	if (ok)
		return;
	(void)fprintf(stderr, "certgen: %s failed\n", what);
	exit(1);
}

static void add(X509 *x, int nid, const char *text)
{
	X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, NULL, nid, text);

	need(e != NULL && X509_add_ext(x, e, -1) == 1, "an extension");
	X509_EXTENSION_free(e);
}

static void add_name(X509 *x, const char *host, const struct issuer *by)
{
	X509_NAME *name = X509_get_subject_name(x);
	char text[300], added[ADDED + 1];

	need(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)host, -1,
					-1, 0) == 1 &&
		 X509_set_issuer_name(x, by->x == NULL ? name : X509_get_subject_name(by->x)) == 1,
	     "the subject");
	(void)snprintf(text, sizeof(text), "DNS:%s", host);
	add(x, NID_subject_alt_name, text);
	if (by->key == NULL)
		return;
	memset(added, 'x', ADDED);
	added[ADDED] = '\0';
	add(x, NID_netscape_comment, added);
}

static X509 *make(EVP_PKEY *key, const char *host, unsigned long number, const struct issuer *by)
{
	X509 *x = X509_new();

	need(x != NULL && X509_set_version(x, X509_VERSION_3) == 1 &&
		 ASN1_INTEGER_set_uint64(X509_get_serialNumber(x), number + 1) == 1 &&
		 X509_gmtime_adj(X509_getm_notBefore(x), -3600) != NULL &&
		 X509_gmtime_adj(X509_getm_notAfter(x), 86400L * DAYS) != NULL &&
		 X509_set_pubkey(x, key) == 1,
	     "the certificate");
	add_name(x, host, by);
	need(X509_sign(x, by->key == NULL ? key : by->key, EVP_sha256()) > 0, "signing");
	return x;
}

static struct issuer make_issuer(void)
{
	struct issuer root = {.key = EVP_RSA_gen(4096)}, by = {.key = EVP_RSA_gen(2048)};

	need(root.key != NULL && by.key != NULL, "the issuer's key");
	root.x = make(root.key, "Root for Benchmarks", 0, &(struct issuer){NULL, NULL});
	by.x = make(by.key, "Issuer for Benchmarks", 1, &root);
	X509_free(root.x);
	EVP_PKEY_free(root.key);
	return by;
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

static void one(unsigned long number, const char *domain, const struct issuer *by)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	BIO *crt = BIO_new(BIO_s_mem()), *secret = BIO_new(BIO_s_mem());
	char host[256];
	X509 *x;

	(void)snprintf(host, sizeof(host), "h%05lu.%s", number, domain);
	need(key != NULL && crt != NULL && secret != NULL, "the key");
	x = make(key, host, number, by);
	need(PEM_write_bio_X509(crt, x) == 1 &&
		 (by->x == NULL || PEM_write_bio_X509(crt, by->x) == 1) &&
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
	unsigned long count = argc >= 3 ? strtoul(argv[1], NULL, 10) : 0;
	bool chain = argc == 4 && strcmp(argv[3], "chain") == 0;
	struct issuer by = {NULL, NULL};

	if (count == 0 || (argc != 3 && !chain)) {
		(void)fprintf(stderr, "usage: certgen COUNT DOMAIN [chain]\n");
		return 2;
	}
	if (chain)
		by = make_issuer();
	for (unsigned long i = 0; i < count; i++)
		one(i, argv[2], &by);
	X509_free(by.x);
	EVP_PKEY_free(by.key);
	return 0;
}
