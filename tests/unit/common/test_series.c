/* series and buckets: bounds are read strictly; a reader is bounded whatever the pages hold. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "common/conf/conf.h"
#include "common/stat/series.h"

#define PAGES 8u

static void bounds_as_people_write_them(void **state)
{
	struct buckets b;

	assert_true(buckets_parse(&b, STR("0.005, 0.1,1,1e+06"), 1000000));
	assert_int_equal(b.n, 4);
	assert_int_equal(b.bound[0], 5000);
	assert_int_equal(b.bound[3], 1000000000000);
	assert_string_equal(b.text[3], "1e+06");
	assert_int_equal(buckets_find(&b, 5000), 0); /* le: less or equal */
	assert_int_equal(buckets_find(&b, 5001), 1);
	assert_int_equal(buckets_find(&b, UINT64_MAX), 4);
}

static void bad_bounds_are_refused(void **state)
{
	static const char *const bad[] = {
	    "",    ",",   "1,1",   "2,1",  "0",
	    "-1",  "x",   "1x",    "0x10", "1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17",
	    "nan", "inf", "1e300", "1 2",  "1234567890123456789"};
	struct buckets b;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(buckets_parse(&b, str_from(bad[i]), 1));
}

static void a_bad_key_is_named(void **state)
{
	static struct conf c;
	struct series_bounds b;
	const char *key;

	conf_init(&c);
	assert_true(series_bounds_parse(&b, &c, &key));
	assert_int_equal(b.of[SERIES_CONNECT_TIME].n, 11);
	assert_int_equal(b.of[SERIES_RESPONSE_SIZE].n, 10);
	assert_int_equal(b.of[SERIES_BYTES_SENT].bound[6], 10000000);
	memcpy(c.length_buckets, "5,4", 4);
	assert_false(series_bounds_parse(&b, &c, &key));
	assert_string_equal(key, "length-buckets");
}

static void count_one(void *arg, const struct series_entry *e)
{
	(*(unsigned *)arg)++;
}

static unsigned walk(const union series_page *pages, uint32_t n, unsigned most)
{
	struct series_walk at = {.list = 0};
	unsigned seen = 0, calls = 0;

	while (series_walk(&at, pages, n, most, count_one, &seen))
		assert_true(++calls < 1000);
	return seen;
}

static void lists_are_walked_in_pieces(void **state)
{
	static union series_page pages[PAGES];

	assert_int_equal(walk(pages, 0, 5), 0);
	assert_int_equal(walk(pages, PAGES, 5), 0); /* nobody has begun them */
	pages[0].head.magic = SERIES_MAGIC;
	atomic_store(&pages[0].head.first, 2);
	atomic_store(&pages[2].list.next, 5);
	for (unsigned i = 0; i < SERIES_PER_LIST; i++) {
		atomic_store(&pages[2].list.entry[i].key, series_key(i + 1, 1, 200));
		if (i < 3)
			atomic_store(&pages[5].list.entry[i].key, series_key(i + 1, 1, 404));
	}
	assert_int_equal(walk(pages, PAGES, 1), SERIES_PER_LIST + 3);
	assert_int_equal(walk(pages, PAGES, 7), SERIES_PER_LIST + 3);
	assert_int_equal(walk(pages, PAGES, 1000), SERIES_PER_LIST + 3);
}

static void a_ring_or_a_page_outside_ends_the_walk(void **state)
{
	static union series_page pages[PAGES];

	pages[0].head.magic = SERIES_MAGIC;
	atomic_store(&pages[0].head.first, 2);
	atomic_store(&pages[2].list.next, 2);
	atomic_store(&pages[2].list.entry[0].key, 1);
	assert_int_equal(walk(pages, PAGES, 10), PAGES);
	atomic_store(&pages[2].list.next, PAGES);
	assert_int_equal(walk(pages, PAGES, 10), 1);
	atomic_store(&pages[2].list.next, UINT32_MAX);
	assert_int_equal(walk(pages, PAGES, 10), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(bounds_as_people_write_them),
	    cmocka_unit_test(bad_bounds_are_refused),
	    cmocka_unit_test(a_bad_key_is_named),
	    cmocka_unit_test(lists_are_walked_in_pieces),
	    cmocka_unit_test(a_ring_or_a_page_outside_ends_the_walk),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
