/* test_pick: even and smooth spread, states, tried endpoints, random starts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "worker/upstream/pick.h"

#define MOST 8

static struct table_endpoint endpoints[MOST];
static struct cluster_view cluster;
static struct cluster_opts opts;
static uint64_t now_ms = 1000000;
static struct eject *eject;

/* n endpoints on ports 1..n with these weights. */
static void use(uint32_t n, const uint16_t *weights)
{
	memset(endpoints, 0, sizeof(endpoints));
	for (uint32_t i = 0; i < n; i++) {
		endpoints[i].addr = (struct addr){.family = 4, .port = (uint16_t)(i + 1)};
		endpoints[i].weight = weights == NULL ? 1 : weights[i];
	}
	cluster.endpoints = endpoints;
	cluster.n_endpoints = n;
	cluster.opts = &opts;
	cluster.id = 77;
	cluster.generation++;
}

static unsigned pick(struct picker *p, const struct addr *tried, unsigned n)
{
	struct addr got;

	struct pick_ask ask = {.tried = tried, .n_tried = n, .now_ms = now_ms, .eject = eject};

	return pick_endpoint(p, &cluster, &ask, &got) ? got.port : 0;
}

static void equal_weights_take_turns(void **state)
{
	struct picker *p = picker_new(1);
	unsigned last;

	use(5, NULL);
	last = pick(p, NULL, 0);
	for (int i = 0; i < 100; i++) {
		unsigned next = pick(p, NULL, 0);

		assert_int_equal(next, last % 5 + 1);
		last = next;
	}
	picker_free(p);
}

static void weights_are_exact_and_smooth(void **state)
{
	static const uint16_t weights[] = {5, 1, 1};
	struct picker *p = picker_new(2);
	unsigned count[4] = {0}, run = 0, last = 0;

	use(3, weights);
	for (int i = 0; i < 700; i++) {
		unsigned got = pick(p, NULL, 0);

		count[got]++;
		run = got == last ? run + 1 : 1;
		last = got;
		assert_in_range(run, 1, 6); /* never all of a weight in one go but across a seam */
	}
	assert_in_range(count[1], 499, 501);
	assert_in_range(count[2], 99, 101);
	assert_in_range(count[3], 99, 101);
	picker_free(p);
}

static void workers_start_at_random(void **state)
{
	unsigned first[MOST + 1] = {0};

	use(4, NULL);
	for (uint64_t seed = 1; seed <= 400; seed++) {
		struct picker *p = picker_new(seed * 0x9e3779b97f4a7c15ull);

		first[pick(p, NULL, 0)]++;
		picker_free(p);
	}
	for (int i = 1; i <= 4; i++)
		assert_in_range(first[i], 50, 150);
}

static void states_are_respected(void **state)
{
	struct picker *p = picker_new(3);

	use(3, NULL);
	endpoints[0].state = ENDPOINT_DOWN;
	endpoints[2].state = ENDPOINT_TERMINATING;
	for (int i = 0; i < 10; i++)
		assert_int_equal(pick(p, NULL, 0), 2);
	endpoints[1].state = ENDPOINT_DOWN;
	cluster.generation++;
	for (int i = 0; i < 10; i++)
		assert_int_equal(pick(p, NULL, 0), 3);
	endpoints[2].state = ENDPOINT_DOWN;
	cluster.generation++;
	assert_int_not_equal(pick(p, NULL, 0), 0); /* better a doubtful one than none */
	picker_free(p);
}

static void tried_ones_are_passed_over(void **state)
{
	static const uint16_t weights[] = {9, 1, 1};
	struct picker *p = picker_new(4);
	struct addr tried[3];

	for (int weighted = 0; weighted < 2; weighted++) {
		use(3, weighted ? weights : NULL);
		tried[0] = endpoints[0].addr;
		for (int i = 0; i < 20; i++)
			assert_int_not_equal(pick(p, tried, 1), 1);
		tried[1] = endpoints[2].addr;
		for (int i = 0; i < 20; i++)
			assert_int_equal(pick(p, tried, 2), 2);
		tried[2] = endpoints[1].addr;
		assert_int_not_equal(pick(p, tried, 3), 0); /* all tried: once more round */
	}
	picker_free(p);
}

static void endpoints_come_and_go(void **state)
{
	struct picker *p = picker_new(5);
	unsigned seen = 0;

	use(0, NULL);
	assert_int_equal(pick(p, NULL, 0), 0);
	use(2, NULL);
	(void)pick(p, NULL, 0);
	use(6, NULL);
	for (int i = 0; i < 6; i++)
		seen |= 1u << pick(p, NULL, 0);
	assert_int_equal(seen, 0x7e);
	use(1, NULL);
	assert_int_equal(pick(p, NULL, 0), 1);
	picker_free(p);
}

/* A tenth at first, then more, at the end as much as everybody; weights are reckoned in steps. */
static void slow_start_grows(void **state)
{
	struct picker *p = picker_new(6);
	unsigned last = 0;

	use(4, NULL);
	opts.slow_start_ms = 60000;
	endpoints[3].since = (uint32_t)(now_ms / TABLE_SINCE_MS);
	for (unsigned i = 0; i <= 10; i++) {
		unsigned got = 0;

		for (int n = 0; n < 4000; n++)
			got += pick(p, NULL, 0) == 4;
		assert_true(got + 2 >= last);
		/* of 4000, with i tenths of a weight beside three whole ones */
		assert_in_range(got, 4000 * (i < 1 ? 1 : i) / (30 + i) * 8 / 10,
				4000 * (i + 2) / (30 + i + 2) * 11 / 10);
		last = got;
		now_ms += 6000;
	}
	assert_in_range(last, 999, 1001);
	opts.slow_start_ms = 0;
	picker_free(p);
}

/* When all begin together nobody is slower than the others; a clock behind the master's is no
 * matter. */
static void slow_start_of_all(void **state)
{
	struct picker *p = picker_new(7);
	unsigned count[4] = {0};

	use(3, NULL);
	opts.slow_start_ms = 10000;
	for (int i = 0; i < 3; i++)
		endpoints[i].since = (uint32_t)(now_ms / TABLE_SINCE_MS) + 5;
	for (int i = 0; i < 300; i++)
		count[pick(p, NULL, 0)]++;
	for (int i = 1; i <= 3; i++)
		assert_in_range(count[i], 99, 101);
	opts.slow_start_ms = 0;
	picker_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(slow_start_grows),
	    cmocka_unit_test(slow_start_of_all),
	    cmocka_unit_test(equal_weights_take_turns),
	    cmocka_unit_test(weights_are_exact_and_smooth),
	    cmocka_unit_test(workers_start_at_random),
	    cmocka_unit_test(states_are_respected),
	    cmocka_unit_test(tried_ones_are_passed_over),
	    cmocka_unit_test(endpoints_come_and_go),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
