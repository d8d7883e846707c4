/* The whole way: YAML, store, translation, shared table, and a lookup as a worker does it. */
#include "table_fixture.h"
#include "translate_fixture.h"

struct whole {
	struct fixture f;
	struct world *w;
};

static struct whole whole_new(const char *settings, const char *yaml)
{
	struct whole all = {.w = world_new(settings)};
	struct translate_sink sink;
	struct objects o;

	fixture_open(&all.f, 16 << 20);
	decode_yaml(yaml, false, &o);
	for (unsigned i = 0; i < o.n; i++)
		(void)store_put(all.w->store, o.v[i]);
	sink = translate_to_table(all.f.w);
	all.w->t = translate_new(&all.w->conf, all.w->store, &sink, world_finding, all.w);
	store_listen(all.w->store, translate_event, all.w->t);
	return all;
}

static void whole_flush(struct whole *all)
{
	assert_int_equal(translate_flush(all->w->t), 1);
	(void)fixture_publish(&all->f);
	translate_published(all->w->t);
}

static void whole_free(struct whole *all)
{
	fixture_close(&all->f);
	world_free(all->w);
}

/* "cluster", "cluster!" through a default backend, "301", "404", "503" for no cluster. */
static const char *routed(struct whole *all, const char *host, const char *path)
{
	static char text[300];
	struct route_view v;
	struct cluster_view c;

	assert_int_equal(table_route(all->f.t, str_from(host), str_from(path), &all->f.arena, &v),
			 0);
	if (v.kind == ROUTE_NOT_FOUND)
		return "404";
	if (v.kind == ROUTE_ADD_SLASH)
		return "301";
	if (v.cluster == 0)
		return "503";
	assert_true(table_cluster(all->f.t, v.cluster, &c));
	snprintf(text, sizeof(text), STR_FMT "%s%s", STR_ARG(c.name), c.n_endpoints == 0 ? "-" : "",
		 (v.flags & ROUTE_DEFAULT_BACKEND) != 0 ? "!" : "");
	return text;
}

#define OBJECTS                                                                                   \
	CLASS APP("a", "10.0.0.1") APP("b", "10.0.0.2") SVC("empty")                              \
	    ING("i", "01",                                                                        \
		DEFAULT("b")                                                                      \
		    RULES(RULE("a.test", P("/x", "Prefix", "a") P("/y/", "Prefix", "a") P(        \
					     "/e", "Exact", "a") P("/none", "Prefix", "empty")))) \
		ING("j", "02",                                                                    \
		    RULES("{host: bare.test}, " RULE("*.wild.test", P("/", "Prefix", "b"))))

static void test_lookup(void **state)
{
	struct whole all = whole_new(NULL, OBJECTS);

	whole_flush(&all);
	assert_string_equal(routed(&all, "a.test", "/x"), "web-a-80");
	assert_string_equal(routed(&all, "A.TEST", "/x/1"), "web-a-80");
	assert_string_equal(routed(&all, "a.test", "/xx"), "web-b-80!");
	assert_string_equal(routed(&all, "a.test", "/y"), "301");
	assert_string_equal(routed(&all, "a.test", "/y/"), "web-a-80");
	assert_string_equal(routed(&all, "a.test", "/e"), "web-a-80");
	assert_string_equal(routed(&all, "a.test", "/e/"), "web-b-80!");
	assert_string_equal(routed(&all, "a.test", "/none"), "web-empty-80-");
	assert_string_equal(routed(&all, "x.wild.test", "/"), "web-b-80");
	assert_string_equal(routed(&all, "x.y.wild.test", "/"), "404");
	assert_string_equal(routed(&all, "bare.test", "/"), "404");
	assert_string_equal(routed(&all, "other.test", "/"), "404");
	whole_free(&all);
}

/* A host without paths is a host all the same: it does not fall to the catch-all. */
static void test_known_host_does_not_fall_to_the_catch_all(void **state)
{
	struct whole all =
	    whole_new("default-backend-service=web/a", OBJECTS ING("all", "03", DEFAULT("b")));

	whole_flush(&all);
	assert_string_equal(routed(&all, "other.test", "/"), "web-b-80!");
	assert_string_equal(routed(&all, "bare.test", "/"), "upstream-default-backend!");
	whole_free(&all);
}

static void test_change_is_seen(void **state)
{
	struct whole all = whole_new(NULL, OBJECTS);

	whole_flush(&all);
	world_put(all.w, SLICE("e1", "empty", EP("10.0.0.7")));
	whole_flush(&all);
	assert_string_equal(routed(&all, "a.test", "/none"), "web-empty-80");
	assert_true(store_delete(all.w->store, OBJ_INGRESS, STR("web"), STR("i")));
	whole_flush(&all);
	assert_string_equal(routed(&all, "a.test", "/x"), "404");
	whole_free(&all);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_lookup),
	    cmocka_unit_test(test_known_host_does_not_fall_to_the_catch_all),
	    cmocka_unit_test(test_change_is_seen),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
