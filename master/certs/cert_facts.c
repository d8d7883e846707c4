/* cert_facts: see cert_facts.h. */
#include "master/certs/cert_facts.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

#include "master/table/vec.h"

#define NAME_BYTES_MAX 255u /* a DNS name has no more, and a longer one is nobody's host */

/* --- reading -------------------------------------------------------------------------------- */

/* Texts are gathered in a vec of char, which moves: what is known of them meanwhile is offsets. */
struct span {
	size_t at, n;
};

static bool append(struct vec *v, const void *p, size_t n)
{
	if (vec_reserve(v, n, 1) == -1)
		return false;
	if (n > 0)
		memcpy((char *)v->items + v->n, p, n);
	v->n += n;
	return true;
}

static bool add_name(struct vec *v, const unsigned char *p, size_t n)
{
	uint8_t length = (uint8_t)n;

	if (n == 0 || n > NAME_BYTES_MAX || memchr(p, '\0', n) != NULL)
		return true; /* no host is called so */
	return append(v, &length, 1) && append(v, p, n);
}

/* False: out of memory. *any: it has DNS names, be they good or bad. */
static bool add_alternative(struct vec *v, X509 *x, bool *any)
{
	GENERAL_NAMES *all = X509_get_ext_d2i(x, NID_subject_alt_name, NULL, NULL);
	bool ok = true;

	for (int i = 0; i < sk_GENERAL_NAME_num(all) && ok; i++) {
		const GENERAL_NAME *g = sk_GENERAL_NAME_value(all, i);

		if (g->type != GEN_DNS)
			continue;
		*any = true;
		ok = add_name(v, ASN1_STRING_get0_data(g->d.dNSName),
			      (size_t)ASN1_STRING_length(g->d.dNSName));
	}
	GENERAL_NAMES_free(all);
	return ok;
}

static bool add_common(struct vec *v, X509 *x)
{
	const X509_NAME *name = X509_get_subject_name(x);
	bool ok = true;

	for (int i = -1; ok && (i = X509_NAME_get_index_by_NID(name, NID_commonName, i)) >= 0;) {
		unsigned char *p = NULL;
		int n =
		    ASN1_STRING_to_UTF8(&p, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, i)));

		ok = n <= 0 || add_name(v, p, (size_t)n);
		OPENSSL_free(p);
	}
	return ok;
}

static bool add_names(struct vec *v, X509 *x, struct span *s)
{
	bool any = false;

	s->at = v->n;
	if (!add_alternative(v, x, &any) || (!any && !add_common(v, x)))
		return false;
	s->n = v->n - s->at;
	return true;
}

/* At most CERT_TEXT_MAX bytes, and no half character (RFC 3629 §3). */
static size_t cut(const unsigned char *p, size_t n)
{
	if (n <= CERT_TEXT_MAX)
		return n;
	n = CERT_TEXT_MAX;
	while (n > 0 && (p[n] & 0xc0) == 0x80)
		n--;
	return n;
}

/* The first attribute of that kind; empty when there is none. */
static bool add_attribute(struct vec *v, const X509_NAME *name, int nid, struct span *s)
{
	int i = X509_NAME_get_index_by_NID(name, nid, -1);
	unsigned char *p = NULL;
	int n =
	    i < 0 ? 0
		  : ASN1_STRING_to_UTF8(&p, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, i)));
	bool ok;

	*s = (struct span){v->n, n <= 0 ? 0 : cut(p, (size_t)n)};
	ok = append(v, p, s->n);
	OPENSSL_free(p);
	return ok;
}

static bool add_serial(struct vec *v, const X509 *x, struct span *s)
{
	BIGNUM *number = ASN1_INTEGER_to_BN(X509_get0_serialNumber(x), NULL);
	char *text = number == NULL ? NULL : BN_bn2dec(number);
	bool ok = text != NULL;

	if (ok) {
		*s = (struct span){v->n, cut((unsigned char *)text, strlen(text))};
		ok = append(v, text, s->n);
	}
	OPENSSL_free(text);
	BN_free(number);
	return ok;
}

static struct str algorithm(X509 *x)
{
	switch (EVP_PKEY_get_base_id(X509_get0_pubkey(x))) {
	case EVP_PKEY_RSA:
		return STR("RSA");
	case EVP_PKEY_EC:
		return STR("ECDSA");
	case EVP_PKEY_ED25519:
		return STR("Ed25519");
	default:
		return STR("0"); /* Go's word for what it does not know */
	}
}

static struct str at(const char *text, struct span s)
{
	return s.n == 0 ? STR_NONE : str_make(text + s.at, s.n);
}

bool cert_facts_take(struct cert_facts *f, X509 *x)
{
	const X509_NAME *issuer = X509_get_issuer_name(x);
	struct span names, issuer_serial, serial, organization, common;
	struct vec v = {0};
	bool ok = add_names(&v, x, &names) &&
		  add_attribute(&v, issuer, NID_serialNumber, &issuer_serial) &&
		  append(&v, "-", 1) && add_serial(&v, x, &serial) &&
		  add_attribute(&v, issuer, NID_organizationName, &organization) &&
		  add_attribute(&v, issuer, NID_commonName, &common);

	ERR_clear_error();
	f->text = ok ? malloc(v.n) : NULL;
	if (f->text != NULL) {
		memcpy(f->text, v.items, v.n);
		f->names = at(f->text, names);
		f->identifier =
		    str_make(f->text + issuer_serial.at, serial.at + serial.n - issuer_serial.at);
		f->serial_number = at(f->text, serial);
		f->issuer_organization = at(f->text, organization);
		f->issuer_common_name = at(f->text, common);
		f->public_key_algorithm = algorithm(x);
	}
	vec_free(&v);
	return f->text != NULL;
}

void cert_facts_free(struct cert_facts *f)
{
	free(f->text);
	f->text = NULL;
}

/* --- whom it is for ------------------------------------------------------------------------- */

static bool is_alnum(char c)
{
	c = ascii_lower(c);
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

/* Letters, digits, and hyphens inside: what stands for a star, and around one. */
static bool is_label(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!is_alnum(s.p[i]) && s.p[i] != '-')
			return false;
	return s.n > 0;
}

static bool has_outer_hyphen(struct str s)
{
	return s.p[0] == '-' || s.p[s.n - 1] == '-';
}

/* "*." and at least two whole labels; else the star is a character like any other. */
static bool is_wildcard(struct str name)
{
	unsigned labels = 0;
	struct str rest;
	ptrdiff_t dot;

	if (!str_starts(name, STR("*.")))
		return false;
	for (rest = str_from_at(name, 2); rest.n > 0; labels++) {
		struct str label;

		dot = str_chr(rest, '.');
		label = dot == -1 ? rest : str_head(rest, (size_t)dot);
		if (!is_label(label) || has_outer_hyphen(label))
			return false;
		rest = dot == -1 ? STR_NONE : str_from_at(rest, (size_t)dot + 1);
		if (dot != -1 && rest.n == 0)
			return false;
	}
	return labels >= 2;
}

static bool matches(struct str name, struct str host)
{
	ptrdiff_t dot = str_chr(host, '.');

	if (!is_wildcard(name))
		return str_ieq(name, host);
	return dot > 0 && is_label(str_head(host, (size_t)dot)) &&
	       str_ieq(str_from_at(name, 1), str_from_at(host, (size_t)dot));
}

/* A wildcard host needs a certificate that names exactly it: a name below it stands for all. */
bool cert_facts_cover(const struct cert_facts *f, struct str host)
{
	char any[NAME_BYTES_MAX];
	struct str rest = f->names;

	if (host.n == 0 || host.n > sizeof(any) || host.p[0] == '.')
		return false;
	memcpy(any, host.p, host.n);
	if (any[0] == '*')
		any[0] = 'x';
	while (rest.n > 0) {
		size_t n = (uint8_t)rest.p[0];

		if (matches(str_make(rest.p + 1, n), str_make(any, host.n)))
			return true;
		rest = str_from_at(rest, 1 + n);
	}
	return false;
}
