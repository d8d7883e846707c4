/* recent: found by number, bounded, and the one not used for longest goes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>

#include "common/check.h"
#include "common/mem/recent.h"

struct thing {
	struct recent recent;
	uint64_t twice;
};

static unsigned freed;
static uint64_t last_freed;

static void free_thing(struct recent *r)
{
	struct thing *t = container_of(r, struct thing, recent);

	assert_int_equal(t->twice, r->number * 2);
	freed++;
	last_freed = r->number;
	free(t);
}

static void add(struct recents *s, uint64_t number)
{
	struct thing *t = calloc(1, sizeof(*t));

	assert_non_null(t);
	t->recent.number = number;
	t->twice = number * 2;
	recents_add(s, &t->recent);
}

static void test_found_by_number(void **state)
{
	struct recents s;

	recents_init(&s, 100, free_thing);
	assert_null(recents_find(&s, 0));
	for (uint64_t i = 0; i < 100; i++)
		add(&s, i * i);
	for (uint64_t i = 0; i < 100; i++) {
		struct recent *r = recents_find(&s, i * i);

		assert_non_null(r);
		assert_int_equal(r->number, i * i);
	}
	assert_null(recents_find(&s, 2));
	freed = 0;
	recents_clear(&s);
	assert_int_equal(freed, 100);
	assert_int_equal(s.n, 0);
	assert_null(recents_find(&s, 0));
	add(&s, 7);
	assert_non_null(recents_find(&s, 7));
	recents_clear(&s);
}

static void test_the_one_not_used_for_longest_goes(void **state)
{
	struct recents s;

	recents_init(&s, 3, free_thing);
	freed = 0;
	for (uint64_t i = 1; i <= 3; i++)
		add(&s, i);
	assert_int_equal(freed, 0);
	assert_non_null(recents_find(&s, 1)); /* now 2 is the oldest */
	add(&s, 4);
	assert_int_equal(freed, 1);
	assert_int_equal(last_freed, 2);
	assert_non_null(recents_find(&s, 3));
	add(&s, 5);
	assert_int_equal(last_freed, 1);
	assert_int_equal(s.n, 3);
	recents_clear(&s);
	assert_int_equal(freed, 5);
}

static void test_bounded_by_one(void **state)
{
	struct recents s;

	recents_init(&s, 1, free_thing);
	freed = 0;
	for (uint64_t i = 0; i < 10; i++) {
		add(&s, i);
		assert_int_equal(s.n, 1);
		assert_non_null(recents_find(&s, i));
	}
	assert_int_equal(freed, 9);
	recents_clear(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_found_by_number),
	    cmocka_unit_test(test_the_one_not_used_for_longest_goes),
	    cmocka_unit_test(test_bounded_by_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
