/* Hosts whose TLS is passed through, in the table: exact names, wildcards, who wins, rollback. */
#include "table_fixture.h"

#include <errno.h>
#include <string.h>

/* The cluster of a server name, 0: none. */
static uint64_t to(struct fixture *f, const char *sni)
{
	uint64_t cluster;

	return table_passthrough(f->t, str_from(sni), &cluster) ? cluster : 0;
}

static void names(void **state)
{
	struct fixture f;

	fixture_open(&f, 1 << 20);
	assert_false(table_passes_through(f.t)); /* before the first version */
	assert_int_equal(to(&f, "a.test"), 0);
	(void)fixture_publish(&f);
	assert_false(table_passes_through(f.t));
	assert_int_equal(table_put_passthrough(f.w, STR("A.Example.com"), 1), 0);
	assert_int_equal(table_put_passthrough(f.w, STR("*.example.com"), 2), 0);
	assert_int_equal(fixture_put_simple(&f, "own.example.com", 3), 0);
	(void)fixture_publish(&f);
	assert_true(table_passes_through(f.t));
	assert_int_equal(to(&f, "a.example.com"), 1);
	assert_int_equal(to(&f, "A.EXAMPLE.COM."), 1);
	assert_int_equal(to(&f, "b.example.com"), 2);
	assert_int_equal(to(&f, "own.example.com"), 0); /* a host of that very name ends here */
	assert_int_equal(to(&f, "c.b.example.com"), 0);
	assert_int_equal(to(&f, "example.com"), 0);
	assert_int_equal(to(&f, "*.example.com"), 0);
	assert_int_equal(to(&f, ".example.com"), 0);
	assert_int_equal(to(&f, ""), 0);
	assert_int_equal(table_put_passthrough(f.w, STR("a.example.com"), 4), 0);
	assert_int_equal(table_del_passthrough(f.w, STR("*.Example.com")), 0);
	assert_int_equal(table_del_passthrough(f.w, STR("nobody")), 0);
	(void)fixture_publish(&f);
	assert_int_equal(to(&f, "a.example.com"), 4);
	assert_int_equal(to(&f, "b.example.com"), 0);
	assert_int_equal(table_del_passthrough(f.w, STR("a.example.com")), 0);
	(void)fixture_publish(&f);
	assert_false(table_passes_through(f.t));
	fixture_close(&f);
}

static void no_names(void **state)
{
	char large[300];
	struct fixture f;

	memset(large, 'a', sizeof(large));
	fixture_open(&f, 1 << 20);
	assert_int_equal(table_put_passthrough(f.w, STR_NONE, 1), -1);
	assert_int_equal(errno, EINVAL);
	assert_int_equal(table_put_passthrough(f.w, str_make(large, sizeof(large)), 1), -1);
	assert_int_equal(errno, EINVAL);
	assert_int_equal(table_put_passthrough(f.w, STR("a.test"), 1), 0);
	(void)fixture_publish(&f);
	assert_int_equal(to(&f, "a.test"), 1);
	assert_false(table_passthrough(f.t, str_make(large, sizeof(large)), &(uint64_t){0}));
	fixture_close(&f);
}

static void rolled_back(void **state)
{
	struct fixture f;

	fixture_open(&f, 1 << 20);
	assert_int_equal(table_put_passthrough(f.w, STR("a.test"), 1), 0);
	(void)fixture_publish(&f);
	assert_int_equal(table_del_passthrough(f.w, STR("a.test")), 0);
	assert_int_equal(table_put_passthrough(f.w, STR("*.test"), 2), 0);
	table_rollback(f.w);
	assert_int_equal(table_put_passthrough(f.w, STR("c.test"), 3), 0);
	(void)fixture_publish(&f);
	assert_int_equal(to(&f, "a.test"), 1);
	assert_int_equal(to(&f, "b.test"), 0);
	assert_int_equal(to(&f, "c.test"), 3);
	fixture_close(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(names),
	    cmocka_unit_test(no_names),
	    cmocka_unit_test(rolled_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
