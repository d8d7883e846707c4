/* test_hist: buckets, merging and quantiles; and the hash against its published test vector. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "common/hash.h"
#include "common/stat/hist.h"

static void buckets_cover_every_value(void **state)
{
	assert_int_equal(hist_low(0), 0);
	for (unsigned b = 0; b + 1 < HIST_BUCKETS; b++) {
		assert_int_equal(hist_bucket(hist_low(b)), b);
		assert_int_equal(hist_bucket(hist_high(b) - 1), b);
		assert_int_equal(hist_high(b), hist_low(b + 1));
		assert_true((hist_high(b) - hist_low(b)) * 16 <= hist_low(b) + 16);
	}
	assert_int_equal(hist_bucket(((uint64_t)1 << HIST_TOP_BITS) - 1), HIST_BUCKETS - 1);
	assert_int_equal(hist_bucket((uint64_t)1 << HIST_TOP_BITS), HIST_BUCKETS - 1);
	assert_int_equal(hist_bucket(UINT64_MAX), HIST_BUCKETS - 1);
}

static void merging_adds(void **state)
{
	static struct hist a, b;
	struct hist_sum s = {0};

	for (uint64_t v = 1; v <= 1000; v++)
		hist_record(v % 2 == 0 ? &a : &b, v);
	hist_merge(&s, &a);
	hist_merge(&s, &b);
	assert_int_equal(s.count, 1000);
	assert_int_equal(s.sum, 500500);
	assert_int_equal(hist_count_below(&s, 0), 0);
	assert_int_equal(hist_count_below(&s, 17), 16);
	assert_int_equal(hist_count_below(&s, 512), 511);
	assert_int_equal(hist_count_below(&s, UINT64_MAX), 1000);
}

static void quantiles_are_within_a_bucket(void **state)
{
	static struct hist h;
	struct hist_sum s = {0};

	assert_int_equal(hist_quantile(&s, 0.5), 0);
	for (uint64_t v = 1; v <= 100000; v++)
		hist_record(&h, v);
	hist_merge(&s, &h);
	for (int p = 1; p <= 100; p++) {
		double exact = 1000.0 * p;
		double got = (double)hist_quantile(&s, p / 100.0);

		assert_true(got > exact * (1 - 1.0 / 16) && got < exact * (1 + 1.0 / 16));
	}
}

static void small_values_are_exact(void **state)
{
	static struct hist h;
	struct hist_sum s = {0};

	for (int i = 0; i < 9; i++)
		hist_record(&h, 3);
	hist_record(&h, 12);
	hist_merge(&s, &h);
	assert_int_equal(hist_quantile(&s, 0), 3);
	assert_int_equal(hist_quantile(&s, 0.5), 3);
	assert_int_equal(hist_quantile(&s, 0.9), 3);
	assert_int_equal(hist_quantile(&s, 0.99), 12);
	assert_int_equal(hist_quantile(&s, 1), 12);
}

static void hash_is_xxh3(void **state)
{
	assert_true(hash_str(STR_NONE, 0) == 0x2d06800538d394c2u);
	assert_true(hash_str(STR("a"), 1) != hash_str(STR("a"), 2));
	assert_true(hash_str(STR("a"), 1) != hash_str(STR("b"), 1));
	assert_true(hash_str(STR("silex.local"), 7) == hash_str(str_make("silex.localX", 11), 7));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(buckets_cover_every_value),
	    cmocka_unit_test(merging_adds),
	    cmocka_unit_test(quantiles_are_within_a_bucket),
	    cmocka_unit_test(small_values_are_exact),
	    cmocka_unit_test(hash_is_xxh3),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
