/* json: strict parsing, and complaints that name the field. */
#include "k8s_test.h"

static struct json_object *parse(const char *text, struct jv_err *err)
{
	struct str s = str_from(text);

	*err = (struct jv_err){0};
	return jv_parse(&s, err);
}

static void test_several_values(void **state)
{
	struct str s = STR(" {\"a\":1}\n {\"b\":2} ");
	struct jv_err err = {0};

	json_object_put(jv_parse(&s, &err));
	assert_false(err.set);
	assert_int_equal(s.n, 8);
	json_object_put(jv_parse(&s, &err));
	assert_false(err.set);
	assert_int_equal(s.n, 0);
}

static void test_refused(void **state)
{
	static const struct {
		const char *text;
		uint32_t line;
	} bad[] = {
	    {"", 1},     {"{", 1},          {"{\"a\":\n1,\n}", 3},   {"['a']", 1},
	    {"null", 1}, {"{\"a\":01}", 1}, {"{\"a\":\"\xff\"}", 1}, {"[1,]", 1},
	    {"nul", 1},
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct jv_err err;
		struct json_object *v = parse(bad[i].text, &err);

		if (v != NULL || !err.set || err.line != bad[i].line)
			fail_msg("%s: line %u: %s", bad[i].text, err.line, err.text);
	}
}

static void test_depth(void **state)
{
	char text[400];
	struct jv_err err;

	memset(text, '[', 200);
	memset(text + 200, ']', 199);
	text[399] = '\0';
	assert_null(parse(text, &err));
	assert_non_null(strstr(err.text, "nesting"));
}

/* {"spec": ...}, and a complaint somewhere in it. */
static void expect_path(const char *text, void (*use)(const struct jv *), const char *want)
{
	struct jv_err err;
	struct json_object *v = parse(text, &err);
	struct jv root = jv_root(v, &err);

	use(&root);
	assert_string_equal(err.text, want);
	json_object_put(v);
}

static void use_port(const struct jv *root)
{
	struct jv arr, at;
	int64_t n = 7;

	assert_int_equal(jv_arr(root, "ports", &arr), 2);
	assert_true(jv_item_obj(&arr, 1, &at));
	assert_false(jv_int(&at, "port", 1, 65535, &n));
	assert_int_equal(n, 7);
}

static void use_string(const struct jv *root)
{
	assert_int_equal(jv_str(root, "name").n, 0);
}

static void use_item(const struct jv *root)
{
	struct jv arr, at;

	assert_int_equal(jv_arr(root, "v", &arr), 1);
	assert_false(jv_item_obj(&arr, 0, &at));
}

static void test_paths(void **state)
{
	expect_path("{\"ports\":[{},{\"port\":\"80\"}]}", use_port,
		    "ports[1].port: expected integer, found string");
	expect_path("{\"ports\":[{},{\"port\":70000}]}", use_port,
		    "ports[1].port: must be between 1 and 65535");
	expect_path("{\"ports\":[{},{\"port\":99999999999999999999}]}", use_port,
		    "ports[1].port: must be between 1 and 65535");
	expect_path("{\"ports\":[{},{\"port\":80.5}]}", use_port,
		    "ports[1].port: expected integer, found number");
	expect_path("{\"name\":8}", use_string,
		    "name: expected string, found integer (put the value in quotes)");
	expect_path("{\"name\":{}}", use_string, "name: expected string, found object");
	expect_path("{\"name\":null}", use_string, "");
	expect_path("{\"v\":[null]}", use_item, "v[0]: expected object, found null");
}

static void test_first_complaint_stays(void **state)
{
	struct jv_err err;
	struct json_object *v = parse("{\"a\":1,\"b\":2}", &err);
	struct jv root = jv_root(v, &err);

	jv_str(&root, "a");
	jv_str(&root, "b");
	assert_true(strncmp(err.text, "a: ", 3) == 0);
	json_object_put(v);
}

static void test_wipe(void **state)
{
	struct jv_err err;
	struct json_object *v = parse("{\"a\":[\"secret\"]}", &err);
	struct jv root = jv_root(v, &err), arr, at;

	jv_wipe(v);
	jv_arr(&root, "a", &arr);
	assert_memory_equal(jv_item_str(&arr, 0, &at).p, "\0\0\0\0\0\0", 6);
	json_object_put(v);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_several_values),
	    cmocka_unit_test(test_refused),
	    cmocka_unit_test(test_depth),
	    cmocka_unit_test(test_paths),
	    cmocka_unit_test(test_first_complaint_stays),
	    cmocka_unit_test(test_wipe),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
