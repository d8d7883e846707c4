/* test_text: numbers, escapes and bounds of text.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "common/text.h"

static char buf[512];

static struct text fresh(void)
{
	struct text t;

	text_fixed(&t, buf, sizeof(buf) - 1);
	return t;
}

static void is(struct text *t, const char *want)
{
	t->p[t->n] = '\0';
	assert_string_equal(t->p, want);
	t->n = 0;
}

static void numbers(void **state)
{
	struct text t = fresh();

	text_u64(&t, 0);
	is(&t, "0");
	text_u64(&t, UINT64_MAX);
	is(&t, "18446744073709551615");
	text_seconds(&t, 1234567, 3);
	is(&t, "1.234");
	text_seconds(&t, 999999, 3);
	is(&t, "0.999");
	text_seconds(&t, 42, 6);
	is(&t, "0.000042");
	text_seconds(&t, 61000000, 0);
	is(&t, "61");
	text_seconds(&t, UINT64_MAX, 6);
	is(&t, "18446744073709.551615");
}

static void hex(struct str in, size_t most, const char *want)
{
	struct text t = fresh();

	text_hex(&t, in, most);
	is(&t, want);
}

static void hex_escape(void **state)
{
	hex(STR("/a b?c=1"), 100, "/a b?c=1");
	hex(STR("a\"b\\c\nd\x7f\xff"), 100, "a\\x22b\\x5Cc\\x0Ad\\x7F\\xFF");
	hex(STR("\0"), 100, "\\x00");
	hex(STR_NONE, 100, "");
	hex(STR("abcdef"), 6, "abcdef");
	hex(STR("abcdef"), 5, "abcde...");
	hex(STR("ab\n"), 5, "ab..."); /* never half an escape */
	hex(STR("ab\n"), 6, "ab\\x0A");
	hex(STR("ab\ncd"), 6, "ab\\x0A...");
}

static void json(struct str in, size_t most, const char *want)
{
	struct text t = fresh();

	text_json(&t, in, most);
	is(&t, want);
}

static void json_escape(void **state)
{
	json(STR("plain /x"), 100, "plain /x");
	json(STR("\"\\\b\f\n\r\t"), 100, "\\\"\\\\\\b\\f\\n\\r\\t");
	json(STR("\0\x1f\x7f"), 100, "\\u0000\\u001F\\u007F");
	json(STR("h\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80"), 100,
	     "h\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80");
	json(STR("a\xff"), 100, "a\xef\xbf\xbd");
	json(STR("\xc0\xaf"), 100, "\xef\xbf\xbd\xef\xbf\xbd");                 /* overlong */
	json(STR("\xed\xa0\x80"), 100, "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"); /* surrogate */
	json(STR("\xf4\x90\x80\x80"), 3, "\xef\xbf\xbd...");                    /* above U+10FFFF */
	json(STR("\xe2\x82"), 100, "\xef\xbf\xbd\xef\xbf\xbd");                 /* cut short */
	json(STR("x\xe2\x82\xac"), 3, "x..."); /* never half a character */
	json(STR("xy\n"), 3, "xy...");
}

static void fixed_leaves_out_whole(void **state)
{
	char small[4];
	struct text t;

	text_fixed(&t, small, sizeof(small));
	text_lit(&t, "ab");
	assert_false(t.full);
	text_lit(&t, "cde");
	assert_true(t.full);
	assert_int_equal(t.n, 2);
	text_char(&t, 'c');
	text_char(&t, 'd');
	text_char(&t, 'e');
	assert_int_equal(t.n, 4);
	assert_memory_equal(small, "abcd", 4);
}

static void growing_has_a_limit(void **state)
{
	struct text t;

	text_growing(&t, 10000);
	assert_null(t.p);
	for (int i = 0; i < 10000; i++)
		text_char(&t, (char)('a' + i % 26));
	assert_false(t.full);
	assert_int_equal(t.n, 10000);
	text_char(&t, 'x');
	assert_true(t.full);
	assert_int_equal(t.n, 10000);
	for (int i = 0; i < 10000; i++)
		assert_int_equal(t.p[i], 'a' + i % 26);
	free(t.p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(numbers),
	    cmocka_unit_test(hex_escape),
	    cmocka_unit_test(json_escape),
	    cmocka_unit_test(fixed_leaves_out_whole),
	    cmocka_unit_test(growing_has_a_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
