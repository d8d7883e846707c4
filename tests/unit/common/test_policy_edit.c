/* policy_edit: what nginx' directives mean, compiled, and lists that are whole or cut. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>

#include "common/policy/policy_edit.h"

static const struct row {
	enum policy_edit_what what;
	const char *from, *to;
	enum vars_result result;
	enum policy_edit_how how;
	const char
	    *parts; /* programs by their literal, "$" for one with variables; groups by number */
} rows[] = {
    {EDIT_REDIRECT, "http://a/", "/", VARS_OK, EDIT_PREFIX, "/"},
    {EDIT_REDIRECT, "http://$host/", "$scheme://x/$1", VARS_UNKNOWN, EDIT_PREFIX, "$"},
    {EDIT_REDIRECT, "~^http://([^/]+)(.*)$", "https://$1$2?a", VARS_OK, EDIT_REGEX,
     "https://<1><2>?a"},
    {EDIT_REDIRECT, "~*^(x)", "$host/$1", VARS_OK, EDIT_REGEX_ANY_CASE, "$<1>"},
    {EDIT_REDIRECT, "~x", "a$nosuch", VARS_UNKNOWN, EDIT_REGEX, "$"},
    {EDIT_REDIRECT, "x", "a$", VARS_BAD, EDIT_PREFIX, NULL},
    {EDIT_REDIRECT, "${x", "a", VARS_BAD, EDIT_PREFIX, NULL},
    {EDIT_COOKIE_DOMAIN, ".a.test", ".b.test", VARS_OK, EDIT_WHOLE, "b.test"},
    {EDIT_COOKIE_DOMAIN, "~\\.test$", "$host", VARS_OK, EDIT_REGEX_ANY_CASE, "$"},
    {EDIT_COOKIE_PATH, "/one/", "/", VARS_OK, EDIT_PREFIX, "/"},
    {EDIT_COOKIE_PATH, "~^/(.)", "/$1$1", VARS_OK, EDIT_REGEX, "/<1><1>"},
};

static void parts_text(struct str to, char *out, size_t cap)
{
	struct policy_edit_part part;
	struct text t;

	text_fixed(&t, out, cap - 1);
	while (policy_edit_next_part(&to, &part)) {
		struct str literal;

		text_str(&t, vars_is_literal(part.program, &literal) ? literal : STR("$"));
		if (part.group != -1) {
			text_char(&t, '<');
			text_u64(&t, (uint64_t)part.group);
			text_char(&t, '>');
		}
	}
	assert_int_equal(to.n, 0);
	out[t.n] = '\0';
}

static void test_rows(void **state)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		char why[VARS_WHY_MAX], parts[200];
		struct policy_edit_view v;
		struct text list;
		struct str rest;

		text_growing(&list, POLICY_EDITS_MAX);
		assert_int_equal(policy_edit_put(&list, rows[i].what, str_from(rows[i].from),
						 str_from(rows[i].to), why),
				 rows[i].result);
		assert_int_equal(why[0] == '\0', rows[i].result == VARS_OK);
		rest = str_make(list.p, list.n);
		assert_int_equal(policy_edit_next(&rest, &v), rows[i].result != VARS_BAD);
		if (rows[i].result != VARS_BAD) {
			assert_int_equal(v.what, rows[i].what);
			assert_int_equal(v.how, rows[i].how);
			parts_text(v.to, parts, sizeof(parts));
			assert_string_equal(parts, rows[i].parts);
			assert_int_equal(rest.n, 0);
		}
		free(list.p);
	}
}

/* However a list is cut, nothing is read beyond its end. */
static void test_cut(void **state)
{
	char why[VARS_WHY_MAX];
	struct text list;

	text_growing(&list, POLICY_EDITS_MAX);
	assert_int_equal(policy_edit_put(&list, EDIT_REDIRECT, STR("~(a)"), STR("b$1$host"), why),
			 VARS_OK);
	for (size_t n = 0; n < list.n; n++) {
		char *copy = malloc(n + 1);
		struct str rest = str_make(copy, n);
		struct policy_edit_view v;

		memcpy(copy, list.p, n);
		assert_false(policy_edit_next(&rest, &v));
		free(copy);
	}
	free(list.p);
}

/* What does not fit leaves the list as it was. */
static void test_full(void **state)
{
	char why[VARS_WHY_MAX], path[3000];
	struct text list;
	size_t before = 0;

	memset(path, 'a', sizeof(path));
	text_growing(&list, POLICY_EDITS_MAX);
	while (policy_edit_put(&list, EDIT_COOKIE_PATH, str_make(path, sizeof(path)), STR("/"),
			       why) == VARS_OK) {
		assert_true(list.n > before);
		before = list.n;
	}
	assert_int_equal(list.n, before);
	assert_string_equal(why, "the text is too long");
	free(list.p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_rows),
	    cmocka_unit_test(test_cut),
	    cmocka_unit_test(test_full),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
