/* mirror_url: mirror-target taken apart; and the option that it becomes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "common/policy/policy_mirror.h"
#include "master/translate/mirror/mirror_url.h"

/* The host, its port, the template of the target. */
static void good(const char *text, const char *host, uint16_t port, const char *target, bool same)
{
	struct auth_url u;
	struct text t;
	bool is_same;
	const char *wrong;

	text_growing(&t, 1024);
	wrong = mirror_url_parse(str_from(text), &u, &t, &is_same);
	if (wrong != NULL)
		fail_msg("%s %s", text, wrong);
	if (!str_eq(u.host, str_from(host)) || u.port != port)
		fail_msg("%s: " STR_FMT ":%u", text, STR_ARG(u.host), u.port);
	if (!str_eq(str_make(t.p, t.n), str_from(target)) || is_same != same)
		fail_msg("%s: " STR_FMT, text, STR_ARG(str_make(t.p, t.n)));
	free(t.p);
}

static void bad(const char *text, const char *why)
{
	struct auth_url u;
	struct text t;
	bool same;
	const char *wrong;

	text_growing(&t, 1024);
	wrong = mirror_url_parse(str_from(text), &u, &t, &same);
	if (wrong == NULL || strstr(wrong, why) == NULL)
		fail_msg("%s: %s", text, wrong == NULL ? "taken" : wrong);
	free(t.p);
}

static void targets(void **state)
{
	good("https://m.test$request_uri", "m.test", 443, "$request_uri", true);
	good("https://m.test:8080${request_uri}", "m.test", 8080, "${request_uri}", true);
	good("http://m.test/$request_uri", "m.test", 80, "/$request_uri", false);
	good("http://m.test", "m.test", 80, "$request_uri", true);
	good("http://m.test$uri?x=$arg_x", "m.test", 80, "$uri?x=$arg_x", true);
	good("http://m.test/", "m.test", 80, "/$is_args$args", false);
	good("http://m.test/a/b", "m.test", 80, "/a/b$is_args$args", false);
	good("http://m.test/a?b=c", "m.test", 80, "/a?b=c", false);
	good("http://m.test?b=c", "m.test", 80, "/?b=c", false);
	good("HTTP://[::1]:81/x$args", "::1", 81, "/x$args", false);
	good("http://a.b.svc./", "a.b.svc", 80, "/$is_args$args", false);
}

static void what_is_none(void **state)
{
	bad("", "must begin");
	bad("m.test", "must begin");
	bad("://m.test", "must begin");
	bad("ftp://m.test/", "must begin");
	bad("$scheme://m.test/", "must begin");
	bad("$request_uri", "must begin");
	bad("http://", "names no host");
	bad("http://$host/", "names no host");
	bad("http://m.$host/", "variable in its host");
	bad("http://m.test$host/", "variable in its host");
	bad("http://m.test$", "variable in its host");
	bad("http://m.test:$server_port/", "port");
	bad("http://m.test:0/", "port");
	bad("http://m(x)/", "no name");
	bad("http://u@m.test/", "character");
	for (const char *c = "\"';#% ,<>@!\r\n\t\x7f\x80"; *c != '\0'; c++)
		bad((char[]){'h', 't', 't', 'p', ':', '/', '/', 'a', '/', *c, '\0'}, "character");
}

static void an_option_that_is_cut(void **state)
{
	static const char texts[] = "hosturi";
	struct policy_mirror h = {
	    .cluster = 7, .profile = 8, .flags = MIRROR_CONTENT, .host_n = 4, .target_n = 3};
	char option[sizeof(h) + sizeof(texts) - 1];
	struct policy_mirror_view v;

	memcpy(option, &h, sizeof(h));
	memcpy(option + sizeof(h), texts, sizeof(texts) - 1);
	assert_true(policy_mirror_read(str_make(option, sizeof(option)), &v));
	assert_true(v.cluster == 7 && v.profile == 8 && v.flags == MIRROR_CONTENT);
	assert_true(str_eq(v.host, STR("host")) && str_eq(v.target, STR("uri")));
	for (size_t n = 0; n < sizeof(option); n++)
		assert_false(policy_mirror_read(str_make(option, n), &v));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(targets),
	    cmocka_unit_test(what_is_none),
	    cmocka_unit_test(an_option_that_is_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
