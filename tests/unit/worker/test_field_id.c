/* Field names and byte classes: tables, proven against their definitions. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <ctype.h>
#include <string.h>

#include <cmocka.h>

#include "worker/head/field_id.h"
#include "worker/wire/h1_char.h"

static void test_every_name_in_any_case(void **state)
{
	for (unsigned id = 1; id < FIELD_COUNT; id++) {
		struct str name = field_infos[id].name;
		char copy[64];

		assert_int_equal(field_lookup(name.p, name.n), id);
		for (size_t i = 0; i < name.n; i++)
			copy[i] = (char)toupper((unsigned char)name.p[i]);
		assert_int_equal(field_lookup(copy, name.n), id);
		for (size_t i = 0; i < name.n; i++)
			copy[i] = (char)tolower((unsigned char)name.p[i]);
		assert_int_equal(field_lookup(copy, name.n), id);
	}
}

/* One byte more, less or other is another name, unless the table has that one too. */
static void test_near_misses(void **state)
{
	for (unsigned id = 1; id < FIELD_COUNT; id++) {
		struct str name = field_infos[id].name;
		char copy[64];

		memcpy(copy, name.p, name.n);
		copy[name.n] = 'q';
		assert_int_not_equal(field_lookup(copy, name.n + 1), id);
		assert_int_not_equal(field_lookup(copy, name.n - 1), id);
		for (size_t i = 0; i < name.n; i++) {
			copy[i] = '_';
			assert_int_equal(field_lookup(copy, name.n), FIELD_OTHER);
			copy[i] = name.p[i];
		}
	}
	assert_int_equal(field_lookup("", 0), FIELD_OTHER);
	assert_int_equal(field_lookup("X-Unheard-Of", 12), FIELD_OTHER);
}

static void test_byte_classes(void **state)
{
	for (int c = 0; c < 256; c++) {
		char ch = (char)c;
		bool high = c >= 0x80, alnum = !high && isalnum(c), blank = c == ' ' || c == '\t';
		bool visible = c > 0x20 && c < 0x7f;

		assert_int_equal(h1_is(ch, H1_TOKEN),
				 alnum || (c != 0 && strchr("!#$%&'*+-.^_`|~", c) != NULL));
		assert_int_equal(h1_is(ch, H1_PLAIN), alnum || c == '-');
		assert_int_equal(h1_is(ch, H1_TARGET), high || (visible && c != '#'));
		assert_int_equal(h1_is(ch, H1_TEXT), high || visible || blank);
		assert_int_equal(h1_is(ch, H1_HOST), alnum || c == '-' || c == '.' || c == '_');
		assert_int_equal(h1_is(ch, H1_HEX), !high && isxdigit(c));
		assert_int_equal(h1_is(ch, H1_QUOTED),
				 high || blank || (visible && c != '"' && c != '\\'));
	}
}

/* The eight-byte scan finds every control byte at every place, and nothing else. */
static void test_find_ctl(void **state)
{
	char text[24];

	for (int c = 0; c < 256; c++)
		for (int around = 0x20; around < 0x100; around += 0x5f)
			for (size_t at = 0; at < sizeof(text); at++) {
				bool ctl = c < 0x20 || c == 0x7f;

				if (around == 0x7f)
					continue;
				memset(text, around, sizeof(text));
				text[at] = (char)c;
				assert_ptr_equal(h1_find_ctl(text, text + sizeof(text)),
						 ctl ? text + at : text + sizeof(text));
			}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_every_name_in_any_case),
	    cmocka_unit_test(test_near_misses),
	    cmocka_unit_test(test_byte_classes),
	    cmocka_unit_test(test_find_ctl),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
