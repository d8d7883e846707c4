/* Certificates in the table: names, wildcards, the default, sharing, rollback. */
#include "table_fixture.h"

#include <errno.h>
#include <string.h>

static const uint8_t key_a[32] = {1}, key_b[32] = {2};

static int put(struct fixture *f, const char *name, const uint8_t *key, const char *der)
{
	struct str chain[2] = {str_from(der), STR("intermediate")};
	struct model_cert m = {
	    .name = str_from(name),
	    .key = key,
	    .chain = chain,
	    .n_chain = 2,
	    .ocsp = STR("ocsp"),
	    .ocsp_until = 1800000059,
	    .not_after = 99,
	    .labels = {[CERT_NAMESPACE] = STR("ns"), [CERT_SERIAL_NUMBER] = STR("12")}};

	return table_put_cert(f->w, &m);
}

/* The leaf that a server name gets, "" when there is none. */
static const char *served(struct fixture *f, const char *sni)
{
	static char text[64];
	struct cert_view c;
	struct str rest, der;

	if (!table_cert(f->t, str_from(sni), &c))
		return "";
	rest = c.chain;
	assert_true(table_cert_next(&rest, &der));
	(void)snprintf(text, sizeof(text), "%.*s", (int)der.n, der.p);
	return text;
}

static void exact_wildcard_default(void **state)
{
	struct fixture f;

	fixture_open(&f, 1 << 20);
	assert_string_equal(served(&f, "a"), ""); /* before the first version */
	(void)fixture_publish(&f);
	assert_string_equal(served(&f, "a.example.com"), "");
	assert_int_equal(put(&f, "", key_a, "default"), 0);
	assert_int_equal(put(&f, "A.Example.com", key_a, "exact"), 0);
	assert_int_equal(put(&f, "*.example.com", key_b, "wild"), 0);
	(void)fixture_publish(&f);
	assert_string_equal(served(&f, "a.example.com"), "exact");
	assert_string_equal(served(&f, "A.EXAMPLE.COM."), "exact");
	assert_string_equal(served(&f, "b.example.com"), "wild");
	assert_string_equal(served(&f, "c.b.example.com"), "default");
	assert_string_equal(served(&f, "example.com"), "default");
	assert_string_equal(served(&f, "*.example.com"), "default");
	assert_string_equal(served(&f, ".example.com"), "default");
	assert_string_equal(served(&f, ""), "default");
	assert_int_equal(table_del_cert(f.w, STR("*.EXAMPLE.com")), 0);
	assert_int_equal(table_del_cert(f.w, STR("nobody")), 0);
	(void)fixture_publish(&f);
	assert_string_equal(served(&f, "b.example.com"), "default");
	fixture_close(&f);
}

static void what_a_view_holds(void **state)
{
	struct fixture f;
	struct cert_view c, d;
	struct str rest, der;

	fixture_open(&f, 1 << 20);
	assert_int_equal(put(&f, "a", key_a, "one"), 0);
	assert_int_equal(put(&f, "b", key_a, "one"), 0);
	assert_int_equal(put(&f, "c", key_b, "one"), 0);
	(void)fixture_publish(&f);
	assert_true(table_cert(f.t, STR("a"), &c));
	assert_memory_equal(c.key, key_a, 32);
	assert_int_equal(c.not_after, 99);
	assert_true(str_eq(c.ocsp, STR("ocsp")));
	assert_int_equal(c.ocsp_until, 1800000000); /* whole minutes, never too late */
	rest = c.chain;
	assert_true(table_cert_next(&rest, &der) && str_eq(der, STR("one")));
	assert_true(table_cert_next(&rest, &der) && str_eq(der, STR("intermediate")));
	assert_false(table_cert_next(&rest, &der));
	rest = c.labels;
	for (unsigned i = 0; i < CERT_LABELS; i++) {
		assert_true(table_cert_label(&rest, &der));
		assert_true(str_eq(der, i == CERT_NAMESPACE       ? STR("ns")
					: i == CERT_SERIAL_NUMBER ? STR("12")
								  : STR_NONE));
	}
	assert_false(table_cert_label(&rest, &der));
	assert_true(table_cert(f.t, STR("b"), &d));
	assert_ptr_equal(c.chain.p, d.chain.p); /* one block for both names */
	assert_int_equal(c.generation, d.generation);
	assert_true(table_cert(f.t, STR("c"), &d));
	assert_int_not_equal(c.generation, d.generation);
	fixture_close(&f);
}

static void change_and_rollback(void **state)
{
	struct fixture f;
	struct table_info before, after;
	uint64_t v;

	fixture_open(&f, 1 << 20);
	assert_int_equal(put(&f, "a", key_a, "old"), 0);
	v = fixture_publish(&f);
	assert_int_equal(put(&f, "A", key_a, "old"), 0);
	assert_int_equal(table_publish(f.w), v); /* the same again is no version */
	table_writer_info(f.w, &before);
	assert_int_equal(before.certs, 1);
	assert_int_equal(put(&f, "a", key_b, "new"), 0);
	assert_int_equal(put(&f, "*.a", key_b, "new"), 0);
	table_rollback(f.w);
	assert_int_equal(table_publish(f.w), v);
	assert_string_equal(served(&f, "a"), "old");
	assert_int_equal(put(&f, "a", key_b, "new"), 0);
	(void)fixture_publish(&f);
	assert_string_equal(served(&f, "a"), "new");
	assert_int_equal(table_del_cert(f.w, STR("a")), 0);
	(void)fixture_publish(&f);
	table_reclaim(f.w);
	table_writer_info(f.w, &after);
	assert_int_equal(after.certs, 0);
	assert_int_equal(after.bytes_retired, 0);
	assert_string_equal(served(&f, "a"), "");
	fixture_close(&f);
}

static void refused(void **state)
{
	struct fixture f;
	struct model_cert m = {.name = STR("a"), .key = key_a};
	char name[300];

	fixture_open(&f, 1 << 20);
	assert_int_equal(table_put_cert(f.w, &m), -1);
	assert_int_equal(errno, EINVAL);
	memset(name, 'a', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	assert_int_equal(put(&f, name, key_a, "x"), -1);
	assert_int_equal(errno, EINVAL);
	assert_int_equal(put(&f, "b", key_a, "good"), 0); /* the transaction is as good as before */
	(void)fixture_publish(&f);
	assert_string_equal(served(&f, "b"), "good");
	fixture_close(&f);
}

static void a_wildcard_stands_in_for_a_host(void **state)
{
	struct fixture f;
	struct route_view r;

	fixture_open(&f, 1 << 20);
	assert_int_equal(fixture_put_simple(&f, "a.example.com", 1), 0);
	(void)fixture_publish(&f);
	assert_int_equal(table_route(f.t, STR("a.example.com"), STR("/"), &f.arena, &r), 0);
	assert_int_equal(r.flags & ROUTE_HOST_HAS_CERT, 0);
	assert_int_equal(put(&f, "*.example.com", key_a, "wild"), 0);
	(void)fixture_publish(&f);
	assert_int_equal(table_route(f.t, STR("A.example.com"), STR("/"), &f.arena, &r), 0);
	assert_int_not_equal(r.flags & ROUTE_HOST_HAS_CERT, 0);
	fixture_close(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(exact_wildcard_default),
	    cmocka_unit_test(what_a_view_holds),
	    cmocka_unit_test(change_and_rollback),
	    cmocka_unit_test(refused),
	    cmocka_unit_test(a_wildcard_stands_in_for_a_host),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
