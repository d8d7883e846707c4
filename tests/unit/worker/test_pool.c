/* test_pool: last in first out per key, the bound, leaving, and sweeping. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "common/check.h"
#include "worker/upstream/pool.h"

#define MOST 64

struct thing {
	struct pooled pooled;
	unsigned closed;
};

static struct thing things[MOST];

static void on_close(struct pooled *p)
{
	assert_false(p->idle);
	container_of(p, struct thing, pooled)->closed++;
}

static struct pool_key key(uint16_t port, uint32_t protocol)
{
	return (struct pool_key){.addr = {.family = 4, .port = port}, .protocol = protocol};
}

static struct pooled *thing(unsigned i, uint16_t port)
{
	things[i] = (struct thing){.pooled = {.key = key(port, 0), .close = on_close}};
	return &things[i].pooled;
}

static void the_last_one_in_is_taken_first(void **state)
{
	struct pool *pool = pool_new(10);
	struct pool_key k = key(80, 0), other = key(81, 0), tls = key(80, 1), profile = k;

	profile.profile = 1;
	for (unsigned i = 0; i < 3; i++)
		assert_true(pool_put(pool, thing(i, 80)));
	assert_null(pool_take(pool, &other));
	assert_null(pool_take(pool, &tls));
	assert_null(pool_take(pool, &profile));
	for (unsigned i = 3; i-- > 0;)
		assert_ptr_equal(pool_take(pool, &k), &things[i].pooled);
	assert_null(pool_take(pool, &k));
	assert_int_equal(pool_count(pool), 0);
	pool_free(pool);
}

static void the_one_idle_longest_makes_room(void **state)
{
	struct pool *pool = pool_new(4);

	for (unsigned i = 0; i < 6; i++)
		assert_true(pool_put(pool, thing(i, (uint16_t)(80 + i))));
	assert_int_equal(pool_count(pool), 4);
	for (unsigned i = 0; i < 6; i++)
		assert_int_equal(things[i].closed, i < 2);
	pool_free(pool);
	for (unsigned i = 0; i < 6; i++)
		assert_int_equal(things[i].closed, 1);
}

static void nothing_is_pooled_without_room(void **state)
{
	struct pool *pool = pool_new(0);

	assert_false(pool_put(pool, thing(0, 80)));
	assert_int_equal(things[0].closed, 0); /* the caller closes */
	pool_free(pool);
}

static void one_that_leaves_is_not_taken(void **state)
{
	struct pool *pool = pool_new(4);
	struct pool_key k = key(80, 0);

	(void)pool_put(pool, thing(0, 80));
	(void)pool_put(pool, thing(1, 80));
	pool_remove(pool, &things[1].pooled);
	pool_remove(pool, &things[1].pooled); /* a second time does nothing */
	assert_ptr_equal(pool_take(pool, &k), &things[0].pooled);
	assert_int_equal(things[1].closed, 0);
	pool_free(pool);
}

static bool is_even(void *arg, struct pooled *p)
{
	return p->key.addr.port % 2 == 0;
}

static void sweeping_closes_what_must_not_stay(void **state)
{
	struct pool *pool = pool_new(MOST);

	for (unsigned i = 0; i < MOST; i++)
		(void)pool_put(pool, thing(i, (uint16_t)i));
	pool_sweep(pool, is_even, NULL);
	assert_int_equal(pool_count(pool), MOST / 2);
	for (unsigned i = 0; i < MOST; i++)
		assert_int_equal(things[i].closed, i % 2);
	pool_free(pool);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_last_one_in_is_taken_first),
	    cmocka_unit_test(the_one_idle_longest_makes_room),
	    cmocka_unit_test(nothing_is_pooled_without_room),
	    cmocka_unit_test(one_that_leaves_is_not_taken),
	    cmocka_unit_test(sweeping_closes_what_must_not_stay),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
