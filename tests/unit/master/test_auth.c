/* auth_url: the URL of an auth service, taken apart; and the option that it becomes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "common/policy/policy_auth.h"
#include "common/policy/policy_auth_cache.h"
#include "master/translate/auth/auth_cache.h"
#include "master/translate/auth/auth_url.h"

static struct auth_url good(const char *text)
{
	struct auth_url u;
	const char *wrong = auth_url_parse(str_from(text), &u);

	if (wrong != NULL)
		fail_msg("%s %s", text, wrong);
	return u;
}

static void bad(const char *text, const char *why)
{
	struct auth_url u;
	const char *wrong = auth_url_parse(str_from(text), &u);

	if (wrong == NULL || strstr(wrong, why) == NULL)
		fail_msg("%s: %s", text, wrong == NULL ? "taken" : wrong);
}

static void is(struct str s, const char *want)
{
	if (!str_eq(s, str_from(want)))
		fail_msg("\"" STR_FMT "\" is not \"%s\"", STR_ARG(s), want);
}

static void parts_of_a_url(void **state)
{
	struct auth_url u = good("http://login.test/oauth2/auth?a=b");

	assert_false(u.https || u.by_host || u.same_scheme);
	assert_int_equal(u.port, 80);
	is(u.host, "login.test");
	is(u.path, "/oauth2/auth");
	is(u.query, "?a=b");
	assert_int_equal(u.service.n + u.ns.n, 0);
	u = good("HTTPS://login.test.:8443");
	assert_true(u.https);
	assert_int_equal(u.port, 8443);
	is(u.host, "login.test");
	is(u.path, "/");
	assert_int_equal(good("https://x").port, 443);
	u = good("http://x?q#fragment");
	is(u.path, "/");
	is(u.query, "?q");
	is(good("http://x#/f").path, "/");
}

static void services(void **state)
{
	static const char *const names[] = {"http://a.b.svc/", "http://a.b.svc.cluster.local/",
					    "http://a.b.svc.k8s.corp:81/x",
					    "http://a.b.svc.cluster.local./"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct auth_url u = good(names[i]);

		is(u.service, "a");
		is(u.ns, "b");
	}
	assert_int_equal(good("http://a.b/").ns.n, 0);
	assert_int_equal(good("http://a.b.svcs/").ns.n, 0);
	assert_int_equal(good("http://a.svc/").ns.n, 0);
	assert_int_equal(good("http://svc/").ns.n, 0);
	assert_int_equal(good("http://a..svc/").ns.n, 0);
}

static void addresses(void **state)
{
	struct auth_url u = good("http://[2001:db8::1]:8080/x");

	is(u.host, "2001:db8::1");
	assert_int_equal(u.port, 8080);
	is(good("http://192.0.2.1/").host, "192.0.2.1");
	bad("http://[2001:db8::1/", "without \"]\"");
	bad("http://[login.test]/", "no address");
	bad("http://[::1]80/", "behind");
	bad("http://[]/", "no address");
}

static void hosts_of_the_request(void **state)
{
	struct auth_url u = good("https://$host/oauth2/auth");

	assert_true(u.by_host && u.https);
	is(u.host, "$host");
	u = good("$scheme://auth.${http_host}:81/x?y=$request_uri");
	assert_true(u.by_host && u.same_scheme && !u.https);
	is(u.query, "?y=$request_uri");
	assert_int_equal(good("http://login.test/$host").by_host, false);
	bad("https://$arg_x/", "no other variable");
	bad("https://$host.$cookie_x/", "no other variable");
	bad("https://$nonsense/", "does not exist");
	bad("https://$/", "does not exist");
	bad("$scheme://login.test/", "fixed");
}

static void what_is_none(void **state)
{
	bad("", "must begin");
	bad("login.test/x", "must begin");
	bad("ftp://login.test/", "must begin");
	bad("http://", "names no host");
	bad("http:///x", "names no host");
	bad("http://a b/", "blank");
	bad("http://a/\r\nX: y", "blank");
	bad("http://a/\x7f", "blank");
	bad("http://user@a/", "user");
	bad("http://user:pass@a/", "user");
	bad("http://a:0/", "port");
	bad("http://a:65536/", "port");
	bad("http://a:x/", "port");
	bad("http://a:/", "port");
	bad("http://a\"b/", "no name");
	bad("http://a;b/", "no name");
	bad("http://.a/", "no name");
}

static void an_option_that_is_cut(void **state)
{
	static const char texts[] = "GET"
				    "hh"
				    "ttt"
				    "s"
				    "rr"
				    "nnn"
				    "ss";
	struct policy_auth h = {.cluster = 7,
				.profile = 8,
				.flags = AUTH_ALWAYS_COOKIE,
				.method_n = 3,
				.host_n = 2,
				.target_n = 3,
				.signin_n = 1,
				.redirect_n = 2,
				.names_n = 3,
				.set_n = 2};
	char option[sizeof(h) + sizeof(texts) - 1];
	struct policy_auth_view v;

	memcpy(option, &h, sizeof(h));
	memcpy(option + sizeof(h), texts, sizeof(texts) - 1);
	assert_true(policy_auth_read(str_make(option, sizeof(option)), &v));
	assert_true(v.cluster == 7 && v.profile == 8 && v.flags == AUTH_ALWAYS_COOKIE);
	is(v.method, "GET");
	is(v.target, "ttt");
	is(v.names, "nnn");
	is(v.set, "ss");
	for (size_t n = 0; n < sizeof(option); n++)
		assert_false(policy_auth_read(str_make(option, n), &v));
}

/* --- remembered answers --------------------------------------------------------------------- */

static uint32_t seconds(const char *times, uint16_t status)
{
	struct policy_auth_cache head = {.space = 7};
	struct policy_auth_cache_view v;
	uint32_t found;
	struct text t;

	text_growing(&t, 4096);
	text_str(&t, str_make((const char *)&head, sizeof(head)));
	assert_null(auth_cache_times(str_from(times), &t));
	head.n_times = (uint32_t)((t.n - sizeof(head)) / sizeof(struct policy_auth_time));
	memcpy(t.p, &head, sizeof(head));
	text_lit(&t, "key");
	for (size_t n = 0; n < t.n - 3; n++)
		assert_false(policy_auth_cache_read(str_make(t.p, n), &v));
	assert_true(policy_auth_cache_read(str_make(t.p, t.n), &v));
	is(v.key, "key");
	assert_int_equal(v.space, 7);
	found = policy_auth_cache_time(&v, status);
	free(t.p);
	return found;
}

static void times_of_answers(void **state)
{
	assert_int_equal(seconds(AUTH_CACHE_DURATION, 200), 300);
	assert_int_equal(seconds(AUTH_CACHE_DURATION, 401), 300);
	assert_int_equal(seconds(AUTH_CACHE_DURATION, 403), 0);
	assert_int_equal(seconds("200 202 1h30m, 401  90s ,any 2d", 202), 5400);
	assert_int_equal(seconds("200 202 1h30m, 401  90s ,any 2d", 401), 90);
	assert_int_equal(seconds("200 202 1h30m, 401  90s ,any 2d", 500), 2 * 86400);
	assert_int_equal(seconds("any 1m,200 0", 200), 0);
	assert_int_equal(seconds("10m", 200), 600);
	assert_int_equal(seconds("10m", 201), 0);
	assert_int_equal(seconds("200 1w1M", 200), 37 * 86400);
}

static void times_that_are_none(void **state)
{
	static const char *const none[] = {"",
					   ",",
					   "200 x",
					   "200 5q",
					   "200 m",
					   "99 1m",
					   "600 1m",
					   "2000 1m",
					   "-1 1m",
					   "200 5 m",
					   "200 1m x",
					   "any",
					   "200 99999999999999999999s",
					   "200 367d",
					   "200 1y1M",
					   "200 1m, x"};
	struct text t;

	for (size_t n = 0; n < sizeof(none) / sizeof(none[0]); n++) {
		text_growing(&t, 4096);
		if (auth_cache_times(str_from(none[n]), &t) == NULL)
			fail_msg("%s is taken", none[n]);
		free(t.p);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(parts_of_a_url),   cmocka_unit_test(services),
	    cmocka_unit_test(addresses),        cmocka_unit_test(hosts_of_the_request),
	    cmocka_unit_test(times_of_answers), cmocka_unit_test(times_that_are_none),
	    cmocka_unit_test(what_is_none),     cmocka_unit_test(an_option_that_is_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
