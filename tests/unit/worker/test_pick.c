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
	cluster.id = 77;
	cluster.generation++;
}

static unsigned pick(struct picker *p, const struct addr *tried, unsigned n)
{
	struct addr got;

	return pick_endpoint(p, &cluster, tried, n, &got) ? got.port : 0;
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

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(equal_weights_take_turns),
	    cmocka_unit_test(weights_are_exact_and_smooth),
	    cmocka_unit_test(workers_start_at_random),
	    cmocka_unit_test(states_are_respected),
	    cmocka_unit_test(tried_ones_are_passed_over),
	    cmocka_unit_test(endpoints_come_and_go),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
