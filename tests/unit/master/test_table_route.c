/* Routing through a real table: every sentence of the facts about hosts and paths (§3, §4). */
#include "table_fixture.h"

struct rule {
	const char *host, *path;
	enum path_kind kind;
	bool slash_only;
	uint64_t cluster;
};

struct want {
	const char *host, *path;
	enum route_kind kind;
	uint64_t cluster;
};

#define MAX_RULES 32

static void put_rules(struct fixture *f, const struct rule *r, size_t n)
{
	for (size_t i = 0; i < n;) {
		struct model_path paths[MAX_RULES];
		struct model_host h = {.name = str_from(r[i].host), .paths = paths};
		size_t first = i;

		for (; i < n && strcmp(r[i].host, r[first].host) == 0; i++) {
			paths[h.n_paths++] = (struct model_path){
			    .path = str_from(r[i].path),
			    .kind = r[i].kind,
			    .slash_only = r[i].slash_only,
			    .cluster = r[i].cluster,
			    .ns = STR("ns"),
			    .ingress = STR("ing"),
			    .service = STR("svc"),
			};
		}
		assert_int_equal(table_put_host(f->w, &h), 0);
	}
}

static void check(const struct rule *rules, size_t n_rules, const struct want *wants, size_t n)
{
	struct fixture f;

	fixture_open(&f, 1 << 20);
	put_rules(&f, rules, n_rules);
	fixture_publish(&f);
	for (size_t i = 0; i < n; i++) {
		const struct want *w = &wants[i];
		struct route_view v = fixture_route(&f, w->host, w->path);

		if (v.kind != w->kind || v.cluster != w->cluster)
			fail_msg("%s%s: kind %d cluster %llu, wanted kind %d cluster %llu", w->host,
				 w->path, v.kind, (unsigned long long)v.cluster, (int)w->kind,
				 (unsigned long long)w->cluster);
	}
	fixture_close(&f);
}

#define CHECK_ROUTES(rules, wants) \
	check(rules, sizeof(rules) / sizeof((rules)[0]), wants, sizeof(wants) / sizeof((wants)[0]))

static void hosts(void **state)
{
	static const struct rule rules[] = {
	    {"a.example.com", "/", PATH_PREFIX, false, 1},
	    {"*.example.com", "/", PATH_PREFIX, false, 2},
	    {"*.b.example.com", "/", PATH_PREFIX, false, 3},
	    {"", "/", PATH_PREFIX, false, 4},
	    {"Upper.Example.org", "/", PATH_PREFIX, false, 5},
	    {"localhost", "/", PATH_PREFIX, false, 6},
	    {"a-host-name-longer-than-sixteen-bytes.example.net", "/", PATH_PREFIX, false, 7},
	};
	static const struct want wants[] = {
	    {"a.example.com", "/", ROUTE_PROXY, 1},
	    {"A.EXAMPLE.com", "/x", ROUTE_PROXY, 1},
	    {"a.example.com.", "/", ROUTE_PROXY, 1},
	    {"a.example.com..", "/", ROUTE_PROXY, 4},
	    {"z.example.com", "/", ROUTE_PROXY, 2},
	    {"z_1-2.Example.com.", "/", ROUTE_PROXY, 2},
	    {"z$.example.com", "/", ROUTE_PROXY, 4},
	    {"example.com", "/", ROUTE_PROXY, 4},
	    {".example.com", "/", ROUTE_PROXY, 4},
	    {"x.y.example.com", "/", ROUTE_PROXY, 4},
	    {"x.b.example.com", "/", ROUTE_PROXY, 3},
	    {"b.example.com", "/", ROUTE_PROXY, 2},
	    {"a.c.b.example.com", "/", ROUTE_PROXY, 4},
	    {"*.example.com", "/", ROUTE_PROXY, 4},
	    {"", "/", ROUTE_PROXY, 4},
	    {".", "/", ROUTE_PROXY, 4},
	    {"[::1]", "/", ROUTE_PROXY, 4},
	    {"upper.example.org", "/", ROUTE_PROXY, 5},
	    {"LOCALHOST", "/", ROUTE_PROXY, 6},
	    {"A-HOST-NAME-LONGER-THAN-SIXTEEN-BYTES.EXAMPLE.NET", "/", ROUTE_PROXY, 7},
	};

	CHECK_ROUTES(rules, wants);
}

static void a_known_host_does_not_fall_to_the_catch_all(void **state)
{
	static const struct rule rules[] = {
	    {"a.example.com", "/app", PATH_PREFIX, false, 1},
	    {"", "/", PATH_PREFIX, false, 2},
	    {"", "/only", PATH_EXACT, false, 3},
	};
	static const struct want wants[] = {
	    {"a.example.com", "/app/x", ROUTE_PROXY, 1},
	    {"a.example.com", "/only", ROUTE_NOT_FOUND, 0},
	    {"a.example.com", "/", ROUTE_NOT_FOUND, 0},
	    {"other.example.com", "/only", ROUTE_PROXY, 3},
	    {"other.example.com", "/app", ROUTE_PROXY, 2},
	};

	CHECK_ROUTES(rules, wants);
}

static void prefixes(void **state)
{
	static const struct rule rules[] = {
	    {"h", "/", PATH_PREFIX, false, 1},
	    {"h", "/foo", PATH_PREFIX, false, 2},
	    {"h", "/foo/bar", PATH_PREFIX, false, 3},
	    {"h", "/foo/bar/baz/qux", PATH_PREFIX, false, 4},
	    {"h", "/Foo", PATH_PREFIX, false, 5},
	};
	static const struct want wants[] = {
	    {"h", "/", ROUTE_PROXY, 1},
	    {"h", "/foo", ROUTE_PROXY, 2},
	    {"h", "/foo/", ROUTE_PROXY, 2},
	    {"h", "/foo/x", ROUTE_PROXY, 2},
	    {"h", "/foobar", ROUTE_PROXY, 1},
	    {"h", "/foo/barx", ROUTE_PROXY, 2},
	    {"h", "/foo/bar", ROUTE_PROXY, 3},
	    {"h", "/foo/bar/", ROUTE_PROXY, 3},
	    {"h", "/foo/bar/baz", ROUTE_PROXY, 3},
	    {"h", "/foo/bar/baz/qux", ROUTE_PROXY, 4},
	    {"h", "/foo/bar/baz/qux/a/b/c/d/e/f/g", ROUTE_PROXY, 4},
	    {"h", "/foo/bar/baz/quxx", ROUTE_PROXY, 3},
	    {"h", "/FOO", ROUTE_PROXY, 1},
	    {"h", "/Foo/x", ROUTE_PROXY, 5},
	    {"h", "*", ROUTE_PROXY, 1},
	    {"h", "", ROUTE_PROXY, 1},
	};

	CHECK_ROUTES(rules, wants);
}

static void exact_beats_prefix(void **state)
{
	static const struct rule rules[] = {
	    {"h", "/foo", PATH_EXACT, false, 1},
	    {"h", "/foo", PATH_PREFIX, false, 2},
	    {"h", "/foo/bar", PATH_EXACT, false, 3},
	    {"h", "/", PATH_EXACT, false, 4},
	};
	static const struct want wants[] = {
	    {"h", "/foo", ROUTE_PROXY, 1},      {"h", "/foo/", ROUTE_PROXY, 2},
	    {"h", "/foo/x", ROUTE_PROXY, 2},    {"h", "/foo/bar", ROUTE_PROXY, 3},
	    {"h", "/foo/bar/", ROUTE_PROXY, 2}, {"h", "/foo/ba", ROUTE_PROXY, 2},
	    {"h", "/Foo", ROUTE_NOT_FOUND, 0},  {"h", "/", ROUTE_PROXY, 4},
	    {"h", "/x", ROUTE_NOT_FOUND, 0},    {"h", "*", ROUTE_NOT_FOUND, 0},
	};

	CHECK_ROUTES(rules, wants);
}

static void missing_final_slash(void **state)
{
	static const struct rule rules[] = {
	    {"h", "/", PATH_PREFIX, false, 1},        {"h", "/foo", PATH_PREFIX, true, 2},
	    {"h", "/my-path/", PATH_EXACT, false, 3}, {"h", "/both/", PATH_EXACT, false, 4},
	    {"h", "/both", PATH_PREFIX, false, 5},    {"h", "/twice", PATH_PREFIX, true, 6},
	    {"h", "/twice", PATH_EXACT, false, 7},    {"h", "/foo/deep/", PATH_EXACT, false, 8},
	};
	static const struct want wants[] = {
	    {"h", "/foo", ROUTE_ADD_SLASH, 2},     {"h", "/foo/", ROUTE_PROXY, 2},
	    {"h", "/foo/x", ROUTE_PROXY, 2},       {"h", "/foobar", ROUTE_PROXY, 1},
	    {"h", "/my-path", ROUTE_ADD_SLASH, 3}, {"h", "/my-path/", ROUTE_PROXY, 3},
	    {"h", "/my-path/x", ROUTE_PROXY, 1},   {"h", "/my-pat", ROUTE_PROXY, 1},
	    {"h", "/both", ROUTE_PROXY, 5},        {"h", "/both/", ROUTE_PROXY, 4},
	    {"h", "/both/x", ROUTE_PROXY, 5},      {"h", "/twice", ROUTE_PROXY, 7},
	    {"h", "/twice/", ROUTE_PROXY, 6},      {"h", "/foo/deep", ROUTE_ADD_SLASH, 8},
	    {"h", "/foo/deep/", ROUTE_PROXY, 8},   {"h", "/", ROUTE_PROXY, 1},
	};

	CHECK_ROUTES(rules, wants);
}

static void regexes_do_not_disturb_the_others(void **state)
{
	static const struct rule rules[] = {
	    {"h", "/v[0-9]+/(.*)", PATH_REGEX, false, 1},
	    {"h", "/foo", PATH_PREFIX, false, 2},
	    {"h", "/v1", PATH_EXACT, false, 3},
	    {"only", "/api(/|$)(.*)", PATH_REGEX, false, 4},
	};
	static const struct want wants[] = {
	    {"h", "/foo/x", ROUTE_PROXY, 2},
	    {"h", "/v1", ROUTE_PROXY, 3},
	    {"h", "/v2/x", ROUTE_NOT_FOUND, 0},
	    {"only", "/api", ROUTE_NOT_FOUND, 0},
	};

	CHECK_ROUTES(rules, wants);
}

/* Stands in for PCRE2: the pattern's first four bytes, literally. */
static bool match_four(void *arg, struct str pattern, struct str path)
{
	(*(unsigned *)arg)++;
	return path.n >= 4 && memcmp(pattern.p, path.p, 4) == 0;
}

static void regexes_come_in_order_after_exact_and_before_prefix(void **state)
{
	static const struct rule rules[] = {
	    {"h", "/aaaa-long", PATH_REGEX, false, 1}, {"h", "/aaaa", PATH_REGEX, false, 2},
	    {"h", "/bbb", PATH_REGEX, false, 3},       {"h", "/aaaa", PATH_EXACT, false, 4},
	    {"h", "/bbbb", PATH_PREFIX, false, 5},     {"h", "/c", PATH_PREFIX, false, 6},
	};
	unsigned calls = 0;
	struct fixture f;

	fixture_open(&f, 1 << 20);
	put_rules(&f, rules, sizeof(rules) / sizeof(rules[0]));
	fixture_publish(&f);
	table_set_regex(f.t, match_four, &calls);
	assert_int_equal(fixture_route(&f, "h", "/aaaa").cluster, 4);
	assert_int_equal(calls, 0);
	assert_int_equal(fixture_route(&f, "h", "/aaaa/x").cluster, 1);
	assert_int_equal(calls, 1);
	assert_int_equal(fixture_route(&f, "h", "/bbbb").cluster, 3);
	assert_int_equal(fixture_route(&f, "h", "/c").cluster, 6);
	assert_int_equal(fixture_route(&f, "h", "/d").kind, ROUTE_NOT_FOUND);
	fixture_close(&f);
}

static void default_backend(void **state)
{
	struct fixture f;
	struct route_view v;

	fixture_open(&f, 1 << 20);
	v = fixture_route(&f, "h", "/"); /* before the first version */
	assert_int_equal(v.kind, ROUTE_NOT_FOUND);
	assert_int_equal(v.policy->connect_ms, 5000);
	assert_int_equal(table_put_default(f.w, 77, NULL), 0);
	assert_int_equal(fixture_put_simple(&f, "h", 5), 0);
	fixture_publish(&f);
	v = fixture_route(&f, "nobody", "/");
	assert_int_equal(v.kind, ROUTE_PROXY);
	assert_int_equal(v.cluster, 77);
	assert_int_equal(v.flags, ROUTE_DEFAULT_BACKEND | ROUTE_CATCH_ALL);
	assert_int_equal(fixture_route(&f, "h", "/").flags, 0);
	assert_int_equal(table_put_default(f.w, 0, NULL), 0);
	fixture_publish(&f);
	assert_int_equal(fixture_route(&f, "nobody", "/").kind, ROUTE_NOT_FOUND);
	fixture_close(&f);
}

static void view_carries_what_was_put(void **state)
{
	struct {
		struct policy fixed;
		struct policy_opt_head head;
		char bytes[8];
	} p = {.head = {.type = 9, .len = 5}, .bytes = "hello"};
	struct model_path path = {.path = STR("/a"),
				  .kind = PATH_PREFIX,
				  .cluster = 3,
				  .default_backend = true,
				  .policy = &p.fixed,
				  .ns = STR("team"),
				  .ingress = STR("front"),
				  .service = STR("shop")};
	struct model_host h = {.name = STR("H"), .has_cert = true, .paths = &path, .n_paths = 1};
	struct group_view g;
	struct route_view v;
	struct fixture f;

	policy_defaults(&p.fixed);
	p.fixed.size = sizeof(p);
	p.fixed.read_ms = 1234;
	fixture_open(&f, 1 << 20);
	assert_int_equal(table_put_host(f.w, &h), 0);
	fixture_publish(&f);
	v = fixture_route(&f, "h", "/a/b");
	assert_int_equal(v.flags, ROUTE_DEFAULT_BACKEND | ROUTE_HOST_HAS_CERT);
	assert_memory_equal(v.policy, &p, sizeof(p));
	assert_true(str_eq(policy_find(v.policy, 9), STR("hello")));
	assert_true(table_group(f.t, v.group, &g));
	assert_true(str_eq(g.ns, STR("team")) && str_eq(g.ingress, STR("front")));
	assert_true(str_eq(g.service, STR("shop")) && str_eq(g.path, STR("/a")));
	assert_true(str_eq(g.host, STR("h")));
	assert_false(table_group(f.t, 0, &g));
	assert_false(table_group(f.t, v.group + 1, &g));
	assert_int_equal(fixture_route(&f, "h", "/b").flags, ROUTE_HOST_HAS_CERT);
	fixture_close(&f);
}

static void a_full_arena_is_an_error(void **state)
{
	struct fixture f;
	struct route_view v;
	struct arena small;

	fixture_open(&f, 1 << 20);
	assert_int_equal(fixture_put_simple(&f, "h", 1), 0);
	fixture_publish(&f);
	arena_init(&small, f.slab, 16);
	assert_int_equal(table_route(f.t, STR("h"), STR("/"), &small, &v), -1);
	arena_reset(&small);
	fixture_close(&f);
}

/* 10,000 paths on one host: each found, each answer its own. */
static void many_paths(void **state)
{
	enum {
		N = 10000
	};
	static char text[N][32];
	static struct model_path paths[N];
	struct model_host h = {.name = STR("big"), .paths = paths, .n_paths = N};
	struct fixture f;

	for (unsigned i = 0; i < N; i++) {
		(void)snprintf(text[i], sizeof(text[i]), "/v%u/item%u", i % 7, i);
		paths[i] = (struct model_path){.path = str_from(text[i]),
					       .kind = i % 2 == 0 ? PATH_PREFIX : PATH_EXACT,
					       .cluster = i + 1,
					       .ns = STR("ns"),
					       .ingress = STR("i"),
					       .service = STR("s")};
	}
	fixture_open(&f, 64 << 20);
	assert_int_equal(table_put_host(f.w, &h), 0);
	fixture_publish(&f);
	for (unsigned i = 0; i < N; i++) {
		char below[48];

		assert_int_equal(fixture_route(&f, "big", text[i]).cluster, i + 1);
		(void)snprintf(below, sizeof(below), "%s/x", text[i]);
		assert_int_equal(fixture_route(&f, "big", below).cluster, i % 2 == 0 ? i + 1 : 0);
	}
	fixture_close(&f);
}

/* What a host says for itself comes along with whatever its paths say, and goes with the host. */
static void test_policy_of_the_host(void **state)
{
	struct policy server, plain;
	struct model_path paths[] = {{.path = STR("/app"),
				      .kind = PATH_PREFIX,
				      .cluster = 1,
				      .ns = STR("n"),
				      .ingress = STR("i"),
				      .service = STR("s")},
				     {.path = STR("/one"),
				      .kind = PATH_EXACT,
				      .cluster = 1,
				      .ns = STR("n"),
				      .ingress = STR("i"),
				      .service = STR("s")}};
	struct model_host h = {.name = STR("a.test"), .paths = paths, .n_paths = 2};
	struct fixture f;
	struct route_view v;

	(void)state;
	policy_defaults(&server);
	plain = server;
	server.flags = POLICY_DENY;
	fixture_open(&f, 1 << 20);
	h.server = &server;
	assert_int_equal(table_put_host(f.w, &h), 0);
	fixture_publish(&f);
	v = fixture_route(&f, "a.test", "/app/x");
	assert_non_null(v.server);
	assert_int_equal(v.server->flags, POLICY_DENY);
	assert_int_equal(v.policy->flags, plain.flags);
	assert_int_equal(v.path_n, 4);
	assert_int_equal(v.flags & (ROUTE_EXACT | ROUTE_REGEX), 0);
	v = fixture_route(&f, "a.test", "/one");
	assert_int_equal(v.flags & (ROUTE_EXACT | ROUTE_REGEX), ROUTE_EXACT);
	v = fixture_route(&f, "a.test", "/other");
	assert_int_equal(v.kind, ROUTE_NOT_FOUND);
	assert_non_null(v.server);
	assert_null(fixture_route(&f, "b.test", "/").server);
	h.server = NULL;
	assert_int_equal(table_put_host(f.w, &h), 0);
	fixture_publish(&f);
	assert_null(fixture_route(&f, "a.test", "/app").server);
	fixture_close(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(hosts),
	    cmocka_unit_test(a_known_host_does_not_fall_to_the_catch_all),
	    cmocka_unit_test(prefixes),
	    cmocka_unit_test(exact_beats_prefix),
	    cmocka_unit_test(missing_final_slash),
	    cmocka_unit_test(regexes_do_not_disturb_the_others),
	    cmocka_unit_test(regexes_come_in_order_after_exact_and_before_prefix),
	    cmocka_unit_test(default_backend),
	    cmocka_unit_test(view_carries_what_was_put),
	    cmocka_unit_test(a_full_arena_is_an_error),
	    cmocka_unit_test(test_policy_of_the_host),
	    cmocka_unit_test(many_paths),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
