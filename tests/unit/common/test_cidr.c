/* test_cidr: networks from text, one at a time and in sets, against each other. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>

#include "common/net/cidr.h"

static bool has(const char *net, const char *ip)
{
	struct cidr c;
	struct addr a;
	struct cidr_set s;
	bool one, set;

	assert_true(cidr_parse(str_from(net), &c));
	assert_true(addr_parse(str_from(ip), 0, &a));
	cidr_set_init(&s);
	assert_int_equal(cidr_set_add(&s, &c), 0);
	one = cidr_has(&c, &a);
	set = cidr_set_has(&s, &a);
	cidr_set_free(&s);
	assert_int_equal(one, set);
	return one;
}

static void edges_of_a_network(void **state)
{
	assert_true(has("10.0.0.0/8", "10.255.255.255"));
	assert_false(has("10.0.0.0/8", "11.0.0.0"));
	assert_false(has("10.0.0.0/8", "9.255.255.255"));
	assert_true(has("192.0.2.129/25", "192.0.2.128"));
	assert_false(has("192.0.2.129/25", "192.0.2.127"));
	assert_true(has("192.0.2.1", "192.0.2.1"));
	assert_false(has("192.0.2.1/32", "192.0.2.0"));
	assert_true(has("0.0.0.0/0", "255.255.255.255"));
	assert_true(has("2001:db8::/33", "2001:db8:7fff::1"));
	assert_false(has("2001:db8::/33", "2001:db8:8000::1"));
	assert_true(has("::/0", "::1"));
	assert_true(has("::1", "::1"));
}

static void families_do_not_mix(void **state)
{
	assert_false(has("0.0.0.0/0", "::1"));
	assert_false(has("::/0", "1.2.3.4"));
	assert_false(has("::/0", "::ffff:1.2.3.4"));
}

static void mapped_ipv6_is_ipv4(void **state)
{
	assert_true(has("10.0.0.0/8", "::ffff:10.1.2.3"));
	assert_true(has("::ffff:10.0.0.0/104", "10.1.2.3"));
	assert_false(has("::ffff:10.0.0.0/104", "11.1.2.3"));
	assert_true(has("::ffff:0:0/96", "200.1.2.3"));
}

static void bad_networks_are_refused(void **state)
{
	static const char *const bad[] = {"",          "/",           "10.0.0.0/33", "10.0.0.0/-1",
					  "10.0.0.0/", "10.0.0/8",    "::/129",      "10.0.0.0/8/8",
					  "all",       "10.0.0.0/ 8", "10.0.0.0/0x8"};
	struct cidr c;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(cidr_parse(str_from(bad[i]), &c));
}

static void list_names_its_bad_element(void **state)
{
	struct cidr_set s;
	struct str bad = STR_NONE;
	struct addr a;

	cidr_set_init(&s);
	assert_true(addr_parse(STR("192.168.7.7"), 0, &a));
	assert_false(cidr_set_has(&s, &a));
	assert_int_equal(cidr_set_add_list(&s, STR(" 10.0.0.0/8,192.168.0.0/16, "), &bad), 0);
	assert_true(cidr_set_has(&s, &a));
	assert_int_equal(cidr_set_add_list(&s, STR("::/0, 10.0.0.0/40"), &bad), -1);
	assert_int_equal(errno, EINVAL);
	assert_true(str_eq(bad, STR("10.0.0.0/40")));
	a = (struct addr){0};
	assert_false(cidr_set_has(&s, &a));
	cidr_set_free(&s);
}

/* A network inside another costs no node, in whichever order they come. */
static void wider_network_wins(void **state)
{
	struct cidr_set s;
	struct addr a;
	uint32_t n;

	cidr_set_init(&s);
	assert_int_equal(cidr_set_add_list(&s, STR("10.1.2.0/24,10.0.0.0/8"), NULL), 0);
	n = s.n;
	assert_int_equal(cidr_set_add_list(&s, STR("10.200.0.0/16"), NULL), 0);
	assert_int_equal(s.n, n);
	assert_true(addr_parse(STR("10.99.0.1"), 0, &a));
	assert_true(cidr_set_has(&s, &a));
	cidr_set_free(&s);
}

/* Random sets, each address asked of the set and of every network in turn. */
static void set_agrees_with_its_networks(void **state)
{
	srandom(7);
	for (int round = 0; round < 200; round++) {
		struct cidr nets[20];
		struct cidr_set s;

		cidr_set_init(&s);
		for (int i = 0; i < 20; i++) {
			uint8_t family = random() % 2 ? 4 : 6;
			struct cidr *c = &nets[i];

			*c = (struct cidr){.family = family,
					   .bits = (uint8_t)(random() % (family == 4 ? 33 : 129))};
			for (unsigned b = 0; b < c->bits; b++)
				c->ip[b / 8] |= (uint8_t)((random() & 1) << (7 - b % 8));
			assert_int_equal(cidr_set_add(&s, c), 0);
		}
		for (int i = 0; i < 200; i++) {
			const struct cidr *near = &nets[random() % 20];
			struct addr a = {.family = near->family};
			bool any = false;

			memcpy(a.ip, near->ip, 16);
			a.ip[random() % (a.family == 4 ? 4 : 16)] ^= (uint8_t)(1 << random() % 8);
			for (int k = 0; k < 20; k++)
				any |= cidr_has(&nets[k], &a);
			assert_int_equal(cidr_set_has(&s, &a), any);
		}
		cidr_set_free(&s);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(edges_of_a_network),
	    cmocka_unit_test(families_do_not_mix),
	    cmocka_unit_test(mapped_ipv6_is_ipv4),
	    cmocka_unit_test(bad_networks_are_refused),
	    cmocka_unit_test(list_names_its_bad_element),
	    cmocka_unit_test(wider_network_wins),
	    cmocka_unit_test(set_agrees_with_its_networks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
