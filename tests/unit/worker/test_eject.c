/* test_eject: failures in a row, growing times, the share, forgiving, and that nobody is ever left
 * without an endpoint. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/check.h"
#include "common/loop/timer.h"
#include "worker/upstream/eject.h"
#include "worker/upstream/pick.h"

#define MOST 40

static struct table_endpoint endpoints[MOST];
static struct cluster_opts opts;
static struct cluster_view cluster;
static struct slot slot;
static struct ev *ev;
static struct eject *e;

static void use(uint32_t n)
{
	memset(endpoints, 0, sizeof(endpoints));
	for (uint32_t i = 0; i < n; i++) {
		endpoints[i].addr = (struct addr){.family = 4, .port = (uint16_t)(i + 1)};
		endpoints[i].weight = 1;
	}
	cluster = (struct cluster_view){.id = 7,
					.generation = cluster.generation + 1,
					.endpoints = endpoints,
					.n_endpoints = n,
					.opts = &opts};
	opts = (struct cluster_opts){
	    .eject_after = 3, .eject_ms = 100, .eject_max_ms = 300, .eject_share = 50};
}

static int setup(void **state)
{
	memset(&slot, 0, sizeof(slot));
	ev = ev_new(EV_BACKEND_POLL);
	e = eject_new(ev, &slot);
	return ev == NULL || e == NULL ? -1 : 0;
}

static int teardown(void **state)
{
	eject_free(e);
	assert_int_equal(slot.stats[STAT_EJECTED], 0);
	ev_free(ev);
	return 0;
}

static void broken(unsigned endpoint, unsigned times)
{
	while (times-- > 0)
		eject_failed(e, &cluster, &endpoints[endpoint].addr);
}

static bool is_out(unsigned endpoint)
{
	return eject_is_out(e, cluster.id, &endpoints[endpoint].addr);
}

/* Turns of the loop until so much of its time has passed. */
static void pass(uint64_t ms)
{
	uint64_t until = ev_now_ms(ev) + ms;

	while (ev_now_ms(ev) < until)
		ev_turn(ev, 5);
}

/* For how long it is out, by the loop's clock, which stands between two turns; then wait for it. */
static uint64_t time_out(unsigned endpoint)
{
	uint64_t ms = eject_until_ms(e, cluster.id, &endpoints[endpoint].addr) - ev_now_ms(ev);

	while (is_out(endpoint))
		ev_turn(ev, -1);
	return ms;
}

static void only_failures_in_a_row(void **state)
{
	use(3);
	broken(0, 2);
	eject_succeeded(e, cluster.id, &endpoints[0].addr);
	broken(0, 2);
	assert_false(is_out(0));
	broken(0, 1);
	assert_true(is_out(0));
	assert_false(is_out(1));
	assert_false(eject_is_out(e, cluster.id + 1, &endpoints[0].addr));
	assert_int_equal(slot.stats[STAT_EJECTIONS], 1);
	assert_int_equal(slot.stats[STAT_EJECTED], 1);
	opts.eject_after = 0; /* switched off */
	broken(1, 100);
	assert_false(is_out(1));
}

static void times_grow_and_are_forgiven(void **state)
{
	use(3);
	broken(0, 3);
	assert_int_equal(time_out(0), 100);
	broken(0, 3);
	assert_int_equal(time_out(0), 200);
	broken(0, 3);
	assert_int_equal(time_out(0), 300); /* no more than that */
	broken(0, 3);
	assert_int_equal(time_out(0), 300);
	pass(400); /* as long as it was out, or longer */
	eject_succeeded(e, cluster.id, &endpoints[0].addr);
	broken(0, 3);
	assert_int_equal(time_out(0), 100);
	/* A success too early is not enough. */
	eject_succeeded(e, cluster.id, &endpoints[0].addr);
	broken(0, 3);
	assert_int_equal(time_out(0), 200);
}

static unsigned count_out(void)
{
	unsigned n = 0;

	for (uint32_t i = 0; i < cluster.n_endpoints; i++)
		n += is_out(i);
	return n;
}

static void at_most_a_share(void **state)
{
	static const struct {
		uint32_t n;
		uint8_t share;
		unsigned out;
	} rows[] = {{10, 50, 5}, {10, 25, 2}, {10, 100, 9}, {10, 5, 1},
		    {2, 50, 1},  {2, 100, 1}, {1, 100, 0},  {3, 50, 1}};

	for (unsigned i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		use(rows[i].n);
		cluster.id = 100 + i;
		opts.eject_share = rows[i].share;
		opts.eject_ms = opts.eject_max_ms = 60000;
		for (unsigned k = 0; k < rows[i].n; k++)
			broken(k, 5);
		assert_int_equal(count_out(), rows[i].out);
	}
}

/* The share is of those that would be picked: who is down does not count. */
static void the_share_is_of_the_best(void **state)
{
	use(4);
	endpoints[0].state = endpoints[1].state = ENDPOINT_DOWN;
	opts.eject_share = 100;
	broken(2, 3);
	broken(3, 3);
	assert_int_equal(count_out(), 1);
}

static unsigned pick(struct picker *p, const struct addr *tried, unsigned n)
{
	struct pick_ask ask = {.tried = tried, .n_tried = n, .now_ms = 1, .eject = e};
	struct addr got;

	return pick_endpoint(p, &cluster, &ask, &got) ? got.port : 0;
}

static void who_is_out_is_not_picked(void **state)
{
	struct picker *p = picker_new(5);
	struct addr tried;

	use(3);
	broken(1, 3);
	for (int i = 0; i < 20; i++)
		assert_int_not_equal(pick(p, NULL, 0), 2);
	/* Only the one that is out is left: rather it than the one that just failed. */
	use(2);
	tried = endpoints[0].addr;
	assert_int_equal(pick(p, &tried, 1), 2);
	/* And rather it than none. */
	use(2);
	endpoints[0].state = ENDPOINT_DOWN;
	assert_int_equal(pick(p, NULL, 0), 2);
	picker_free(p);
}

/* More endpoints fail than there is room for: the oldest are forgotten, nothing breaks. */
static void far_too_many(void **state)
{
	struct addr a = {.family = 6};

	use(2);
	for (uint32_t i = 0; i < 20000; i++) {
		memcpy(a.ip, &i, sizeof(i));
		eject_failed(e, &cluster, &a);
	}
	broken(0, 3);
	assert_true(is_out(0));
	assert_int_equal(slot.stats[STAT_EJECTED], 1);
}

static void outcomes(void **state)
{
	assert_int_equal(eject_outcome(REASON_NONE, 200, false), EJECT_SUCCESS);
	assert_int_equal(eject_outcome(REASON_NONE, 404, false), EJECT_SUCCESS);
	assert_int_equal(eject_outcome(REASON_NONE, 503, false), EJECT_5XX);
	assert_int_equal(eject_outcome(REASON_UP_STATUS, 500, false), EJECT_5XX);
	assert_int_equal(eject_outcome(REASON_CONNECT_FAILED, 0, false), EJECT_FAILURE);
	assert_int_equal(eject_outcome(REASON_UP_READ_TIMEOUT, 0, false), EJECT_FAILURE);
	assert_int_equal(eject_outcome(REASON_UP_RESET, 0, false), EJECT_FAILURE);
	assert_int_equal(eject_outcome(REASON_UP_RESET, 0, true), EJECT_NEITHER);
	assert_int_equal(eject_outcome(REASON_CLIENT_GONE, 0, false), EJECT_NEITHER);
	assert_int_equal(eject_outcome(REASON_NO_DESCRIPTOR, 0, false), EJECT_NEITHER);
	assert_int_equal(eject_outcome(REASON_NONE, 0, false), EJECT_NEITHER);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(only_failures_in_a_row),   TEST(times_grow_and_are_forgiven),
	    TEST(at_most_a_share),          TEST(the_share_is_of_the_best),
	    TEST(who_is_out_is_not_picked), TEST(far_too_many),
	    cmocka_unit_test(outcomes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
