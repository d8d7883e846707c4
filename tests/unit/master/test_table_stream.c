/* Ports of TCP and UDP services in the table: put, changed, deleted, rolled back. */
#include "table_fixture.h"

static void there_and_gone(void **state)
{
	struct model_stream m = {
	    .transport = TRANSPORT_TCP, .port = 53, .cluster = 7, .proxy_out = 2};
	struct stream_view v;
	struct fixture f;
	uint64_t version;

	fixture_open(&f, 1 << 20);
	assert_false(table_stream(f.t, TRANSPORT_TCP, 53, &v)); /* before the first version */
	assert_int_equal(table_put_stream(f.w, &m), 0);
	m.transport = TRANSPORT_UDP;
	m.cluster = 8;
	assert_int_equal(table_put_stream(f.w, &m), 0);
	version = fixture_publish(&f);
	assert_true(table_stream(f.t, TRANSPORT_TCP, 53, &v));
	assert_true(v.cluster == 7 && v.proxy_out == 2 && !v.proxy_in);
	assert_true(table_stream(f.t, TRANSPORT_UDP, 53, &v));
	assert_true(v.cluster == 8);
	assert_false(table_stream(f.t, TRANSPORT_TCP, 54, &v));
	assert_int_equal(table_put_stream(f.w, &m), 0); /* the same: no version */
	assert_true(table_publish(f.w) == version);
	m.proxy_in = true;
	assert_int_equal(table_put_stream(f.w, &m), 0);
	assert_int_equal(table_del_stream(f.w, TRANSPORT_TCP, 53), 0);
	assert_int_equal(table_del_stream(f.w, TRANSPORT_TCP, 9), 0);
	(void)fixture_publish(&f);
	assert_true(table_stream(f.t, TRANSPORT_UDP, 53, &v) && v.proxy_in);
	assert_false(table_stream(f.t, TRANSPORT_TCP, 53, &v));
	fixture_close(&f);
}

/* A server of http-snippet: no service, and what it answers is a route. */
static void a_server(void **state)
{
	struct model_stream m = {.transport = TRANSPORT_TCP, .port = 2443, .proxy_in = true};
	struct route_view route;
	struct stream_view v;
	struct policy policy;
	struct fixture f;
	uint64_t version;
	bool proxy_in;

	fixture_open(&f, 1 << 20);
	policy_defaults(&policy);
	policy.read_ms = 77;
	m.policy = &policy;
	assert_false(table_is_server(f.t, 2443, &proxy_in));
	assert_int_equal(table_put_stream(f.w, &m), 0);
	version = fixture_publish(&f);
	assert_int_equal(table_put_stream(f.w, &m), 0); /* the same: no version */
	assert_true(table_publish(f.w) == version);
	assert_false(table_stream(f.t, TRANSPORT_TCP, 2443, &v));
	assert_true(table_is_server(f.t, 2443, &proxy_in) && proxy_in);
	assert_false(table_is_server(f.t, 2444, &proxy_in));
	assert_int_equal(table_route_server(f.t, 2443, &f.arena, &route), 0);
	assert_true(route.server == route.policy && route.policy->read_ms == 77);
	policy.read_ms = 78;
	assert_int_equal(table_put_stream(f.w, &m), 0);
	(void)fixture_publish(&f);
	assert_int_equal(table_route_server(f.t, 2443, &f.arena, &route), 0);
	assert_int_equal(route.policy->read_ms, 78);
	m.policy = NULL; /* a service takes the port over */
	assert_int_equal(table_put_stream(f.w, &m), 0);
	(void)fixture_publish(&f);
	assert_true(table_stream(f.t, TRANSPORT_TCP, 2443, &v));
	assert_false(table_is_server(f.t, 2443, &proxy_in));
	assert_int_equal(table_route_server(f.t, 2443, &f.arena, &route), 0);
	assert_true(route.server == NULL && route.policy != NULL);
	fixture_close(&f);
}

static void rolled_back(void **state)
{
	struct model_stream m = {.port = 1, .cluster = 7};
	struct stream_view v;
	struct fixture f;

	fixture_open(&f, 1 << 20);
	assert_int_equal(table_put_stream(f.w, &m), 0);
	(void)fixture_publish(&f);
	assert_int_equal(table_del_stream(f.w, TRANSPORT_TCP, 1), 0);
	m.port = 2;
	assert_int_equal(table_put_stream(f.w, &m), 0);
	table_rollback(f.w);
	m.port = 3;
	assert_int_equal(table_put_stream(f.w, &m), 0);
	(void)fixture_publish(&f);
	assert_true(table_stream(f.t, TRANSPORT_TCP, 1, &v));
	assert_false(table_stream(f.t, TRANSPORT_TCP, 2, &v));
	assert_true(table_stream(f.t, TRANSPORT_TCP, 3, &v));
	fixture_close(&f);
}

static void all_ports(void **state)
{
	struct stream_view v;
	struct fixture f;

	fixture_open(&f, 64 << 20);
	for (unsigned i = 1; i <= UINT16_MAX; i++) {
		struct model_stream m = {.port = (uint16_t)i, .cluster = i};

		assert_int_equal(table_put_stream(f.w, &m), 0);
	}
	(void)fixture_publish(&f);
	for (unsigned i = 1; i <= UINT16_MAX; i++)
		assert_true(table_stream(f.t, TRANSPORT_TCP, (uint16_t)i, &v) && v.cluster == i);
	for (unsigned i = 1; i <= UINT16_MAX; i++)
		assert_int_equal(table_del_stream(f.w, TRANSPORT_TCP, (uint16_t)i), 0);
	(void)fixture_publish(&f);
	assert_false(table_stream(f.t, TRANSPORT_TCP, 1, &v));
	fixture_close(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(there_and_gone),
	    cmocka_unit_test(a_server),
	    cmocka_unit_test(rolled_back),
	    cmocka_unit_test(all_ports),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
