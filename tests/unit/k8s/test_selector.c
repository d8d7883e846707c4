/* selector: label selectors, against what Kubernetes' own parser accepts and means. */
#include "k8s_test.h"

#include <stdio.h>

#include "k8s/objects/selector.h"

static struct obj *namespace_with(const char *labels)
{
	char text[512];

	(void)snprintf(text, sizeof(text),
		       "{apiVersion: v1, kind: Namespace, metadata: {name: a, labels: {%s}}}",
		       labels);
	return object_of(text);
}

static const struct {
	const char *selector;
	bool matches;
} cases[] = {
    {"", true},
    {"  ", true},
    {"env=prod", true},
    {"env==prod", true},
    {"env = prod", true},
    {"env=test", false},
    {"env!=test", true},
    {"env!=prod", false},
    {"absent!=x", true},
    {"absent=x", false},
    {"env", true},
    {"absent", false},
    {"!absent", true},
    {"!env", false},
    {"env in (test, prod)", true},
    {"env in (test)", false},
    {"env notin (test)", true},
    {"env notin (prod,test)", false},
    {"absent notin (x)", true},
    {"absent in (x)", false},
    {"empty=", true},
    {"empty in ()", true},
    {"env=", false},
    {"env=prod,tier=web", true},
    {"env=prod, tier=db", false},
    {"env=prod,!absent,example.com/team in (a)", true},
    {"in=1", false},
    {"env=prod,", true},
};

static void test_matches(void **state)
{
	struct obj *o = namespace_with("env: prod, tier: web, empty: '', example.com/team: a");

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *wrong = selector_wrong(str_from(cases[i].selector));

		if (wrong != NULL)
			fail_msg("%s: %s", cases[i].selector, wrong);
		if (selector_matches(str_from(cases[i].selector), &o->labels) != cases[i].matches)
			fail_msg("%s: not %d", cases[i].selector, cases[i].matches);
	}
	obj_free(o);
}

static void test_wrong(void **state)
{
	static const char *const bad[] = {"=x",      "a b",     "a in x",   "a in (x",
					  "a=b c=d", "!",       "a in ($)", ",a",
					  "a,,b",    "a notin", "a > 1",    "a='b'"};
	struct obj *o = namespace_with("a: b");

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (selector_wrong(str_from(bad[i])) == NULL)
			fail_msg("%s is taken", bad[i]);
		assert_false(selector_matches(str_from(bad[i]), &o->labels));
	}
	obj_free(o);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_matches),
	    cmocka_unit_test(test_wrong),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
