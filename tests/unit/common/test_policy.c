/* policy: options are found within bounds, networks read and compared by their bits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "common/net/addr.h"
#include "common/policy/policy.h"

static bool has(const char *net, const char *ip)
{
	struct policy_net n;
	struct addr a;

	assert_true(policy_net_parse(str_from(net), &n));
	assert_true(addr_parse(str_from(ip), 0, &a));
	return policy_net_has(&n, a.family, a.ip);
}

static void test_nets(void **state)
{
	(void)state;
	assert_true(has("10.0.0.0/8", "10.255.0.1"));
	assert_false(has("10.0.0.0/8", "11.0.0.1"));
	assert_true(has("10.1.2.3/8", "10.9.9.9"));
	assert_true(has("192.0.2.128/25", "192.0.2.200"));
	assert_false(has("192.0.2.128/25", "192.0.2.127"));
	assert_true(has("192.0.2.1", "192.0.2.1"));
	assert_false(has("192.0.2.1", "192.0.2.2"));
	assert_true(has("0.0.0.0/0", "203.0.113.9"));
	assert_false(has("0.0.0.0/0", "2001:db8::1"));
	assert_true(has("2001:db8::/33", "2001:db8:7fff::1"));
	assert_false(has("2001:db8::/33", "2001:db8:8000::1"));
	assert_true(has("::1", "::1"));
	assert_true(has("::/0", "2001:db8::1"));
	assert_true(has("10.0.0.0/8", "::ffff:10.1.1.1"));
}

static void test_bad_nets(void **state)
{
	static const char *const bad[] = {"",  "10.0.0.0/33", "10.0.0.0/", "10.0.0/8",    "::1/129",
					  "x", "10.0.0.0/-1", "/8",        "10.0.0.1/8/8"};
	struct policy_net n;

	(void)state;
	for (unsigned i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_false(policy_net_parse(str_from(bad[i]), &n));
}

static void test_options(void **state)
{
	struct {
		struct policy p;
		struct policy_opt_head a;
		char text_a[8];
		struct policy_opt_head b;
		char text_b[8];
	} block = {.a = {.type = POLICY_OPT_VHOST, .len = 3},
		   .text_a = "abc",
		   .b = {.type = POLICY_OPT_APP_ROOT, .len = 8},
		   .text_b = "/abcdefg"};

	(void)state;
	policy_defaults(&block.p);
	assert_null(policy_find(&block.p, POLICY_OPT_VHOST).p);
	block.p.size = sizeof(block);
	assert_true(str_eq(policy_find(&block.p, POLICY_OPT_VHOST), STR("abc")));
	assert_true(str_eq(policy_find(&block.p, POLICY_OPT_APP_ROOT), STR("/abcdefg")));
	assert_null(policy_find(&block.p, POLICY_OPT_DENY).p);
	block.b.len = 9; /* beyond the end */
	assert_null(policy_find(&block.p, POLICY_OPT_APP_ROOT).p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_nets),
	    cmocka_unit_test(test_bad_nets),
	    cmocka_unit_test(test_options),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
