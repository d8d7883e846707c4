/* test_addr: addresses from text and sockaddr and back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <arpa/inet.h>
#include <sys/un.h>

#include "common/net/addr.h"

static void round_trip(const char *ip, uint16_t port, const char *ip_text, const char *text)
{
	struct addr a, b;
	struct sockaddr_storage ss = {0};
	char buf[ADDR_TEXT_MAX];

	assert_true(addr_parse(str_from(ip), port, &a));
	assert_int_equal(addr_ip_text(&a, buf), strlen(ip_text));
	assert_string_equal(buf, ip_text);
	assert_int_equal(addr_text(&a, buf), strlen(text));
	assert_string_equal(buf, text);
	assert_int_equal(addr_to_sockaddr(&a, &ss),
			 a.family == 4 ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6));
	addr_from_sockaddr((const struct sockaddr *)&ss, &b);
	assert_true(addr_eq(&a, &b));
}

static void text_and_sockaddr(void **state)
{
	round_trip("10.0.0.1", 80, "10.0.0.1", "10.0.0.1:80");
	round_trip("255.255.255.255", 65535, "255.255.255.255", "255.255.255.255:65535");
	round_trip("0.0.0.0", 0, "0.0.0.0", "0.0.0.0:0");
	round_trip("::1", 8080, "::1", "[::1]:8080");
	round_trip("2001:DB8::42", 443, "2001:db8::42", "[2001:db8::42]:443");
	round_trip("1111:2222:3333:4444:5555:6666:7777:8888", 12345,
		   "1111:2222:3333:4444:5555:6666:7777:8888",
		   "[1111:2222:3333:4444:5555:6666:7777:8888]:12345");
}

static void longest_text_fits(void **state)
{
	struct addr a;
	char buf[ADDR_TEXT_MAX + 1];

	assert_true(addr_parse(STR("ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255"), 65535, &a));
	buf[ADDR_TEXT_MAX] = 'x';
	assert_true(addr_text(&a, buf) < ADDR_TEXT_MAX);
	assert_int_equal(buf[ADDR_TEXT_MAX], 'x');
}

static void bad_text_is_refused(void **state)
{
	static const char *const bad[] = {"",          "1.2.3", "1.2.3.4.5",  "256.1.1.1",
					  "1.2.3.4 ",  "[::1]", "::1%lo",     "fe80::1%1",
					  "localhost", ":::",   "1.2.3.4:80", "01.2.3.4"};
	struct addr a = {.family = 9};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(addr_parse(str_from(bad[i]), 1, &a));
	assert_false(addr_parse(str_make("1.2.3.4\0", 8), 1, &a));
	assert_int_equal(a.family, 9);
}

static void mapped_becomes_v4(void **state)
{
	struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = htons(99)};
	struct addr a, b;

	assert_int_equal(inet_pton(AF_INET6, "::ffff:192.0.2.7", &in6.sin6_addr), 1);
	addr_from_sockaddr((const struct sockaddr *)&in6, &a);
	assert_true(addr_parse(STR("192.0.2.7"), 99, &b));
	assert_true(addr_eq(&a, &b));
}

static void other_families_are_none(void **state)
{
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	struct sockaddr_storage ss;
	struct addr a = {.family = 9};
	char buf[ADDR_TEXT_MAX];

	addr_from_sockaddr((const struct sockaddr *)&un, &a);
	assert_int_equal(a.family, 0);
	assert_int_equal(addr_to_sockaddr(&a, &ss), 0);
	assert_int_equal(addr_ip_text(&a, buf), 1);
	assert_string_equal(buf, "-");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(text_and_sockaddr),       cmocka_unit_test(longest_text_fits),
	    cmocka_unit_test(bad_text_is_refused),     cmocka_unit_test(mapped_becomes_v4),
	    cmocka_unit_test(other_families_are_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
