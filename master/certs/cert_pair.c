/* cert_pair: see cert_pair.h. Here: parsing and checking; cert_self.c makes one. */
#include "master/certs/cert_pair.h"

#include <limits.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/sha.h>
#include <openssl/x509v3.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/check.h"
#include "common/process/sign_msg.h"
#include "master/certs/cert_pair_int.h"
#include "master/keys/key_read.h"

#define RSA_LEAST_BITS 1024 /* what OpenSSL's security level 1 takes, as ingress-nginx does */

/* Says why, in the words of printf(). */
static bool refuse(char why[CERT_WHY_MAX], const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

static bool refuse(char why[CERT_WHY_MAX], const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(why, CERT_WHY_MAX, fmt, ap);
	va_end(ap);
	ERR_clear_error();
	return false;
}

/* --- PEM blocks ----------------------------------------------------------------------------- */

struct block {
	char *name, *header;
	unsigned char *der;
	long n;
};

enum block_is {
	BLOCK_READ,
	BLOCK_DAMAGED,
	BLOCK_END
};

static void block_free(struct block *b)
{
	OPENSSL_free(b->name);
	OPENSSL_free(b->header);
	OPENSSL_clear_free(b->der, b->n < 0 ? 0 : (size_t)b->n);
	*b = (struct block){0};
}

static enum block_is next_block(BIO *in, struct block *b)
{
	*b = (struct block){0};
	if (PEM_read_bio(in, &b->name, &b->header, &b->der, &b->n) == 1)
		return BLOCK_READ;
	return ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE ? BLOCK_END
									    : BLOCK_DAMAGED;
}

static bool is_certificate(const struct block *b)
{
	return strcmp(b->name, PEM_STRING_X509) == 0 || strcmp(b->name, PEM_STRING_X509_OLD) == 0;
}

static bool is_key(const struct block *b)
{
	return str_ends(str_from(b->name), STR("PRIVATE KEY"));
}

static bool is_encrypted(const struct block *b)
{
	return strcmp(b->name, PEM_STRING_PKCS8) == 0 || strstr(b->header, "ENCRYPTED") != NULL;
}

/* --- the chain ------------------------------------------------------------------------------ */

bool cert_draft_add(struct cert_draft *p, X509 *x)
{
	unsigned char *der = NULL;
	int n = i2d_X509(x, &der);

	if (n <= 0)
		return false;
	p->chain[p->n_chain++] = str_make((const char *)der, (size_t)n);
	return true;
}

static size_t chain_bytes(const struct cert_draft *p)
{
	size_t n = 0;

	for (uint32_t i = 0; i < p->n_chain; i++)
		n += p->chain[i].n;
	return n;
}

static bool add_certificate(struct cert_draft *p, const struct block *b, char why[CERT_WHY_MAX])
{
	const unsigned char *der = b->der;
	X509 *x;

	if (p->n_chain == CERT_CHAIN_MAX)
		return refuse(why,
			      "tls.crt holds more than %u certificates: leave only the "
			      "server's and its intermediates",
			      CERT_CHAIN_MAX);
	x = d2i_X509(NULL, &der, b->n);
	if (x == NULL || der != b->der + b->n || !cert_draft_add(p, x)) {
		X509_free(x);
		return refuse(why,
			      "certificate number %u in tls.crt is damaged: put it "
			      "there again",
			      p->n_chain + 1);
	}
	if (p->leaf == NULL)
		p->leaf = x;
	else
		X509_free(x);
	return chain_bytes(p) <= CERT_CHAIN_BYTES ||
	       refuse(why,
		      "the certificates in tls.crt have more than %u bytes, which "
		      "clients refuse: leave only the server's and its intermediates",
		      CERT_CHAIN_BYTES);
}

static bool read_blocks(struct cert_draft *p, BIO *in, char why[CERT_WHY_MAX])
{
	enum block_is is = BLOCK_READ;
	struct block b;
	bool ok = true;

	while (ok && (is = next_block(in, &b)) == BLOCK_READ) {
		ok = !is_certificate(&b) || add_certificate(p, &b, why);
		block_free(&b);
	}
	if (ok && is == BLOCK_DAMAGED)
		return refuse(why,
			      "tls.crt is damaged behind its first %u certificates: "
			      "put the whole PEM text there again",
			      p->n_chain);
	return ok;
}

static bool read_chain(struct cert_draft *p, struct str pem, char why[CERT_WHY_MAX])
{
	BIO *in = pem.n > INT_MAX ? NULL : BIO_new_mem_buf(pem.p, (int)pem.n);
	bool ok = in == NULL || read_blocks(p, in, why);

	BIO_free(in);
	ERR_clear_error();
	if (ok && p->leaf == NULL)
		return refuse(why, "tls.crt holds no PEM certificate: put the certificate there, "
				   "followed by its intermediates");
	return ok;
}

/* --- the key -------------------------------------------------------------------------------- */

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

static bool copy_secret(struct cert_draft *p, struct str der)
{
	char *copy = der.n == 0 || der.n > KEY_DER_MAX ? NULL : OPENSSL_memdup(der.p, der.n);

	if (copy == NULL)
		return false;
	p->secret = str_make(copy, der.n);
	return true;
}

static bool write_secret(struct cert_draft *p, const EVP_PKEY *key)
{
	unsigned char *der = NULL;
	int n = i2d_PrivateKey(key, &der);
	bool ok = n > 0 && copy_secret(p, str_make((const char *)der, (size_t)n));

	OPENSSL_clear_free(der, n < 0 ? 0 : (size_t)n);
	return ok;
}

bool cert_draft_take_key(struct cert_draft *p, EVP_PKEY *key, struct str der)
{
	unsigned char *spki = NULL;
	int n = i2d_PUBKEY(key, &spki);

	if (n > 0)
		(void)SHA256(spki, (size_t)n, p->key);
	OPENSSL_free(spki);
	return n > 0 && (der.n > 0 ? copy_secret(p, der) : write_secret(p, key));
}

/* What tls.key held, as far as it matters for the words of a refusal. */
struct seen {
	bool key, encrypted, damaged;
	unsigned fits; /* number of the certificate, behind the first, whose key it is; 0: none */
};

/* Number of the certificate in the chain that the key belongs to, 0: none. */
static unsigned which_fits(const struct cert_draft *p, EVP_PKEY *key)
{
	bool yes = X509_check_private_key(p->leaf, key) == 1;
	uint32_t i;

	for (i = 1; i < p->n_chain && !yes; i++) {
		const unsigned char *der = (const unsigned char *)p->chain[i].p;
		X509 *x = d2i_X509(NULL, &der, (long)p->chain[i].n);

		yes = x != NULL && X509_check_private_key(x, key) == 1;
		X509_free(x);
	}
	ERR_clear_error();
	return yes ? i : 0;
}

/* The block's key when it is the first certificate's, else NULL. */
static EVP_PKEY *take_block(const struct cert_draft *p, const struct block *b, struct seen *seen)
{
	unsigned number;
	EVP_PKEY *key;

	if (!is_key(b))
		return NULL;
	if (is_encrypted(b)) {
		seen->encrypted = true;
		return NULL;
	}
	key = b->n <= 0 ? NULL : key_read(str_make((const char *)b->der, (size_t)b->n));
	seen->key = seen->key || key != NULL;
	seen->damaged = seen->damaged || key == NULL;
	number = key == NULL ? 0 : which_fits(p, key);
	if (number == 1)
		return key;
	if (number != 0)
		seen->fits = number;
	EVP_PKEY_free(key);
	return NULL;
}

/* The first certificate's key; *taken: it is one that is served, and the draft has it. */
static EVP_PKEY *find_key(struct cert_draft *p, struct str pem, struct seen *seen, bool *taken)
{
	BIO *in = pem.n > INT_MAX ? NULL : BIO_new_mem_buf(pem.p, (int)pem.n);
	enum block_is is = BLOCK_END;
	EVP_PKEY *key = NULL;
	struct block b;

	while (in != NULL && key == NULL && (is = next_block(in, &b)) == BLOCK_READ) {
		key = take_block(p, &b, seen);
		if (key != NULL && kind_is_served(key))
			*taken =
			    cert_draft_take_key(p, key, str_make((const char *)b.der, (size_t)b.n));
		block_free(&b);
	}
	seen->damaged = seen->damaged || is == BLOCK_DAMAGED;
	BIO_free(in);
	ERR_clear_error();
	return key;
}

static bool refuse_keys(const struct seen *seen, char why[CERT_WHY_MAX])
{
	if (seen->fits != 0)
		return refuse(why,
			      "tls.key is the key of certificate number %u in tls.crt: "
			      "put that one, the server's, first",
			      seen->fits);
	if (seen->key)
		return refuse(why, "tls.key is not the key of the first certificate in tls.crt: "
				   "put the pair that belongs together, the server's certificate "
				   "first");
	if (seen->encrypted)
		return refuse(why, "tls.key is encrypted, and there is nobody to ask for its "
				   "passphrase: put it there without one (openssl pkey)");
	if (seen->damaged)
		return refuse(why, "tls.key is damaged: put the whole PEM text there again");
	return refuse(why, "tls.key holds no PEM private key: put the certificate's key there");
}

static bool read_key(struct cert_draft *p, struct str pem, char why[CERT_WHY_MAX])
{
	struct seen seen = {0};
	bool taken = false, ok = true;
	EVP_PKEY *key = find_key(p, pem, &seen, &taken);

	if (key == NULL)
		return refuse_keys(&seen, why);
	if (!kind_is_served(key))
		ok = refuse(why, "its key is of no kind that is served: use RSA from 1024 to 8192 "
				 "bits, ECDSA, or Ed25519");
	else if (!taken)
		ok = refuse(why, "its key cannot be handed over: is it of a usual size?");
	EVP_PKEY_free(key);
	return ok;
}

/* --- in force ------------------------------------------------------------------------------- */

int64_t cert_pair_time(const ASN1_TIME *t)
{
	struct tm tm;

	return ASN1_TIME_to_tm(t, &tm) == 1 ? (int64_t)timegm(&tm) : 0;
}

bool cert_pair_in_force(const struct cert_pair *p, int64_t now, char why[CERT_WHY_MAX])
{
	time_t when = (time_t)(p->not_after < now ? p->not_after : p->not_before);
	char day[32] = "?";
	struct tm tm;

	if (p->not_before <= now && now <= p->not_after)
		return true;
	if (gmtime_r(&when, &tm) != NULL)
		(void)strftime(day, sizeof(day), "%Y-%m-%d", &tm);
	(void)snprintf(why, CERT_WHY_MAX,
		       p->not_after < now ? "it expired on %s: renew it"
					  : "it is not in force before %s: wait, or renew it",
		       day);
	return false;
}

/* --- made and freed ------------------------------------------------------------------------- */

static bool copy_chain(struct cert_pair *p, const struct cert_draft *d)
{
	size_t bytes = d->n_chain * sizeof(struct str);
	char *at = malloc(bytes + chain_bytes(d));

	if (at == NULL)
		return false;
	p->chain = (struct str *)(void *)at;
	p->n_chain = d->n_chain;
	at += bytes;
	for (uint32_t i = 0; i < d->n_chain; i++) {
		memcpy(at, d->chain[i].p, d->chain[i].n);
		p->chain[i] = str_make(at, d->chain[i].n);
		at += d->chain[i].n;
	}
	return true;
}

struct cert_pair *cert_draft_finish(struct cert_draft *d)
{
	struct cert_pair *p = calloc(1, sizeof(*p));

	CHECK(p != NULL);
	if (!copy_chain(p, d) || !cert_facts_take(&p->facts, d->leaf)) {
		cert_pair_free(p);
		return NULL;
	}
	p->not_before = cert_pair_time(X509_get0_notBefore(d->leaf));
	p->not_after = cert_pair_time(X509_get0_notAfter(d->leaf));
	memcpy(p->key, d->key, sizeof(p->key));
	p->secret = d->secret;
	d->secret = STR_NONE;
	return p;
}

void cert_draft_free(struct cert_draft *d)
{
	OPENSSL_clear_free((char *)(uintptr_t)d->secret.p, d->secret.n);
	for (uint32_t i = 0; i < d->n_chain; i++)
		OPENSSL_free((char *)(uintptr_t)d->chain[i].p);
	X509_free(d->leaf);
	*d = (struct cert_draft){0};
}

struct cert_pair *cert_pair_parse(struct str crt, struct str key, int64_t now,
				  char why[CERT_WHY_MAX])
{
	struct cert_draft d = {0};
	struct cert_pair *p = NULL;

	if (read_chain(&d, crt, why) && read_key(&d, key, why)) {
		p = cert_draft_finish(&d);
		if (p == NULL)
			(void)refuse(why, "there is no memory for it");
	}
	cert_draft_free(&d);
	if (p == NULL || cert_pair_in_force(p, now, why))
		return p;
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
	cert_facts_free(&p->facts);
	free(p->chain);
	free(p);
}

X509 *cert_pair_leaf(const struct cert_pair *p)
{
	const unsigned char *der = (const unsigned char *)p->chain[0].p;

	return d2i_X509(NULL, &der, (long)p->chain[0].n);
}

bool cert_pair_covers(const struct cert_pair *p, struct str host)
{
	return cert_facts_cover(&p->facts, host);
}
