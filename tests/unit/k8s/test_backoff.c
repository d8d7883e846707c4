/* backoff: doubling within its bounds, jitter, Retry-After, and forgetting. */
#include "k8s_test.h"

#include "k8s/watch/backoff.h"

static void test_grows(void **state)
{
	struct backoff b;
	uint32_t step = BACKOFF_FIRST_MS;
	uint64_t now = 1000;

	backoff_init(&b, 42);
	for (int i = 0; i < 20; i++) {
		uint32_t wait = backoff_next(&b, now, 0);

		assert_true(wait >= step / 2 && wait <= step);
		now += wait;
		step = step * 2 > BACKOFF_MAX_MS ? BACKOFF_MAX_MS : step * 2;
	}
	backoff_reset(&b);
	assert_true(backoff_next(&b, now, 0) <= BACKOFF_FIRST_MS);
}

static void test_forgets(void **state)
{
	struct backoff b;
	uint64_t now = 1000;

	backoff_init(&b, 7);
	for (int i = 0; i < 10; i++)
		now += backoff_next(&b, now, 0);
	assert_true(backoff_next(&b, now + BACKOFF_QUIET_MS + 1, 0) <= BACKOFF_FIRST_MS);
}

/* A lower bound, never shortened, whatever the seed. */
static void test_retry_after(void **state)
{
	for (uint64_t seed = 0; seed < 100; seed++) {
		struct backoff b;
		uint32_t wait;

		backoff_init(&b, seed);
		wait = backoff_next(&b, 0, 60000);
		assert_true(wait > 60000 && wait <= 67000);
	}
}

/* A thousand controllers do not come back in step. */
static void test_spreads(void **state)
{
	bool seen[BACKOFF_FIRST_MS + 1] = {false};
	unsigned distinct = 0;

	for (uint64_t seed = 0; seed < 1000; seed++) {
		struct backoff b;
		uint32_t wait;

		backoff_init(&b, seed * 2654435761u);
		wait = backoff_next(&b, 0, 0);
		distinct += !seen[wait];
		seen[wait] = true;
	}
	assert_true(distinct > 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_grows),
	    cmocka_unit_test(test_forgets),
	    cmocka_unit_test(test_retry_after),
	    cmocka_unit_test(test_spreads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
