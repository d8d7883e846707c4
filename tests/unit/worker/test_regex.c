/* regex: what nginx would match and put in; limits are an answer of their own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "worker/rewrite/regex.h"

static struct slab *slab;
static struct arena arena;

static struct regexes *fresh(void)
{
	struct regexes *x = regexes_new();

	assert_non_null(x);
	return x;
}

static void test_matches(void **state)
{
	static const struct {
		const char *pattern, *path;
		bool fits;
	} cases[] = {
	    {"/foo", "/foo", true},
	    {"/foo", "/FooBar", true},
	    {"/foo", "/x/foo", false},
	    {"/api(/|$)(.*)", "/api", true},
	    {"/api(/|$)(.*)", "/apis", false},
	    {"/a|/b", "/x/b", true},
	    {"/(?!admin)", "/admin", false},
	    {"", "/", true},
	};
	struct regexes *x = fresh();

	(void)state;
	for (int twice = 0; twice < 2; twice++)
		for (unsigned i = 0; i < sizeof(cases) / sizeof(*cases); i++)
			assert_int_equal(
			    regex_matches(x, str_from(cases[i].pattern), str_from(cases[i].path)),
			    cases[i].fits);
	assert_false(regex_gave_up(x));
	regexes_free(x);
}

static void expect(struct regexes *x, const char *pattern, const char *subject, const char *with,
		   const char *expected)
{
	struct str out;

	assert_int_equal(
	    regex_replace(x, str_from(pattern), str_from(subject), str_from(with), &arena, &out),
	    REGEX_YES);
	assert_int_equal(out.n, strlen(expected));
	assert_memory_equal(out.p, expected, out.n);
}

static void test_replacement(void **state)
{
	struct regexes *x = fresh();
	struct str out;

	(void)state;
	expect(x, "/api(/|$)(.*)", "/api/v1", "/$2", "/v1");
	expect(x, "/api(/|$)(.*)", "/api", "/$2", "/");
	expect(x, "/(?<who>[a-z]+)/(\\d+)", "/bob/42", "/$2/$who/${2}0", "/42/bob/420");
	expect(x, "/(a)(b)?", "/a", "[$1$2$3$9]", "[a]");
	expect(x, "/x", "/x", "$ $$ ${ ${} $-$", "$ $$ ${ ${} $-$");
	expect(x, "/(.)", "/a", "$10", "a0");
	expect(x, "b", "/abc", "/$0", "/b");
	assert_int_equal(regex_replace(x, STR("/a"), STR("/b"), STR("/"), &arena, &out), REGEX_NO);
	regexes_free(x);
}

static void test_limits(void **state)
{
	struct regexes *x = fresh();
	char subject[4000];
	struct str out, s;

	(void)state;
	memset(subject, 'a', sizeof(subject));
	subject[0] = '/';
	subject[sizeof(subject) - 1] = 'b';
	s = str_make(subject, sizeof(subject));
	assert_true(regex_matches(x, STR("/(a|a?)+$"), s)); /* so that nothing further is tried */
	assert_true(regex_gave_up(x));
	assert_false(regex_gave_up(x));
	assert_false(regex_matches(x, STR("/b"), s));
	assert_int_equal(regex_replace(x, STR("/(a|a?)+$"), s, STR("/"), &arena, &out),
			 REGEX_FAILED);
	assert_false(regex_gave_up(x));
	assert_int_equal(regex_replace(x, STR("/("), s, STR("/"), &arena, &out), REGEX_FAILED);
	assert_int_equal(
	    regex_replace(x, STR("/(a*)b"), s, STR("$1$1$1$1$1$1$1$1$1$1$1"), &arena, &out),
	    REGEX_FAILED);
	regexes_free(x);
}

/* More patterns than are kept: the oldest are compiled again when they come back. */
static void test_many(void **state)
{
	struct regexes *x = fresh();

	(void)state;
	for (unsigned i = 0; i < 10000; i++) {
		char pattern[32];
		struct str p =
		    str_make(pattern, (size_t)snprintf(pattern, sizeof(pattern), "/p%u$", i));

		assert_false(regex_matches(x, p, STR("/p")));
		assert_true(regex_matches(x, p, str_make(pattern, p.n - 1)));
	}
	regexes_free(x);
}

static void test_names(void **state)
{
	static const struct {
		const char *pattern, *subject;
		bool fits;
	} cases[] = {
	    {"CN=a", "CN=a", true},
	    {"CN=a", "CN=abc,O=x", true}, /* as nginx: the end is the pattern's own matter */
	    {"CN=a$", "CN=abc", false},
	    {"CN=(a|b)", "O=x,CN=b", true},
	    {"CN=(a|b)", "O=x+CN=b", true},
	    {"CN=a", "CN=A", false},
	    {"CN=a", "cn=a", false},
	    {"CN=a", "O=CN=a", false},
	    {"CN=a", "O=x\\,CN=a", false},
	    {"CN=a|b", "CN=xb", false},
	    {"CN=a", "", false},
	    {"CN=", "", false},
	};
	struct regexes *x = fresh();

	(void)state;
	for (unsigned i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		assert_int_equal(
		    regex_finds_name(x, str_from(cases[i].pattern), str_from(cases[i].subject)),
		    cases[i].fits);
	assert_false(regex_gave_up(x));
	assert_false(
	    regex_finds_name(x, STR("CN=("), STR("CN=a"))); /* the master would have told */
	assert_true(regex_gave_up(x));
	/* The same text is another pattern elsewhere. */
	assert_true(regex_matches(x, STR("CN=a"), STR("cn=ab")));
	assert_false(regex_finds_name(x, STR("CN=a"), STR("cn=ab")));
	regexes_free(x);
}

static void test_captures(void **state)
{
	struct regexes *x = fresh();
	struct regex_groups g;

	(void)state;
	assert_int_equal(regex_capture(x, STR("^/(a)?(b*)(c)"), STR("/bbc"), false, &g), REGEX_YES);
	assert_int_equal(g.n, 4);
	assert_true(str_eq(g.v[0], STR("/bbc")) && str_eq(g.v[2], STR("bb")));
	assert_true(g.v[1].n == 0 && str_eq(g.v[3], STR("c")));
	assert_int_equal(regex_capture(x, STR("^/B"), STR("/b"), false, &g), REGEX_NO);
	assert_int_equal(regex_capture(x, STR("^/B"), STR("/b"), true, &g), REGEX_YES);
	assert_int_equal(regex_capture(x, STR("^$"), STR_NONE, false, &g), REGEX_YES);
	assert_int_equal(regex_capture(x, STR("("), STR("x"), false, &g), REGEX_FAILED);
	assert_int_equal(regex_capture(x, STR("(x+x+)+[yz]"),
				       STR("xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"), false, &g),
			 REGEX_FAILED);
	assert_int_equal(regex_capture(x, STR("(.)(.)(.)(.)(.)(.)(.)(.)(.)(.)(.)"),
				       STR("abcdefghijklm"), false, &g),
			 REGEX_YES);
	assert_int_equal(g.n, REGEX_GROUPS);
	assert_false(regex_gave_up(x));
	regexes_free(x);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_names),    cmocka_unit_test(test_matches),
	    cmocka_unit_test(test_captures), cmocka_unit_test(test_replacement),
	    cmocka_unit_test(test_limits),   cmocka_unit_test(test_many),
	};
	int rc;

	slab = slab_new("arenas", 4096, 1024);
	arena_init(&arena, slab, 256 * 1024);
	rc = cmocka_run_group_tests(tests, NULL, NULL);
	arena_reset(&arena);
	slab_free(slab);
	return rc;
}
