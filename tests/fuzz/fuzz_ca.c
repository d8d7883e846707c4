/*
 * fuzz_ca: any bytes as ca.crt and, behind a NUL, ca.crl of a Secret. What is taken is whole DER
 * that reads again as the same, and what is refused has a sentence.
 */
#include <openssl/x509.h>
#include <string.h>

#include "common/check.h"
#include "master/certs/ca_bundle.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void look_at(const struct ca_bundle *b)
{
	CHECK(b->n_certs > 0 && b->n_certs <= CA_CERTS_MAX && b->n_crls <= CA_CRLS_MAX);
	for (uint32_t i = 0; i < b->n_certs; i++) {
		const unsigned char *p = (const unsigned char *)b->certs[i].p;
		X509 *x = d2i_X509(NULL, &p, (long)b->certs[i].n);

		CHECK(x != NULL && p == (const unsigned char *)b->certs[i].p + b->certs[i].n);
		X509_free(x);
	}
	for (uint32_t i = 0; i < b->n_crls; i++) {
		const unsigned char *p = (const unsigned char *)b->crls[i].p;
		X509_CRL *x = d2i_X509_CRL(NULL, &p, (long)b->crls[i].n);

		CHECK(x != NULL);
		X509_CRL_free(x);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct str crt = str_make((const char *)data, n), crl = STR_NONE;
	ptrdiff_t nul = str_chr(crt, '\0');
	char why[CA_WHY_MAX] = "";
	struct ca_bundle *b;

	if (nul != -1) {
		crl = str_from_at(crt, (size_t)nul + 1);
		crt.n = (size_t)nul;
	}
	b = ca_bundle_parse(crt, crl, why);
	CHECK((b != NULL) == (why[0] == '\0'));
	CHECK(memchr(why, '\0', sizeof(why)) != NULL);
	if (b != NULL)
		look_at(b);
	ca_bundle_free(b);
	return 0;
}
