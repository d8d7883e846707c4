/* test_balance: annotations of balancing and affinity become a cluster's settings. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "master/balance/balance.h"

struct told {
	unsigned n;
	char why[VARS_WHY_MAX];
};

static void tell(void *arg, struct str annotation, const char *why)
{
	struct told *t = arg;

	assert_true(str_eq(annotation, STR("upstream-hash-by")));
	t->n++;
	strcpy(t->why, why);
}

static struct annots annotated(enum annot_id id, const char *value)
{
	struct annots a;

	annots_defaults(&a);
	assert_null(annots_set(&a, id, str_from(value)));
	return a;
}

static uint64_t digest_of(const struct annots *oldest, const struct annots *sticky)
{
	struct model_cluster m = {.id = 1};
	uint64_t digest;
	void *hold;

	balance_make(&m, oldest, sticky, NULL, NULL, &hold);
	digest = balance_digest(&m);
	free(hold);
	return digest;
}

static void nothing_asked_for(void **state)
{
	struct model_cluster m = {.id = 1};
	struct annots a;
	void *hold;

	annots_defaults(&a);
	balance_make(&m, &a, NULL, NULL, NULL, &hold);
	assert_int_equal(m.balance, BALANCE_ROUND_ROBIN);
	assert_int_equal(m.hash.n + m.cookie.n, 0);
	free(hold);
	assert_int_equal(digest_of(&a, NULL), digest_of(NULL, NULL));
}

static void hashing(void **state)
{
	struct annots a = annotated(ANNOT_HASH_BY, "$remote_addr-$http_x");
	struct model_cluster m = {.id = 1};
	struct told told = {0};
	void *hold;

	a.balance = BALANCE_EWMA; /* it loses */
	balance_make(&m, &a, NULL, tell, &told, &hold);
	assert_int_equal(m.balance, BALANCE_HASH);
	assert_true(m.hash.n > 0);
	assert_int_equal(m.opts.subset, 0);
	free(hold);
	a.hash_subset = true;
	a.hash_subset_size = 0;
	balance_make(&m, &a, NULL, tell, &told, &hold);
	assert_int_equal(m.opts.subset, 3);
	free(hold);
	assert_int_equal(told.n, 0);
}

static void templates_that_are_none(void **state)
{
	struct annots unknown = annotated(ANNOT_HASH_BY, "$no_such_thing"),
		      bad = annotated(ANNOT_HASH_BY, "${open");
	struct model_cluster m = {.id = 1};
	struct told told = {0};
	void *hold;

	balance_make(&m, &unknown, NULL, tell, &told, &hold);
	assert_int_equal(m.balance, BALANCE_HASH); /* works, and is empty */
	assert_non_null(strstr(told.why, "no_such_thing"));
	free(hold);
	m = (struct model_cluster){.id = 1};
	balance_make(&m, &bad, NULL, tell, &told, &hold);
	assert_int_equal(m.balance, BALANCE_ROUND_ROBIN);
	assert_int_equal(m.hash.n, 0);
	assert_int_equal(told.n, 2);
	free(hold);
}

static void cookies(void **state)
{
	struct annots a = annotated(ANNOT_COOKIE_NAME, "sticky");
	struct model_cluster m = {.id = 1};
	struct cluster_cookie c;
	void *hold;

	assert_null(annots_set(&a, ANNOT_COOKIE_DOMAIN, STR(".a.test")));
	assert_null(annots_set(&a, ANNOT_COOKIE_MAX_AGE, STR("-5")));
	assert_null(annots_set(&a, ANNOT_COOKIE_SAME_SITE, STR("lax")));
	assert_null(annots_set(&a, ANNOT_AFFINITY_MODE, STR("persistent")));
	assert_null(annots_set(&a, ANNOT_COOKIE_SECURE, STR("true")));
	balance_make(&m, NULL, &a, NULL, NULL, &hold);
	assert_int_equal(m.cookie.n, sizeof(c) + 6 + 7);
	memcpy(&c, m.cookie.p, sizeof(c));
	assert_int_equal(c.flags, COOKIE_MAX_AGE | COOKIE_SECURE | COOKIE_PERSISTENT);
	assert_int_equal(c.max_age_s, -5);
	assert_int_equal(c.same_site, SAMESITE_LAX);
	assert_memory_equal(m.cookie.p + sizeof(c), "sticky.a.test", 13);
	free(hold);
}

/* What a cluster is rendered again for: each of these settings, and nothing else. */
static void digests(void **state)
{
	static const struct {
		enum annot_id id;
		const char *value;
	} rows[] = {
	    {ANNOT_LOAD_BALANCE, "ewma"},        {ANNOT_HASH_BY, "$uri"},
	    {ANNOT_AFFINITY_MODE, "persistent"}, {ANNOT_COOKIE_NAME, "x"},
	    {ANNOT_COOKIE_DOMAIN, "x"},          {ANNOT_COOKIE_EXPIRES, "1"},
	    {ANNOT_COOKIE_MAX_AGE, "1"},         {ANNOT_COOKIE_SAME_SITE, "None"},
	    {ANNOT_COOKIE_SPARES_OLD, "true"},   {ANNOT_COOKIE_SECURE, "true"},
	    {ANNOT_COOKIE_CHANGES, "true"},
	};
	uint64_t seen[sizeof(rows) / sizeof(*rows) + 1];
	struct annots a;

	annots_defaults(&a);
	seen[0] = digest_of(&a, &a);
	for (unsigned i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		a = annotated(rows[i].id, rows[i].value);
		seen[i + 1] = digest_of(&a, &a);
		for (unsigned k = 0; k <= i; k++)
			assert_int_not_equal(seen[k], seen[i + 1]);
	}
	a = annotated(ANNOT_PROXY_BODY_SIZE, "2m");
	assert_int_equal(digest_of(&a, &a), seen[0]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(nothing_asked_for),
	    cmocka_unit_test(hashing),
	    cmocka_unit_test(templates_that_are_none),
	    cmocka_unit_test(cookies),
	    cmocka_unit_test(digests),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
