/* When a transaction goes live: at once, together with others, or not at all. */
#include "table_fixture.h"

#include <errno.h>

#include "master/table/publish.h"

#define QUIET_MS 20

struct seen {
	unsigned calls;
	uint64_t version;
	int err;
};

struct publishing {
	struct fixture f;
	struct ev *ev;
	struct publisher *p;
	struct seen seen;
};

static void on_publish(void *arg, uint64_t version, int err)
{
	struct seen *s = arg;

	s->calls++;
	s->version = version;
	s->err = err;
}

static void open_publishing(struct publishing *b, size_t max_bytes)
{
	*b = (struct publishing){.p = NULL};
	fixture_open(&b->f, max_bytes);
	b->ev = ev_new(EV_BACKEND_POLL);
	assert_non_null(b->ev);
	b->p = publisher_new(b->f.w, b->ev, QUIET_MS, on_publish, &b->seen);
	assert_non_null(b->p);
}

static void close_publishing(struct publishing *b)
{
	publisher_free(b->p);
	ev_free(b->ev);
	fixture_close(&b->f);
}

static void put(struct publishing *b, const char *host, uint64_t cluster)
{
	assert_int_equal(fixture_put_simple(&b->f, host, cluster), 0);
	publisher_changed(b->p);
}

static void a_single_change_is_live_at_once(void **state)
{
	struct publishing b;

	open_publishing(&b, 1 << 20);
	put(&b, "a", 1);
	assert_int_equal(b.seen.calls, 1);
	assert_int_equal(b.seen.version, 1);
	assert_int_equal(table_newest(b.f.t), 1);
	close_publishing(&b);
}

static void a_storm_is_one_version(void **state)
{
	struct publishing b;
	uint64_t from;

	open_publishing(&b, 1 << 20);
	put(&b, "a", 1);
	from = ev_now_ms(b.ev);
	for (unsigned i = 0; i < 100; i++)
		put(&b, "a", i + 2);
	assert_int_equal(b.seen.calls, 1);
	while (b.seen.calls == 1)
		(void)ev_turn(b.ev, -1);
	assert_true(ev_now_ms(b.ev) >= from + QUIET_MS);
	assert_int_equal(b.seen.calls, 2);
	assert_int_equal(b.seen.version, 2);
	(void)table_adopt(b.f.t);
	assert_int_equal(fixture_route(&b.f, "a", "/").cluster, 101);
	close_publishing(&b);
}

static void flush_does_not_wait(void **state)
{
	struct publishing b;

	open_publishing(&b, 1 << 20);
	put(&b, "a", 1);
	put(&b, "a", 2);
	assert_int_equal(b.seen.version, 1);
	publisher_flush(b.p);
	assert_int_equal(b.seen.version, 2);
	publisher_flush(b.p); /* nothing changed: the version that is live */
	assert_int_equal(b.seen.version, 2);
	close_publishing(&b);
}

static void a_failed_put_is_told_and_forgotten(void **state)
{
	struct publishing b;
	char host[32];
	unsigned i = 0;

	open_publishing(&b, 64 << 10);
	put(&b, "a", 1);
	do {
		(void)snprintf(host, sizeof(host), "h%u", i++);
	} while (fixture_put_simple(&b.f, host, 1) == 0);
	publisher_failed(b.p, errno);
	assert_int_equal(b.seen.version, 0);
	assert_int_equal(b.seen.err, ENOSPC);
	put(&b, "a", 2);
	publisher_flush(b.p);
	assert_int_equal(b.seen.version, 2);
	(void)table_adopt(b.f.t);
	assert_int_equal(fixture_route(&b.f, "a", "/").cluster, 2);
	assert_int_equal(fixture_route(&b.f, "h0", "/").kind, ROUTE_NOT_FOUND);
	close_publishing(&b);
}

static void what_readers_left_is_reclaimed_in_time(void **state)
{
	struct publishing b;
	struct table_info i;

	open_publishing(&b, 1 << 20);
	put(&b, "a", 1);
	(void)table_adopt(b.f.t);
	put(&b, "a", 2);
	publisher_flush(b.p);
	table_writer_info(b.f.w, &i);
	assert_true(i.bytes_retired > 0);
	(void)table_adopt(b.f.t); /* now nobody needs it, and no publication will come */
	do {
		(void)ev_turn(b.ev, -1);
		table_writer_info(b.f.w, &i);
	} while (i.bytes_retired > 0);
	close_publishing(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_single_change_is_live_at_once),
	    cmocka_unit_test(a_storm_is_one_version),
	    cmocka_unit_test(flush_does_not_wait),
	    cmocka_unit_test(a_failed_put_is_told_and_forgotten),
	    cmocka_unit_test(what_readers_left_is_reclaimed_in_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
