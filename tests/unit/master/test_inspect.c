/* deep-inspect: paths that were made to break out of nginx' configuration. */
#include "master/translate/graph/take.h"
#include "translate_fixture.h"

static void test_attacks(void **state)
{
	static const char *const bad[] = {
	    "/x;alias /etc/;",
	    "/alias/a;b",
	    "/a{root /;}",
	    "/etc/passwd",
	    "/a/etc/shadow",
	    "/etc/nginx/nginx.conf",
	    "/etc/group",
	    "/etc/ingress-controller/x",
	    "/var/run/secrets/kubernetes.io",
	    "/a_by_lua_block {}",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (take_inspect(str_from(bad[i])) == NULL)
			fail_msg("%s", bad[i]);
}

static void test_honest_paths(void **state)
{
	static const char *const good[] = {
	    "",     "/",         "/alias",   "/root/x", "/;root",
	    "/etc", "/etc/pass", "/var/run", "/by_lua", "/api(/|$)(.*)",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		if (take_inspect(str_from(good[i])) != NULL)
			fail_msg("%s", good[i]);
}

#define EVIL                                                                                       \
	CLASS APP("a", "10.0.0.1") ING("good", "01", RULES(RULE("a.test", P("/", "Prefix", "a")))) \
	    ING("evil", "02",                                                                      \
		RULES(RULE("e.test", P("/", "Prefix", "a") P("/etc/passwd", "Prefix", "a"))))

static struct world *translated(const char *settings)
{
	struct world *w = world_new(settings);
	struct objects o;

	decode_yaml(EVIL, false, &o);
	for (unsigned i = 0; i < o.n; i++)
		(void)store_put(w->store, o.v[i]);
	world_translate(w);
	assert_int_equal(world_flush(w), 1);
	return w;
}

/* The Ingress is refused whole and told; others are served. */
static void test_refused_whole(void **state)
{
	struct world *w = translated(NULL);

	(void)state;
	assert_non_null(picture_find(&w->picture, "a.test", 0));
	assert_null(picture_find(&w->picture, "e.test", 0));
	assert_string_equal(w->findings, "DeepInspect web/evil\n");
	world_free(w);
}

static void test_off(void **state)
{
	struct world *w = translated("deep-inspect=false");

	(void)state;
	assert_non_null(picture_find(&w->picture, "e.test", 0));
	assert_string_equal(w->findings, "");
	world_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_attacks),
	    cmocka_unit_test(test_honest_paths),
	    cmocka_unit_test(test_refused_whole),
	    cmocka_unit_test(test_off),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
