/* names: what the API server accepts as name, host, port and path. */
#include "k8s_test.h"

#include "k8s/text/base64.h"
#include "k8s/text/names.h"

typedef const char *form_fn(struct str);

static void all(form_fn *form, const char *const *list, bool good)
{
	for (; *list != NULL; list++)
		if ((form(str_from(*list)) == NULL) != good)
			fail_msg("\"%s\" should be %s", *list, good ? "accepted" : "refused");
}

#define LIST(...) ((const char *const[]){__VA_ARGS__, NULL})

static void test_labels(void **state)
{
	char longest[65];

	all(name_label, LIST("a", "a-b", "0", "a1"), true);
	all(name_label, LIST("", "A", "-a", "a-", "a.b", "a_b", "a/b"), false);
	memset(longest, 'a', 64);
	assert_non_null(name_label(str_make(longest, 64)));
	assert_null(name_label(str_make(longest, 63)));
}

static void test_subdomains(void **state)
{
	all(name_subdomain, LIST("a", "a.b", "a-1.b"), true);
	all(name_subdomain, LIST("", ".a", "a.", "a..b", "A.b", "a.-b", "a b"), false);
}

static void test_hosts(void **state)
{
	all(name_host, LIST("silex.local", "localhost", "*.example.com", "1.2.3.4.example.com"),
	    true);
	all(name_host,
	    LIST("*", "*.", "a.*.com", "**.com", "*a.com", "1.2.3.4", "::1", "a:80", "Upper.com",
		 "a.com.", ""),
	    false);
}

static void test_ports(void **state)
{
	all(name_port, LIST("http", "a", "web-1", "8a"), true);
	all(name_port, LIST("", "80", "-a", "a-", "a--b", "Http", "much-too-long-name"), false);
}

static void test_paths(void **state)
{
	all(name_path, LIST("/", "/a", "/a/", "/a.b/c%20d", "/..a"), true);
	all(name_path,
	    LIST("", "a", "//", "/a//b", "/./a", "/../a", "/a/..", "/a/.", "/a%2Fb", "/a%2fb",
		 "/a\nb"),
	    false);
	all(name_path_free, LIST("", "/", "/a(/|$)(.*)", "/..", "//"), true);
	all(name_path_free, LIST("a", "~", "/a\x01"), false);
}

static void test_data_keys(void **state)
{
	all(name_data_key, LIST("tls.crt", "A_b-c", "..data"), true);
	all(name_data_key, LIST("", ".", "..", "a/b", "a b"), false);
}

static void test_base64(void **state)
{
	static const char *const good[][2] = {
	    {"", ""}, {"YQ==", "a"}, {"YWI=", "ab"}, {"YWJj", "abc"}, {"YW\nJj\r\n", "abc"},
	};
	char out[64];

	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
		ptrdiff_t n = base64_decode(str_from(good[i][0]), out);

		assert_int_equal(n, strlen(good[i][1]));
		assert_memory_equal(out, good[i][1], (size_t)n);
	}
	for (const char *const *b =
		 LIST("Y", "YQ", "YQ=", "YQ===", "=", "YQ==YQ==", "Y Q=", "YQ-_");
	     *b; b++)
		assert_int_equal(base64_decode(str_from(*b), out), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_labels), cmocka_unit_test(test_subdomains),
	    cmocka_unit_test(test_hosts),  cmocka_unit_test(test_ports),
	    cmocka_unit_test(test_paths),  cmocka_unit_test(test_data_keys),
	    cmocka_unit_test(test_base64),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
