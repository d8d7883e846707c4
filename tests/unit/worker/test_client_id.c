/* test_client_id: whose word is believed about the client, and how far. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "worker/accept/client_id.h"

struct line {
	const char *name, *value;
};

/* What the settings make of a request with these fields from this speaker. */
static struct client_id identify(const char *settings, const char *speaker,
				 const struct line *lines, unsigned n)
{
	struct conf conf;
	struct client_trust trust;
	struct field fields[8];
	struct head in = {.fields = fields, .cap_fields = 8};
	struct client_id who;
	struct addr peer;
	char err[CONF_ERROR_MAX];

	conf_init(&conf);
	assert_int_equal(conf_read_text(&conf, "test", str_from(settings), NULL, NULL, err), 0);
	assert_int_equal(client_trust_init(&trust, &conf), 0);
	for (unsigned i = 0; i < n; i++) {
		struct str name = str_from(lines[i].name);

		assert_int_equal(
		    head_add(&in, field_lookup(name.p, name.n), name, str_from(lines[i].value)), 0);
	}
	assert_true(addr_parse(str_from(speaker), 40000, &peer));
	client_identify(&trust, &in, &peer, &who);
	client_trust_free(&trust);
	return who;
}

#define IDENTIFY(settings, speaker, ...)                                    \
	identify((settings), (speaker), (const struct line[]){__VA_ARGS__}, \
		 sizeof((const struct line[]){__VA_ARGS__}) / sizeof(struct line))

static void client_is(struct client_id who, const char *ip)
{
	char text[ADDR_TEXT_MAX];

	(void)addr_ip_text(&who.addr, text);
	assert_string_equal(text, ip);
}

#define TRUST "use-forwarded-headers = true\nproxy-real-ip-cidr = 10.0.0.0/8, fd00::/8\n"
#define ALL                                                               \
	{"X-Forwarded-For", "192.0.2.1"}, {"X-Forwarded-Host", "a.test"}, \
	    {"X-Forwarded-Proto", "https"},                               \
	{                                                                 \
		"X-Forwarded-Port", "8443"                                \
	}

static void nothing_is_believed_by_default(void **state)
{
	struct client_id who = IDENTIFY("", "10.0.0.1", ALL);

	client_is(who, "10.0.0.1");
	assert_int_equal(who.believed, 0);
	assert_int_equal(who.host.n, 0);
}

static void trusted_networks_are_believed(void **state)
{
	struct client_id who = IDENTIFY(TRUST, "10.0.0.1", ALL);

	client_is(who, "192.0.2.1");
	assert_true(str_eq(who.host, STR("a.test")));
	assert_int_equal(who.proto, 's');
	assert_int_equal(who.port, 8443);
	assert_int_equal(who.believed, CLIENT_FOR | CLIENT_HOST | CLIENT_PROTO | CLIENT_PORT);
}

static void strangers_are_not(void **state)
{
	struct client_id who = IDENTIFY(TRUST, "11.0.0.1", ALL);

	client_is(who, "11.0.0.1");
	assert_int_equal(who.believed, 0);
	assert_int_equal(who.port, 0);
	assert_int_equal(who.proto, 0);
}

/* As ingress-nginx: all but the address, from anybody. */
static void anyone_when_asked_for(void **state)
{
	struct client_id who =
	    IDENTIFY(TRUST "trust-forwarded-headers-from-anyone = true\n", "11.0.0.1", ALL);

	client_is(who, "11.0.0.1");
	assert_int_equal(who.believed, CLIENT_HOST | CLIENT_PROTO | CLIENT_PORT);
}

static void only_the_address_with_real_ip(void **state)
{
	struct client_id who = IDENTIFY("enable-real-ip = true\n", "10.0.0.1", ALL);

	client_is(who, "192.0.2.1");
	assert_int_equal(who.believed, CLIENT_FOR);
}

static void the_proxy_protocol_says_the_address(void **state)
{
	struct client_id who = IDENTIFY(TRUST "use-proxy-protocol = true\n", "10.0.0.1", ALL);

	client_is(who, "10.0.0.1");
	assert_int_equal(who.believed, CLIENT_HOST | CLIENT_PROTO | CLIENT_PORT);
}

static void list(const char *value, const char *client)
{
	client_is(IDENTIFY(TRUST, "10.0.0.1", {"X-Forwarded-For", value}), client);
}

/* From the right, the first that is none of ours. */
static void lists_are_walked_from_the_right(void **state)
{
	list("203.0.113.9, 192.0.2.1", "192.0.2.1");
	list("203.0.113.9, 192.0.2.1, 10.2.3.4", "192.0.2.1");
	list("203.0.113.9,192.0.2.1,10.2.3.4 ,\t10.9.9.9", "192.0.2.1");
	list("10.5.5.5, 10.2.3.4", "10.5.5.5");
	list("2001:db8::1, fd00::5", "2001:db8::1");
	list("[2001:db8::1]:443, [fd00::5]", "2001:db8::1");
	list("192.0.2.1:1234, 10.2.3.4:80", "192.0.2.1");
	list("::ffff:192.0.2.1, ::ffff:10.1.1.1", "192.0.2.1");
}

static void what_is_no_address_ends_the_walk(void **state)
{
	list("", "10.0.0.1");
	list(",,", "10.0.0.1");
	list("unknown", "10.0.0.1");
	list("192.0.2.1, unknown", "10.0.0.1");
	list("192.0.2.1, unknown, 10.2.3.4", "10.2.3.4");
	list("192.0.2.1:", "10.0.0.1");
	list("192.0.2.1:99999", "10.0.0.1");
	list("192.0.2.1 10.0.0.2", "10.0.0.1");
	list("[::1", "10.0.0.1");
	list("[::1]x80", "10.0.0.1");
	list("\"192.0.2.1\"", "10.0.0.1");
}

static void several_lines_are_one_list(void **state)
{
	client_is(IDENTIFY(TRUST, "10.0.0.1", {"X-Forwarded-For", "203.0.113.9"},
			   {"X-Forwarded-For", "192.0.2.1, 10.0.0.9"},
			   {"x-forwarded-for", "10.0.0.8"}),
		  "192.0.2.1");
}

static void another_field_names_the_client(void **state)
{
	client_is(IDENTIFY(TRUST "forwarded-for-header = CF-Connecting-IP\n", "10.0.0.1",
			   {"X-Forwarded-For", "203.0.113.9"}, {"cf-connecting-ip", "192.0.2.1"}),
		  "192.0.2.1");
	client_is(IDENTIFY(TRUST "forwarded-for-header = X-Real-IP\n", "10.0.0.1",
			   {"X-Forwarded-For", "203.0.113.9"}, {"X-Real-IP", "192.0.2.7"}),
		  "192.0.2.7");
}

/* One bad field takes nothing from the others. */
static void each_field_for_itself(void **state)
{
	struct client_id who = IDENTIFY(TRUST, "10.0.0.1", {"X-Forwarded-Host", "a b"},
					{"X-Forwarded-Proto", "gopher"}, {"X-Forwarded-Port", "0"},
					{"X-Forwarded-For", "192.0.2.1"});

	client_is(who, "192.0.2.1");
	assert_int_equal(who.believed, CLIENT_FOR);
	who = IDENTIFY(TRUST, "10.0.0.1", {"X-Forwarded-Host", "a.test:81, b.test"},
		       {"X-Forwarded-Proto", "HTTPS,http"}, {"X-Forwarded-Port", "65536"});
	assert_true(str_eq(who.host, STR("a.test:81")));
	assert_int_equal(who.proto, 's');
	assert_int_equal(who.believed, CLIENT_FOR | CLIENT_HOST | CLIENT_PROTO);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(nothing_is_believed_by_default),
	    cmocka_unit_test(trusted_networks_are_believed),
	    cmocka_unit_test(strangers_are_not),
	    cmocka_unit_test(anyone_when_asked_for),
	    cmocka_unit_test(only_the_address_with_real_ip),
	    cmocka_unit_test(the_proxy_protocol_says_the_address),
	    cmocka_unit_test(lists_are_walked_from_the_right),
	    cmocka_unit_test(what_is_no_address_ends_the_walk),
	    cmocka_unit_test(several_lines_are_one_list),
	    cmocka_unit_test(another_field_names_the_client),
	    cmocka_unit_test(each_field_for_itself),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
