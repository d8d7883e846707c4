/* check_spec: a Service's annotations over the defaults; what is wrong is told, and changes
 * nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "master/check/check_spec.h"

struct told {
	unsigned n;
	char last[64];
};

static void tell(void *arg, struct str annotation, const char *why)
{
	struct told *t = arg;

	t->n++;
	assert_non_null(strstr(why, "must be"));
	memcpy(t->last, annotation.p, annotation.n);
	t->last[annotation.n] = '\0';
}

static struct check_spec defaults(void)
{
	static struct conf conf;
	struct check_spec s;

	conf.upstream_check = CHECK_TCP;
	conf.upstream_check_rise = 2;
	conf.upstream_check_fall = 3;
	conf.upstream_check_low = 200;
	conf.upstream_check_high = 399;
	conf.upstream_check_interval_ms = 5000;
	conf.upstream_check_timeout_ms = 2000;
	strcpy(conf.upstream_check_path, "/up");
	check_spec_defaults(&s, &conf);
	return s;
}

static struct told read_one(struct check_spec *s, const char *key, const char *value)
{
	struct obj_kv kv = {str_from(key), str_from(value)};
	struct obj o = {.annotations = {.kv = &kv, .n = 1}};
	struct told t = {0};

	*s = defaults();
	check_spec_read(s, &o, tell, &t);
	return t;
}

#define P "silex.dev/health-check"

static void test_values(void **state)
{
	struct check_spec s = defaults();

	(void)state;
	assert_int_equal(s.kind, CHECK_TCP);
	assert_string_equal(s.path, "/up");
	assert_int_equal(s.low, 200);
	assert_int_equal(read_one(&s, P, "http").n, 0);
	assert_int_equal(s.kind, CHECK_HTTP);
	assert_int_equal(read_one(&s, P, "grpcs").n, 0);
	assert_true(check_uses_tls(&s) && check_is_grpc(&s));
	assert_int_equal(read_one(&s, P, "https").n, 0);
	assert_true(check_uses_tls(&s) && !check_is_grpc(&s));
	assert_int_equal(read_one(&s, P "-service", "a.B").n, 0);
	assert_string_equal(s.service, "a.B");
	assert_int_equal(read_one(&s, P "-interval", "1500ms").n, 0);
	assert_int_equal(s.interval_ms, 1500);
	assert_int_equal(read_one(&s, P "-timeout", "7").n, 0);
	assert_int_equal(s.timeout_ms, 7000);
	assert_int_equal(read_one(&s, P "-interval", "2m").n, 0);
	assert_int_equal(s.interval_ms, 120000);
	assert_int_equal(read_one(&s, P "-status", "204").n, 0);
	assert_int_equal(s.low, 204);
	assert_int_equal(s.high, 204);
	assert_int_equal(read_one(&s, P "-status", "200-299").n, 0);
	assert_int_equal(s.high, 299);
	assert_int_equal(read_one(&s, P "-healthy-threshold", "9").n, 0);
	assert_int_equal(s.rise, 9);
	assert_int_equal(read_one(&s, P "-host", "a.b").n, 0);
	assert_string_equal(s.host, "a.b");
	assert_int_equal(read_one(&s, P "-port", "8081").n, 0);
	assert_int_equal(s.port, 8081);
}

/* Above all nothing that would end a line of the request that is sent. */
static void test_nonsense(void **state)
{
	static const char *const bad[][2] = {
	    {P, "udp"},
	    {P, "HTTP"},
	    {P "-service", "a b"},
	    {P "-service", ""},
	    {P "-path", "up"},
	    {P "-path", "/a b"},
	    {P "-path", "/a\r\n"},
	    {P "-path", ""},
	    {P "-host", "a\nb"},
	    {P "-port", "0"},
	    {P "-port", "65536"},
	    {P "-interval", "1ms"},
	    {P "-interval", "s"},
	    {P "-interval", "61m"},
	    {P "-timeout", "-1"},
	    {P "-status", "99"},
	    {P "-status", "300-200"},
	    {P "-status", "200-"},
	    {P "-healthy-threshold", "0"},
	    {P "-unhealthy-threshold", "101"},
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct check_spec s, same = defaults();
		struct told t = read_one(&s, bad[i][0], bad[i][1]);

		assert_int_equal(t.n, 1);
		assert_string_equal(t.last, bad[i][0]);
		assert_memory_equal(&s, &same, sizeof(s));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_values),
	    cmocka_unit_test(test_nonsense),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
