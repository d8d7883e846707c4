/* Whom a certificate is for, beside what OpenSSL says of the same; and what it is called. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <openssl/evp.h>
#include <openssl/x509v3.h>
#include <string.h>

#include "master/certs/cert_facts.h"

static EVP_PKEY *key;

static void add_san(X509 *x, const char *san)
{
	X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, san);

	assert_non_null(e);
	assert_int_equal(X509_add_ext(x, e, -1), 1);
	X509_EXTENSION_free(e);
}

static void add_entry(X509_NAME *n, const char *field, const char *value)
{
	assert_int_equal(X509_NAME_add_entry_by_txt(n, field, MBSTRING_UTF8,
						    (const unsigned char *)value, -1, -1, 0),
			 1);
}

static X509 *make(const char *cn, const char *san)
{
	X509 *x = X509_new();

	assert_int_equal(X509_set_version(x, X509_VERSION_3), 1);
	assert_int_equal(X509_set_pubkey(x, key), 1);
	assert_int_equal(ASN1_INTEGER_set_uint64(X509_get_serialNumber(x), UINT64_MAX), 1);
	if (cn != NULL)
		add_entry(X509_get_subject_name(x), "CN", cn);
	if (san != NULL)
		add_san(x, san);
	return x;
}

static bool openssl_says(X509 *x, const char *host)
{
	return X509_check_host(x, host, strlen(host), X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS, NULL) ==
	       1;
}

static const char *names[] = {"a.example.com",
			      "A.Example.COM",
			      "*.example.com",
			      "*.com",
			      "*",
			      "*.",
			      "*..com",
			      "a*.example.com",
			      "*a.example.com",
			      "a.*.example.com",
			      "*.*.com",
			      "*.a_b.example",
			      "*.-a.example",
			      "*.a-.example",
			      "*.a--b.example",
			      "*.example.com.",
			      ".example.com",
			      "xn--bcher-kva.example",
			      "*.xn--bcher-kva.example",
			      "a_b.example",
			      "*.192.168.1.1",
			      "example.com"};

/* Hosts with a dot in front, by which OpenSSL means a whole domain, are none. */
static const char *hosts[] = {"a.example.com",
			      "b.a.example.com",
			      "example.com",
			      "A.EXAMPLE.com",
			      "x.com",
			      "com",
			      "x",
			      "a_b.example.com",
			      "a_b.example",
			      "-a.example.com",
			      "x.a_b.example",
			      "x.-a.example",
			      "x.a-.example",
			      "x.a--b.example",
			      "a.example.com.",
			      "xn--x.example.com",
			      "xn--bcher-kva.example",
			      "a.xn--bcher-kva.example",
			      "x..com",
			      "1.192.168.1.1",
			      "a.b.com",
			      "a..example.com"};

static void hosts_as_openssl_has_them(void **state)
{
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		for (int common = 0; common < 2; common++) {
			char san[300];
			X509 *x;
			struct cert_facts f = {0};

			(void)snprintf(san, sizeof(san), "DNS:%s", names[i]);
			x = make(common ? names[i] : "other.example", common ? NULL : san);
			assert_true(cert_facts_take(&f, x));
			for (size_t n = 0; n < sizeof(hosts) / sizeof(hosts[0]); n++)
				if (cert_facts_cover(&f, str_from(hosts[n])) !=
				    openssl_says(x, hosts[n]))
					fail_msg("a certificate for %s and the host %s", names[i],
						 hosts[n]);
			cert_facts_free(&f);
			X509_free(x);
		}
}

static void alternative_names_go_before_the_subject(void **state)
{
	X509 *x = make("cn.example", "DNS:a.example,IP:10.0.0.1,DNS:*.b.example"),
	     *ip = make("cn.example", "IP:10.0.0.1"), *none = make(NULL, NULL);
	struct cert_facts f = {0}, g = {0}, h = {0};

	assert_true(cert_facts_take(&f, x) && cert_facts_take(&g, ip) && cert_facts_take(&h, none));
	assert_true(cert_facts_cover(&f, STR("a.example")));
	assert_true(cert_facts_cover(&f, STR("x.b.example")));
	assert_true(cert_facts_cover(&f, STR("*.b.example")));
	assert_false(cert_facts_cover(&f, STR("*.example")));
	assert_false(cert_facts_cover(&f, STR("cn.example")));
	assert_true(cert_facts_cover(&g, STR("cn.example")));
	assert_false(cert_facts_cover(&h, STR("cn.example")));
	assert_false(cert_facts_cover(&h, STR_NONE));
	cert_facts_free(&f);
	cert_facts_free(&g);
	cert_facts_free(&h);
	X509_free(x);
	X509_free(ip);
	X509_free(none);
}

static void is(struct str s, const char *text)
{
	if (!str_eq(s, str_from(text)))
		fail_msg("\"%.*s\" is not \"%s\"", STR_ARG(s), text);
}

static void what_the_metrics_call_it(void **state)
{
	X509 *x = make("a.example", NULL), *bare = make("b.example", NULL);
	struct cert_facts f = {0}, g = {0};
	char many[64 * 4 + 1] = "", whole[CERT_TEXT_MAX + 1] = "";

	for (unsigned i = 0; i < 64; i++)
		memcpy(many + 4 * i, "\xf0\x9f\x94\x91", 4);
	memcpy(whole, many, CERT_TEXT_MAX - CERT_TEXT_MAX % 4);
	add_entry(X509_get_issuer_name(bare), "O", many);
	add_entry(X509_get_issuer_name(x), "O", "Honest Achmed");
	add_entry(X509_get_issuer_name(x), "O", "and his friends");
	add_entry(X509_get_issuer_name(x), "CN",
		  "B\xc3\xbc"
		  "cher \"CA\"");
	add_entry(X509_get_issuer_name(x), "serialNumber", "77");
	assert_true(cert_facts_take(&f, x) && cert_facts_take(&g, bare));
	is(f.issuer_organization, "Honest Achmed");
	is(f.issuer_common_name, "B\xc3\xbc"
				 "cher \"CA\"");
	is(f.serial_number, "18446744073709551615");
	is(f.identifier, "77-18446744073709551615");
	is(f.public_key_algorithm, "ECDSA");
	is(g.issuer_organization, whole);
	is(g.issuer_common_name, "");
	is(g.identifier, "-18446744073709551615");
	cert_facts_free(&f);
	cert_facts_free(&g);
	X509_free(x);
	X509_free(bare);
}

static int begin(void **state)
{
	key = EVP_EC_gen("P-256");
	return key == NULL ? -1 : 0;
}

static int end(void **state)
{
	EVP_PKEY_free(key);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(hosts_as_openssl_has_them),
	    cmocka_unit_test(alternative_names_go_before_the_subject),
	    cmocka_unit_test(what_the_metrics_call_it),
	};

	return cmocka_run_group_tests(tests, begin, end);
}
