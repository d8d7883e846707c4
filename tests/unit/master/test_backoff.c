/* backoff and watchdog, with a clock of our own. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include "master/workers/backoff.h"
#include "master/workers/watchdog.h"

static void the_first_deaths_cost_no_wait(void **state)
{
	struct backoff b = {0};

	for (unsigned i = 0; i < BACKOFF_FREE; i++)
		assert_int_equal(backoff_died(&b, 5), 0);
	assert_int_equal(backoff_died(&b, 5), BACKOFF_FIRST_MS);
	assert_int_equal(backoff_died(&b, 5), 2 * BACKOFF_FIRST_MS);
	assert_int_equal(backoff_died(&b, 5), 4 * BACKOFF_FIRST_MS);
}

static void the_wait_has_a_limit(void **state)
{
	struct backoff b = {0};
	uint64_t before = 0, wait = 0;

	for (unsigned i = 0; i < 1000; i++) {
		wait = backoff_died(&b, 0);
		assert_true(wait >= before && wait <= BACKOFF_MOST_MS);
		before = wait;
	}
	assert_int_equal(wait, BACKOFF_MOST_MS);
}

static void a_long_life_forgives(void **state)
{
	struct backoff b = {0};

	for (unsigned i = 0; i < 20; i++)
		(void)backoff_died(&b, 0);
	assert_int_equal(backoff_died(&b, BACKOFF_YOUNG_MS), 0);
	assert_int_equal(backoff_died(&b, 0), 0);
}

/* One that always uses the newest version. */
static enum watchdog_act judge(struct watchdog *d, uint64_t beat, uint64_t now, uint64_t timeout)
{
	struct watchdog_sight sight = {.beat = beat, .pin = 7, .newest = 7};

	return watchdog_judge(d, &sight, now, timeout);
}

static void an_old_version_is_not_kept_for_ever(void **state)
{
	struct watchdog_sight sight = {.pin = 7, .newest = 8};
	struct watchdog d = {0};

	watchdog_reset(&d, 1000);
	for (uint64_t now = 1000; now < 3000; now += 100) {
		sight.beat = now;
		assert_int_equal(watchdog_judge(&d, &sight, now, 2000), WATCHDOG_FINE);
	}
	sight.beat = 3000;
	assert_int_equal(watchdog_judge(&d, &sight, 3000, 2000), WATCHDOG_ABORT);
}

static void one_that_follows_a_storm_is_fine(void **state)
{
	struct watchdog d = {0};

	watchdog_reset(&d, 1000);
	for (uint64_t now = 1000; now < 60000; now += 500) {
		struct watchdog_sight sight = {.beat = now, .pin = now, .newest = now + 100};

		assert_int_equal(watchdog_judge(&d, &sight, now, 2000), WATCHDOG_FINE);
	}
}

static void one_that_uses_nothing_keeps_nothing(void **state)
{
	struct watchdog d = {0};

	watchdog_reset(&d, 1000);
	for (uint64_t now = 1000; now < 60000; now += 500) {
		struct watchdog_sight sight = {.beat = now, .pin = UINT64_MAX, .newest = 5};

		assert_int_equal(watchdog_judge(&d, &sight, now, 2000), WATCHDOG_FINE);
	}
}

static void a_beating_worker_is_fine(void **state)
{
	struct watchdog d = {0};

	watchdog_reset(&d, 1000);
	for (uint64_t now = 1000; now < 100000; now += 500)
		assert_int_equal(judge(&d, now, now, 2000), WATCHDOG_FINE);
}

static void the_value_of_a_beat_proves_nothing(void **state)
{
	struct watchdog d = {0};

	watchdog_reset(&d, 1000);
	assert_int_equal(judge(&d, UINT64_MAX, 1500, 2000), WATCHDOG_FINE);
	assert_int_equal(judge(&d, UINT64_MAX, 3499, 2000), WATCHDOG_FINE);
	assert_int_equal(judge(&d, UINT64_MAX, 3500, 2000), WATCHDOG_ABORT);
}

static void a_silent_one_is_aborted_once_then_killed(void **state)
{
	struct watchdog d = {0};

	watchdog_reset(&d, 1000);
	assert_int_equal(judge(&d, 0, 2999, 2000), WATCHDOG_FINE);
	assert_int_equal(judge(&d, 0, 3000, 2000), WATCHDOG_ABORT);
	assert_int_equal(judge(&d, 0, 3001, 2000), WATCHDOG_FINE);
	/* Dumping core it beats no more; should it beat, it is still condemned. */
	assert_int_equal(judge(&d, 7, 3000 + WATCHDOG_KILL_MS, 2000), WATCHDOG_KILL);
}

static void a_pause_of_the_master_is_forgiven(void **state)
{
	struct watchdog d = {0};

	watchdog_reset(&d, 1000);
	assert_int_equal(judge(&d, 5, 1500, 2000), WATCHDOG_FINE);
	watchdog_reset(&d, 60000);
	assert_int_equal(judge(&d, 5, 60500, 2000), WATCHDOG_FINE);
	assert_int_equal(judge(&d, 5, 62000, 2000), WATCHDOG_ABORT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_first_deaths_cost_no_wait),
	    cmocka_unit_test(the_wait_has_a_limit),
	    cmocka_unit_test(a_long_life_forgives),
	    cmocka_unit_test(an_old_version_is_not_kept_for_ever),
	    cmocka_unit_test(one_that_follows_a_storm_is_fine),
	    cmocka_unit_test(one_that_uses_nothing_keeps_nothing),
	    cmocka_unit_test(a_beating_worker_is_fine),
	    cmocka_unit_test(the_value_of_a_beat_proves_nothing),
	    cmocka_unit_test(a_silent_one_is_aborted_once_then_killed),
	    cmocka_unit_test(a_pause_of_the_master_is_forgiven),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
