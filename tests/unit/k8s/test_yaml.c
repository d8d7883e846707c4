/* yaml: kubectl's reading of scalars, documents cut apart, bounds on aliases. */
#include "k8s_test.h"

#include <stdio.h>
#include <stdlib.h>

static void expect(const char *yaml, const char *json)
{
	struct json_object *v = tree_of(yaml);

	assert_string_equal(json_object_to_json_string_ext(v, JSON_C_TO_STRING_PLAIN), json);
	json_object_put(v);
}

static void test_scalars(void **state)
{
	static const char *const cases[][2] = {
	    {"true", "true"},
	    {"on", "true"},
	    {"No", "false"},
	    {"y", "true"},
	    {"'on'", "\"on\""},
	    {"\"1\"", "\"1\""},
	    {"~", "null"},
	    {"Null", "null"},
	    {"", "null"},
	    {"80", "80"},
	    {"-7", "-7"},
	    {"+7", "7"},
	    {"0x1F", "31"},
	    {"010", "8"},
	    {"0o17", "15"},
	    {"0b101", "5"},
	    {"1_000", "1000"},
	    {"08", "8"},
	    {"80.0", "80"},
	    {"1.5", "1.5"},
	    {"1e3", "1000"},
	    {"1m", "\"1m\""},
	    {"12:30", "\"12:30\""},
	    {"2024-01-01", "\"2024-01-01\""},
	    {"1.2.3.4", "\"1.2.3.4\""},
	    {"-", "[null]"},
	    {"0x", "\"0x\""},
	    {".inf", "\".inf\""},
	    {"e3", "\"e3\""},
	    {"!!str 80", "\"80\""},
	    {"!!int \"80\"", "80"},
	    {"9223372036854775807", "9223372036854775807"},
	    {"18446744073709551615", "18446744073709551615"},
	    {"-9223372036854775808", "-9223372036854775808"},
	    {"99999999999999999999", "1e+20"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		char doc[128], want[128];

		snprintf(doc, sizeof(doc), "a: %s\n", cases[i][0]);
		if (strcmp(cases[i][0], "-") == 0)
			snprintf(doc, sizeof(doc), "a:\n-\n");
		snprintf(want, sizeof(want), "{\"a\":%s}", cases[i][1]);
		if (strcmp(cases[i][1], "1e+20") == 0)
			continue; /* json-c prints it as it likes; see test_big_number */
		expect(doc, want);
	}
}

static void test_big_number(void **state)
{
	struct json_object *v = tree_of("a: 99999999999999999999\n"), *a;

	assert_true(json_object_object_get_ex(v, "a", &a));
	assert_int_equal(json_object_get_type(a), json_type_double);
	json_object_put(v);
}

static void test_keys(void **state)
{
	expect("80: a\non: b\n'1': c\n", "{\"80\":\"a\",\"true\":\"b\",\"1\":\"c\"}");
}

static void test_anchors(void **state)
{
	expect("a: &x {b: 1}\nc: *x\nd: {<<: *x, e: 2}\n",
	       "{\"a\":{\"b\":1},\"c\":{\"b\":1},\"d\":{\"e\":2,\"b\":1}}");
	expect("a: &x {b: 1, c: 1}\nd: {<<: *x, b: 2}\n",
	       "{\"a\":{\"b\":1,\"c\":1},\"d\":{\"b\":2,\"c\":1}}");
	expect("a: &x {b: 1}\nz: &y {b: 3, f: 4}\nd: {<<: [*x, *y]}\n",
	       "{\"a\":{\"b\":1},\"z\":{\"b\":3,\"f\":4},\"d\":{\"b\":1,\"f\":4}}");
	expect("a: &s 7\nb: *s\n", "{\"a\":7,\"b\":7}");
}

static void expect_error(const char *yaml, uint32_t line, const char *part)
{
	struct yaml_doc doc = {.text = str_from(yaml), .line = 10};
	struct jv_err err = {0};
	struct json_object *v = yaml_parse(&doc, &err);

	if (v != NULL || !err.set || err.line != line + 9 || strstr(err.text, part) == NULL)
		fail_msg("%s: line %u: %s", yaml, err.line, err.text);
}

static void test_errors(void **state)
{
	expect_error("a: 1\na: 2\n", 2, "given twice");
	expect_error("a: [1\n", 2, "not valid YAML");
	expect_error("a:\n\tb: 1\n", 2, "not valid YAML");
	expect_error("a: !foo 1\n", 1, "tag");
	expect_error("a: *x\n", 1, "alias");
	expect_error("a: &x [*x]\n", 1, "alias");
	expect_error("[a]: 1\n", 1, "key");
	expect_error("~: 1\n", 1, "null as a key");
	expect_error("a: {<<: 1}\n", 1, "<<");
	expect_error("a: \"\xff\"\n", 1, "not valid YAML");
}

static void test_depth(void **state)
{
	char text[1024];

	memset(text, '[', 100);
	memset(text + 100, ']', 100);
	text[200] = '\0';
	expect_error(text, 1, "nested too deeply");
}

/* Ten levels of ten aliases each are ten thousand million values in 600 bytes. */
static void test_billion_laughs(void **state)
{
	char text[2048];
	size_t n = (size_t)snprintf(text, sizeof(text), "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n");

	for (int i = 1; i < 10; i++) {
		n += (size_t)snprintf(text + n, sizeof(text) - n, "a%d: &a%d [", i, i);
		for (int k = 0; k < 10; k++)
			n += (size_t)snprintf(text + n, sizeof(text) - n, "*a%d%s", i - 1,
					      k < 9 ? "," : "]\n");
	}
	expect_error(text, 6, "too many values");
}

static void test_documents(void **state)
{
	struct str s =
	    STR("\xef\xbb\xbf# only a comment\n---\n\n---\na: 1\n--- # two\nb: |\n  ---x\n"
		" ---\n...\n---\r\nc: 3");
	static const uint32_t lines[] = {4, 6, 11};
	uint32_t line = 1;
	struct yaml_doc doc;

	for (int i = 0; i < 3; i++) {
		assert_true(yaml_next(&s, &line, &doc));
		assert_int_equal(doc.line, lines[i]);
	}
	assert_false(yaml_next(&s, &line, &doc));
}

static void test_lines(void **state)
{
	struct json_object *v = tree_of("a: 1\nb:\n  - x\n  - y\n"), *b;

	assert_int_equal(jv_line(v), 1);
	json_object_object_get_ex(v, "b", &b);
	assert_int_equal(jv_line(b), 3);
	assert_int_equal(jv_line(json_object_array_get_idx(b, 1)), 4);
	json_object_put(v);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_scalars),        cmocka_unit_test(test_big_number),
	    cmocka_unit_test(test_keys),           cmocka_unit_test(test_anchors),
	    cmocka_unit_test(test_errors),         cmocka_unit_test(test_depth),
	    cmocka_unit_test(test_billion_laughs), cmocka_unit_test(test_documents),
	    cmocka_unit_test(test_lines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
