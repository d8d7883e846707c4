/* Paths: the normal form, borrowed where the input has it already. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "worker/wire/path.h"

#define B(s)                          \
	{                             \
		("" s), sizeof(s) - 1 \
	}

struct path_case {
	struct str in;
	const char *path; /* NULL: refused */
	const char *query;
};

/* clang-format off */
static const struct path_case cases[] = {
	{B("/"), "/", NULL}, {B("*"), "*", NULL}, {B("?q"), "/", "q"}, {B("/?"), "/", ""},
	{B("/a/b"), "/a/b", NULL}, {B("/a/b/"), "/a/b/", NULL}, {B("/a?b?c/../%"), "/a", "b?c/../%"},
	{B("/a.b/c..d/e..."), "/a.b/c..d/e...", NULL}, {B("/.well-known/x"), "/.well-known/x", NULL},
	{B("/..."), "/...", NULL}, {B("/..a"), "/..a", NULL}, {B("/a+b;c=d"), "/a+b;c=d", NULL},
	{B("//"), "/", NULL}, {B("///a//b//"), "/a/b/", NULL}, {B("//evil/a"), "/evil/a", NULL},
	{B("/."), "/", NULL}, {B("/./"), "/", NULL}, {B("/a/."), "/a/", NULL}, {B("/a/./b"), "/a/b", NULL},
	{B("/a/.."), "/", NULL}, {B("/a/../"), "/", NULL}, {B("/a/b/.."), "/a/", NULL}, {B("/a/b/../c"), "/a/c", NULL},
	{B("/a/b/../../c"), "/c", NULL}, {B("/a//../b"), "/b", NULL}, {B("/a/b//./../c"), "/a/c", NULL},
	{B("/ip/abc/../../uuid"), "/uuid", NULL}, {B("////uuid"), "/uuid", NULL},
	{B("/.."), NULL, NULL}, {B("/../"), NULL, NULL}, {B("/a/../.."), NULL, NULL}, {B("/a/../../b"), NULL, NULL},
	{B("//.."), NULL, NULL}, {B("/./.."), NULL, NULL}, {B("/%2e%2e"), NULL, NULL}, {B("/%2E./x"), NULL, NULL},
	{B("/a%2f..%2f..%2fb"), NULL, NULL},
	{B("/%61"), "/a", NULL}, {B("/a%20b"), "/a b", NULL}, {B("/%C3%A4"), "/\xc3\xa4", NULL}, {B("/\xc3\xa4"), "/\xc3\xa4", NULL},
	{B("/a%2fb"), "/a/b", NULL}, {B("/a%2F%2fb"), "/a/b", NULL}, {B("/a/%2e%2e/b"), "/b", NULL}, {B("/a/%2e/b"), "/a/b", NULL},
	{B("/a/.%2e/b"), "/b", NULL}, {B("/%2e%2e%2e"), "/...", NULL}, {B("/a%2f%2e%2e"), "/", NULL},
	{B("/a%3fb"), "/a?b", NULL}, {B("/a%23b"), "/a#b", NULL}, {B("/a%3Fb?c"), "/a?b", "c"},
	{B("/%2561"), "/%61", NULL}, {B("/%252e%252e"), "/%2e%2e", NULL}, {B("/%0a"), "/\n", NULL}, {B("/%ff"), "/\xff", NULL},
	{B("/%00"), NULL, NULL}, {B("/a\0b"), NULL, NULL}, {B("/a%00/../b"), NULL, NULL}, {B("/%"), NULL, NULL}, {B("/%1"), NULL, NULL}, {B("/%1?2"), NULL, NULL},
	{B("/%g0"), NULL, NULL}, {B("/%0g"), NULL, NULL}, {B("/%%41"), NULL, NULL}, {B("/%u0041"), NULL, NULL},
	{B("/a\\..\\b"), "/a\\..\\b", NULL}, {B("/a;/../b"), "/b", NULL}, {B("/..;/a"), "/..;/a", NULL},
};
/* clang-format on */

static void test_cases(void **state)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct path_case *t = &cases[i];
		char buf[64];
		struct path out;
		int rc = path_normalise(t->in, buf, &out);

		if (rc != (t->path == NULL ? -1 : 0))
			fail_msg("%s: %d", t->in.p, rc);
		if (rc == -1)
			continue;
		if (!str_eq(out.path, str_from(t->path)))
			fail_msg("%s: " STR_FMT, t->in.p, STR_ARG(out.path));
		assert_int_equal(out.query.p == NULL, t->query == NULL);
		assert_true(str_eq(out.query, str_from(t->query)));
		assert_ptr_equal(out.raw.p, t->in.p);
	}
}

static void test_borrows_what_is_normal(void **state)
{
	struct str in = STR("/a/b.c/d?e=%2f../f");
	char buf[1];
	struct path out;

	assert_int_equal(path_normalise(in, buf, &out), 0);
	assert_ptr_equal(out.path.p, in.p);
	assert_int_equal(out.path.n, 8);
}

/* Every target of up to six of these pieces: the result is normal, and normal again. */
static void test_all_short_paths(void **state)
{
	static const char *const pieces[] = {"/", ".", "..", "a", "%2e", "%2F", "%25"};
	char target[32], buf[32], again[32];

	for (unsigned code = 0; code < 7 * 7 * 7 * 7 * 7 * 7; code++) {
		size_t n = 1;
		struct path p, q;

		target[0] = '/';
		for (unsigned i = 0, c = code; i < 6; i++, c /= 7) {
			memcpy(target + n, pieces[c % 7], strlen(pieces[c % 7]));
			n += strlen(pieces[c % 7]);
		}
		if (path_normalise(str_make(target, n), buf, &p) == -1)
			continue;
		assert_true(p.path.n > 0 && p.path.p[0] == '/' && p.path.n <= n);
		if (memchr(p.path.p, '%', p.path.n) != NULL) /* decoded once is decoded */
			continue;
		assert_int_equal(path_normalise(p.path, again, &q), 0);
		assert_true(str_eq(p.path, q.path));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_cases),
	    cmocka_unit_test(test_borrows_what_is_normal),
	    cmocka_unit_test(test_all_short_paths),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
