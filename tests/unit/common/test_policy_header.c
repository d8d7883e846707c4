/* test_policy_header: what may stand in a head, and lists that are whole or cut. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>

#include "common/policy/policy_header.h"

static char why[VARS_WHY_MAX];

static enum vars_result put(struct text *list, const char *name, struct str value)
{
	return policy_header_put(list, HEADER_SET, str_from(name), value, false, why);
}

static void what_is_put_is_read(void **state)
{
	struct policy_header_view v;
	struct str list, text;
	struct text t;

	text_growing(&t, POLICY_LIST_MAX);
	assert_int_equal(put(&t, "X-One", STR("1")), VARS_OK);
	assert_int_equal(policy_header_put(&t, HEADER_HIDE, STR("x-two"), STR_NONE, true, why),
			 VARS_OK);
	assert_int_equal(policy_header_put(&t, HEADER_SET, STR("X-Three"), STR("$host"), true, why),
			 VARS_OK);
	list = str_make(t.p, t.n);
	assert_int_equal(policy_header_count(list), 3);
	assert_true(policy_header_next(&list, &v));
	assert_true(v.op == HEADER_SET && str_eq(v.name, STR("X-One")));
	assert_true(vars_is_literal(v.value, &text) && str_eq(text, STR("1")));
	assert_true(policy_header_next(&list, &v));
	assert_true(v.op == HEADER_HIDE && str_eq(v.name, STR("x-two")) && v.value.n == 0);
	assert_true(policy_header_next(&list, &v));
	assert_true(vars_is_literal(v.value, &text) && str_eq(text, STR("$host")));
	assert_false(policy_header_next(&list, &v));
	free(t.p);
}

static void names_that_are_refused(void **state)
{
	static const char *const names[] = {"",
					    "Bad Name",
					    "X:Y",
					    "X\r\nY",
					    "X\x7f",
					    "Host",
					    "connection",
					    "TRANSFER-ENCODING",
					    "Content-Length",
					    "te",
					    "Upgrade",
					    "Keep-Alive",
					    "Trailer",
					    "Proxy-Connection",
					    "Expect"};
	struct text t;

	text_growing(&t, POLICY_LIST_MAX);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		assert_int_equal(put(&t, names[i], STR("x")), VARS_BAD);
		assert_non_null(strstr(why, "is not set"));
	}
	assert_int_equal(t.n, 0);
	free(t.p);
}

static void values_that_are_refused(void **state)
{
	static char large[VARS_PROGRAM_MAX];
	struct text t;

	text_growing(&t, POLICY_LIST_MAX);
	assert_int_equal(put(&t, "X", STR("a\r\nY: 1")), VARS_BAD);
	assert_int_equal(put(&t, "X", STR("a\nb")), VARS_BAD);
	assert_int_equal(put(&t, "X", str_make("a\0b", 3)), VARS_BAD);
	assert_int_equal(put(&t, "X", STR("${host")), VARS_BAD);
	memset(large, 'x', sizeof(large));
	assert_int_equal(put(&t, "X", str_make(large, sizeof(large))), VARS_BAD);
	assert_int_equal(t.n, 0);
	assert_int_equal(put(&t, "X", STR("a\tb")), VARS_OK);
	assert_int_equal(put(&t, "X", STR("$nobody")), VARS_UNKNOWN);
	assert_int_equal(policy_header_count(str_make(t.p, t.n)), 2);
	free(t.p);
}

static void lists_are_bounded(void **state)
{
	static char large[3000];
	struct text t;
	unsigned n = 0;

	text_growing(&t, POLICY_LIST_MAX);
	while (put(&t, "X", STR("1")) == VARS_OK)
		n++;
	assert_int_equal(n, POLICY_HEADERS_MAX);
	free(t.p);
	text_growing(&t, POLICY_LIST_MAX);
	memset(large, 'x', sizeof(large));
	while (put(&t, "X", str_make(large, sizeof(large))) == VARS_OK)
		;
	assert_true(t.n <= POLICY_LIST_MAX);
	assert_int_equal(put(&t, "X", STR("small")), VARS_OK); /* what fits is still taken */
	free(t.p);
}

/* Whatever bytes a list is cut to, nothing is read beyond them. */
static void cut_lists_end(void **state)
{
	struct policy_header_view v;
	struct text t;

	text_growing(&t, POLICY_LIST_MAX);
	assert_int_equal(put(&t, "X-One", STR("value")), VARS_OK);
	for (size_t n = 0; n < t.n; n++) {
		char *copy = malloc(n + 1);
		struct str cut = str_make(copy, n);

		memcpy(copy, t.p, n);
		assert_false(policy_header_next(&cut, &v));
		free(copy);
	}
	free(t.p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(what_is_put_is_read),     cmocka_unit_test(names_that_are_refused),
	    cmocka_unit_test(values_that_are_refused), cmocka_unit_test(lists_are_bounded),
	    cmocka_unit_test(cut_lists_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
