/* annot_share: one copy for all that say the same, with strings of its own, as long as it counts.
 */
#include "k8s_test.h"

#include <stdlib.h>
#include <string.h>

#include "k8s/settings/annot_share.h"

static struct annots defaults;

static int set_up(void **state)
{
	annots_defaults(&defaults);
	return 0;
}

static struct str on_heap(const char *z)
{
	char *p = strdup(z);

	assert_non_null(p);
	return str_make(p, strlen(z));
}

/* As of an Ingress of its own: every string lies somewhere else; and when it is shared, what was
 * borrowed or made is gone, and overwritten before. */
static const struct annots *share_new(struct annot_shares *s, const char *target, const char *tries,
				      const char *edits)
{
	struct str borrowed = on_heap(target);
	const struct annots *shared;
	struct annots a = defaults;

	assert_null(annots_set(&a, ANNOT_REWRITE_TARGET, borrowed));
	assert_null(annots_set(&a, ANNOT_PROXY_NEXT_UPSTREAM_TRIES, str_from(tries)));
	a.made.edits = on_heap(edits);
	shared = annots_share(s, &a, &defaults);
	memset((char *)(uintptr_t)borrowed.p, 'x', borrowed.n);
	free((char *)(uintptr_t)borrowed.p);
	annots_made_free(&a);
	return shared;
}

static void test_the_same(void **state)
{
	struct annot_shares s = {.n = 0};
	const struct annots *a = share_new(&s, "/a/$1", "7", "edits"),
			    *b = share_new(&s, "/a/$1", "7", "edits");

	assert_ptr_equal(a, b);
	assert_int_equal(s.n, 1);
	annots_unshare(&s, a);
	assert_true(str_eq(b->rewrite_target, STR("/a/$1")));
	assert_true(str_eq(b->made.edits, STR("edits")));
	assert_ptr_equal(b->cors_methods.p, defaults.cors_methods.p);
	assert_int_equal(b->policy.next_tries, 7);
	assert_true(annots_has(b, ANNOT_REWRITE_TARGET));
	annots_unshare(&s, b);
	assert_int_equal(s.n, 0);
	annots_unshare(&s, NULL);
}

static void test_others(void **state)
{
	struct annot_shares s = {.n = 0};
	const struct annots *v[] = {
	    share_new(&s, "/a", "7", "edits"), share_new(&s, "/b", "7", "edits"),
	    share_new(&s, "/a", "8", "edits"), share_new(&s, "/a", "7", "edit"),
	    share_new(&s, "/ae", "7", "dits"),
	};
	size_t n = sizeof(v) / sizeof(v[0]);

	assert_int_equal(s.n, n);
	assert_true(str_eq(v[4]->rewrite_target, STR("/ae")));
	assert_true(str_eq(v[4]->made.edits, STR("dits")));
	for (size_t i = 0; i < n; i++)
		annots_unshare(&s, v[i]);
	assert_int_equal(s.n, 0);
}

/* To say what is the default anyway is something else than to say nothing. */
static void test_said(void **state)
{
	struct annot_shares s = {.n = 0};
	struct annots silent = defaults, says = defaults;
	const struct annots *a, *b;

	assert_null(annots_set(&says, ANNOT_PROXY_NEXT_UPSTREAM_TRIES, STR("3")));
	a = annots_share(&s, &silent, &defaults);
	b = annots_share(&s, &says, &defaults);
	assert_ptr_not_equal(a, b);
	annots_unshare(&s, a);
	annots_unshare(&s, b);
}

/* Each string once, and inside. */
static void test_strings(void **state)
{
	struct str *v[ANNOT_STRINGS];
	struct annots a;

	annots_defaults(&a);
	annots_strings(&a, v);
	for (size_t i = 0; i < ANNOT_STRINGS; i++) {
		size_t at = (size_t)((char *)v[i] - (char *)&a);

		assert_true(at % _Alignof(struct str) == 0 && at + sizeof(*v[i]) <= sizeof(a));
		for (size_t j = 0; j < i; j++)
			assert_ptr_not_equal(v[i], v[j]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_the_same),
	    cmocka_unit_test(test_others),
	    cmocka_unit_test(test_said),
	    cmocka_unit_test(test_strings),
	};

	return cmocka_run_group_tests(tests, set_up, NULL);
}
