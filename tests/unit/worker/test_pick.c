/* test_pick: even and smooth spread, states, tried endpoints, random starts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "common/table/cluster_kind.h"
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

/* --- by key ------------------------------------------------------------------------------------
 */

static unsigned pick_key(struct picker *p, unsigned key, uint32_t subset, const struct addr *tried,
			 unsigned n)
{
	struct pick_ask ask = {.tried = tried,
			       .n_tried = n,
			       .now_ms = now_ms,
			       .key = str_make((const char *)&key, sizeof(key)),
			       .subset = subset};
	struct addr got;

	return pick_endpoint(p, &cluster, &ask, &got) ? got.port : 0;
}

#define KEYS 20000

static void keys_are_spread_and_stay(void **state)
{
	struct picker *p = picker_new(8), *other = picker_new(9);
	unsigned count[MOST + 1] = {0};

	use(8, NULL);
	for (unsigned k = 0; k < KEYS; k++) {
		unsigned got = pick_key(p, k, 0, NULL, 0);

		assert_int_equal(pick_key(other, k, 1, NULL, 0), got); /* another worker */
		count[got]++;
	}
	for (int i = 1; i <= 8; i++)
		assert_in_range(count[i], KEYS / 8 * 9 / 10, KEYS / 8 * 11 / 10);
	picker_free(p);
	picker_free(other);
}

/* When an endpoint goes only its own keys move, and evenly; when it is back they all return. */
static void keys_move_no_more_than_they_must(void **state)
{
	static uint8_t before[KEYS];
	struct picker *p = picker_new(10);
	unsigned moved[MOST + 1] = {0}, of_gone = 0;

	use(8, NULL);
	for (unsigned k = 0; k < KEYS; k++)
		before[k] = (uint8_t)pick_key(p, k, 0, NULL, 0);
	endpoints[2].state = ENDPOINT_DOWN;
	cluster.generation++;
	for (unsigned k = 0; k < KEYS; k++) {
		unsigned got = pick_key(p, k, 0, NULL, 0);

		if (before[k] == 3) {
			of_gone++;
			moved[got]++;
		} else {
			assert_int_equal(got, before[k]);
		}
	}
	assert_int_equal(moved[3], 0);
	for (int i = 1; i <= 8; i++)
		if (i != 3)
			assert_in_range(moved[i], of_gone / 7 * 7 / 10, of_gone / 7 * 13 / 10);
	endpoints[2].state = ENDPOINT_READY;
	cluster.generation++;
	for (unsigned k = 0; k < KEYS; k++)
		assert_int_equal(pick_key(p, k, 0, NULL, 0), before[k]);
	picker_free(p);
}

static void the_next_best_is_the_same_for_all(void **state)
{
	struct picker *p = picker_new(11);
	struct addr tried[2];

	use(4, NULL);
	for (unsigned k = 0; k < 100; k++) {
		unsigned first = pick_key(p, k, 0, NULL, 0), second;

		tried[0] = endpoints[first - 1].addr;
		second = pick_key(p, k, 0, tried, 1);
		assert_int_not_equal(second, first);
		/* ... and it is who has the key when the first is gone. */
		endpoints[first - 1].state = ENDPOINT_DOWN;
		cluster.generation++;
		assert_int_equal(pick_key(p, k, 0, NULL, 0), second);
		endpoints[first - 1].state = ENDPOINT_READY;
		cluster.generation++;
	}
	picker_free(p);
}

static void subsets(void **state)
{
	struct picker *p = picker_new(12);
	unsigned total[MOST + 1] = {0};

	use(8, NULL);
	for (unsigned k = 0; k < 400; k++) {
		unsigned count[MOST + 1] = {0}, seen = 0;

		for (int i = 0; i < 90; i++)
			count[pick_key(p, k, 3, NULL, 0)]++;
		for (int i = 1; i <= 8; i++) {
			seen += count[i] > 0;
			total[i] += count[i] > 0;
		}
		assert_int_equal(seen, 3);
		assert_true(count[pick_key(p, k, 1, NULL, 0)] > 0); /* the best is among them */
	}
	for (int i = 1; i <= 8; i++)
		assert_in_range(total[i], 150 * 8 / 10, 150 * 12 / 10);
	/* A subset of more than there are is all of them. */
	use(2, NULL);
	for (int i = 0; i < 20; i++)
		assert_in_range(pick_key(p, 1, CLUSTER_SUBSET_MAX, NULL, 0), 1, 2);
	picker_free(p);
}

/* --- ewma --------------------------------------------------------------------------------------
 */

static void measured(struct picker *p, unsigned endpoint, uint64_t ms, bool failed)
{
	pick_measured(p, &cluster, &endpoints[endpoint].addr, ms * 1000, failed, now_ms);
}

static unsigned count_picks(struct picker *p, unsigned port, unsigned n)
{
	unsigned got = 0;

	while (n-- > 0)
		got += pick(p, NULL, 0) == port;
	return got;
}

static struct picker *use_ewma(uint32_t n, uint64_t seed)
{
	use(n, NULL);
	cluster.balance = BALANCE_EWMA;
	return picker_new(seed);
}

static void ewma_prefers_the_faster(void **state)
{
	struct picker *p = use_ewma(3, 13);

	for (unsigned i = 0; i < 3; i++)
		measured(p, i, i == 1 ? 500 : 5 + i, false);
	assert_int_equal(count_picks(p, 2, 300), 0);       /* never the better of two */
	assert_in_range(count_picks(p, 1, 300), 150, 250); /* two of three pairs have it */
	/* What was slow is forgotten: an hour later it is as good as the others. */
	now_ms += 3600000;
	measured(p, 0, 5, false);
	measured(p, 2, 5, false);
	assert_true(count_picks(p, 2, 300) > 150);
	picker_free(p);
	cluster.balance = BALANCE_ROUND_ROBIN;
}

static void ewma_peaks(void **state)
{
	struct picker *p = use_ewma(2, 14);

	for (int i = 0; i < 100; i++)
		measured(p, 0, 5, false);
	measured(p, 1, 50, false);
	measured(p, 0, 400, false); /* one slow answer counts at once */
	assert_int_equal(count_picks(p, 1, 50), 0);
	/* Refusing at once is no fast answer. */
	measured(p, 1, 0, true);
	assert_int_equal(count_picks(p, 2, 50), 0);
	picker_free(p);
	cluster.balance = BALANCE_ROUND_ROBIN;
}

/* A new endpoint is as good as the mean of the others, neither flooded nor starved; those that
 * stay keep what is known of them. */
static void ewma_of_new_ones(void **state)
{
	struct picker *p = use_ewma(3, 15);
	unsigned of_new;

	for (unsigned i = 0; i < 3; i++)
		measured(p, i, 10 + 40 * i, false); /* 10, 50, 90: the mean is 50 */
	use(4, NULL);
	cluster.balance = BALANCE_EWMA;
	of_new = count_picks(p, 4, 600);
	assert_in_range(of_new, 50, 350);
	assert_int_equal(count_picks(p, 3, 100), 0);
	assert_true(count_picks(p, 1, 600) > of_new);
	picker_free(p);
	cluster.balance = BALANCE_ROUND_ROBIN;
}

/* Round robin until now: nothing is known of the endpoints. */
static void ewma_from_now_on(void **state)
{
	struct picker *p = picker_new(17);

	use(3, NULL);
	assert_int_not_equal(pick(p, NULL, 0), 0);
	cluster.balance = BALANCE_EWMA; /* the generation is that of the endpoints */
	assert_int_not_equal(pick(p, NULL, 0), 0);
	measured(p, 0, 1000, false);
	measured(p, 1, 1, false);
	measured(p, 2, 1, false);
	assert_int_equal(count_picks(p, 1, 50), 0);
	cluster.balance = BALANCE_ROUND_ROBIN;
	assert_in_range(count_picks(p, 1, 30), 9, 11);
	picker_free(p);
}

static void ewma_avoids_tried_ones(void **state)
{
	struct picker *p = use_ewma(2, 16);
	struct addr tried[2] = {endpoints[0].addr, endpoints[1].addr};

	for (int i = 0; i < 20; i++)
		assert_int_equal(pick(p, tried, 1), 2);
	assert_int_not_equal(pick(p, tried, 2), 0);
	picker_free(p);
	cluster.balance = BALANCE_ROUND_ROBIN;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(keys_are_spread_and_stay),
	    cmocka_unit_test(keys_move_no_more_than_they_must),
	    cmocka_unit_test(the_next_best_is_the_same_for_all),
	    cmocka_unit_test(subsets),
	    cmocka_unit_test(ewma_prefers_the_faster),
	    cmocka_unit_test(ewma_peaks),
	    cmocka_unit_test(ewma_of_new_ones),
	    cmocka_unit_test(ewma_avoids_tried_ones),
	    cmocka_unit_test(ewma_from_now_on),
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
