/* limits of a client: rates that several processes share, and requests under way. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/limit/limit_count.h"
#include "common/limit/limit_rate.h"

#define KEY    0x123456789abcdef0ull
#define SECOND 1000000u

static struct limit_rates *rates;

static int set_up(void **state)
{
	char instance[32];
	int fd;

	(void)snprintf(instance, sizeof(instance), "test-limit.%d", (int)getpid());
	fd = limit_rates_create(instance);
	assert_int_not_equal(fd, -1);
	rates = limit_rates_map(fd);
	assert_non_null(rates);
	limit_rates_unlink(instance);
	close(fd);
	return 0;
}

static int tear_down(void **state)
{
	limit_rates_unmap(rates);
	return 0;
}

static unsigned passes(uint64_t key, const struct limit_rate *r, uint64_t now, unsigned tries)
{
	unsigned n = 0;

	for (unsigned i = 0; i < tries; i++)
		n += limit_rate_check(rates, key, r, now, true) == LIMIT_PASS;
	return n;
}

static void the_burst_and_one_pass_at_once(void **state)
{
	const struct limit_rate r = {.interval_us = SECOND, .burst = 5};
	uint64_t now = 77 * SECOND;

	assert_int_equal(passes(KEY, &r, now, 20), 6);
	assert_int_equal(passes(KEY, &r, now + SECOND - 1, 20), 0);
	assert_int_equal(passes(KEY, &r, now + SECOND, 20), 1);
	assert_int_equal(passes(KEY, &r, now + 4 * SECOND, 20), 3);
	assert_int_equal(passes(KEY, &r, now + 1000 * (uint64_t)SECOND, 20), 6);
}

static void no_burst_is_one_by_one(void **state)
{
	const struct limit_rate r = {.interval_us = 1000, .burst = 0};

	assert_int_equal(passes(KEY, &r, 5000, 9), 1);
	assert_int_equal(passes(KEY, &r, 5999, 9), 0);
	assert_int_equal(passes(KEY, &r, 6000, 9), 1);
}

static void asking_takes_nothing(void **state)
{
	const struct limit_rate r = {.interval_us = SECOND, .burst = 0};

	for (unsigned i = 0; i < 5; i++)
		assert_int_equal(limit_rate_check(rates, KEY, &r, 1, false), LIMIT_PASS);
	assert_int_equal(limit_rate_check(rates, KEY, &r, 1, true), LIMIT_PASS);
	assert_int_equal(limit_rate_check(rates, KEY, &r, 1, false), LIMIT_OVER);
}

static void keys_of_one_line_are_apart(void **state)
{
	const struct limit_rate r = {.interval_us = SECOND, .burst = 1};
	uint64_t line = KEY & (LIMIT_RATE_LINES - 1);

	for (uint64_t k = 1; k <= LIMIT_RATE_CELLS; k++)
		assert_int_equal(passes(line | k << 45, &r, SECOND, 5), 2);
	for (uint64_t k = 1; k <= LIMIT_RATE_CELLS; k++)
		assert_int_equal(passes(line | k << 45, &r, SECOND, 5), 0);
}

static void a_full_line_forgets_who_is_free_soonest(void **state)
{
	const struct limit_rate r = {.interval_us = SECOND, .burst = 9};
	uint64_t line = KEY & (LIMIT_RATE_LINES - 1);

	for (uint64_t k = 1; k <= LIMIT_RATE_CELLS; k++)
		assert_int_equal(passes(line | k << 45, &r, SECOND, k == 3 ? 1 : 4),
				 k == 3 ? 1 : 4);
	assert_int_equal(limit_rate_check(rates, line | 99ull << 45, &r, SECOND, true),
			 LIMIT_PASS_EVICTED);
	assert_int_equal(passes(line | 1ull << 45, &r, SECOND, 9), 6); /* not forgotten */
	assert_int_equal(limit_rate_check(rates, line | 3ull << 45, &r, SECOND, true),
			 LIMIT_PASS_EVICTED); /* forgotten, so it has no cell */
}

static void nonsense_in_a_cell_limits_nobody(void **state)
{
	const struct limit_rate r = {.interval_us = 1000, .burst = 3};

	for (uint64_t far = 1; far < (uint64_t)1 << 43; far = far * 8 + 1) {
		struct limit_rate_line *l = &rates->line[KEY & (LIMIT_RATE_LINES - 1)];

		for (unsigned i = 0; i < LIMIT_RATE_CELLS; i++)
			l->cell[i] = 0;
		l->cell[0] = (KEY >> 44 | 1) << 44 | ((SECOND + far) & (((uint64_t)1 << 44) - 1));
		if (far > 4000)
			assert_int_equal(passes(KEY, &r, SECOND, 9), 4);
	}
}

/* Two limits of one zone: what the larger burst let in is too much for the smaller one, not
 * nonsense that would begin anew. */
static void bursts_of_one_zone_share_a_cell(void **state)
{
	const struct limit_rate large = {SECOND, 5, LIMIT_AHEAD_US};
	const struct limit_rate small = {SECOND, 0, LIMIT_AHEAD_US};

	(void)state;
	assert_int_equal(passes(KEY, &large, SECOND, 9), 6);
	assert_int_equal(passes(KEY, &small, SECOND, 9), 0);
	assert_int_equal(passes(KEY, &large, SECOND, 9), 0);
	assert_int_equal(passes(KEY, &small, 7 * (uint64_t)SECOND, 9), 1);
}

static void time_wraps(void **state)
{
	const struct limit_rate r = {.interval_us = SECOND, .burst = 2};
	uint64_t end = (uint64_t)1 << 44;

	assert_int_equal(passes(KEY, &r, end - 1, 9), 3);
	assert_int_equal(passes(KEY, &r, end + SECOND - 1, 9), 1);
	assert_int_equal(passes(KEY, &r, end + 10 * (uint64_t)SECOND, 9), 3);
}

/* Four processes, one client, one instant: together they get what one would have got. */
static void processes_share_a_rate(void **state)
{
	const struct limit_rate r = {.interval_us = 100, .burst = 999};
	_Atomic unsigned *total =
	    mmap(NULL, sizeof(*total), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int status;

	assert_ptr_not_equal(total, MAP_FAILED);
	for (unsigned p = 0; p < 4; p++) {
		if (fork() == 0) {
			atomic_fetch_add(total, passes(KEY, &r, SECOND, 2000));
			_exit(0);
		}
	}
	while (wait(&status) != -1)
		assert_int_equal(status, 0);
	assert_in_range(*total, 990, 1000); /* a race lost 16 times refuses one that might pass */
	(void)munmap((void *)(uintptr_t)total, sizeof(*total));
}

/* --- requests under way --------------------------------------------------------------------- */

static void what_enters_leaves(void **state)
{
	struct limit_counts *c = calloc(1, sizeof(*c));

	assert_non_null(c);
	for (unsigned i = 0; i < 3; i++)
		assert_true(limit_count_enter(c, KEY));
	assert_true(limit_count_enter(c, KEY + (1ull << 50)));
	assert_int_equal(limit_count_of(c, KEY), 3);
	assert_int_equal(limit_count_of(c, KEY + (1ull << 50)), 1);
	assert_int_equal(limit_count_of(c, KEY + (1ull << 51)), 0);
	for (unsigned i = 3; i-- > 0;) {
		limit_count_leave(c, KEY);
		assert_int_equal(limit_count_of(c, KEY), i);
	}
	limit_count_leave(c, KEY); /* nothing left: nothing happens */
	assert_int_equal(limit_count_of(c, KEY), 0);
	free(c);
}

static void a_full_line_counts_no_more(void **state)
{
	struct limit_counts *c = calloc(1, sizeof(*c));

	assert_non_null(c);
	for (uint64_t k = 1; k <= LIMIT_COUNT_CELLS; k++)
		assert_true(limit_count_enter(c, k << 32));
	assert_false(limit_count_enter(c, 99ull << 32));
	limit_count_leave(c, 4ull << 32);
	assert_true(limit_count_enter(c, 99ull << 32));
	limit_counts_clear(c);
	for (uint64_t k = 1; k <= 99; k++)
		assert_int_equal(limit_count_of(c, k << 32), 0);
	free(c);
}

static void a_count_does_not_overflow(void **state)
{
	struct limit_counts *c = calloc(1, sizeof(*c));

	assert_non_null(c);
	for (unsigned i = 0; i < UINT16_MAX; i++)
		assert_true(limit_count_enter(c, KEY));
	assert_false(limit_count_enter(c, KEY));
	assert_int_equal(limit_count_of(c, KEY), UINT16_MAX);
	free(c);
}

int main(void)
{
#define RATE(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)
	const struct CMUnitTest tests[] = {
	    RATE(the_burst_and_one_pass_at_once),
	    RATE(no_burst_is_one_by_one),
	    RATE(asking_takes_nothing),
	    RATE(keys_of_one_line_are_apart),
	    RATE(a_full_line_forgets_who_is_free_soonest),
	    RATE(nonsense_in_a_cell_limits_nobody),
	    RATE(bursts_of_one_zone_share_a_cell),
	    RATE(time_wraps),
	    RATE(processes_share_a_rate),
	    cmocka_unit_test(what_enters_leaves),
	    cmocka_unit_test(a_full_line_counts_no_more),
	    cmocka_unit_test(a_count_does_not_overflow),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
