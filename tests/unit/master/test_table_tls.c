/* What hosts want of their clients' TLS, in the table: sharing, change, rollback, bounds. */
#include "table_fixture.h"

#include <errno.h>
#include <string.h>

static const struct str ca[] = {STR("one"), STR("two")}, crl[] = {STR("list")};

static int put(struct fixture *f, const char *host, const struct model_tls *tls)
{
	const struct model_path path = {.path = STR("/"),
					.kind = PATH_PREFIX,
					.ns = STR("default"),
					.ingress = STR("web"),
					.service = STR("web")};
	const struct model_host h = {
	    .name = str_from(host), .tls = tls, .paths = &path, .n_paths = 1};

	return table_put_host(f->w, &h);
}

static struct model_tls usual(void)
{
	return (struct model_tls){.wants = {.verify = TLS_VERIFY_ON,
					    .depth = 3,
					    .flags = CLIENT_TLS_AUTH | CLIENT_TLS_PASS_CERT,
					    .error_page = STR("/sorry"),
					    .match = STR("CN=a"),
					    .ciphers = STR("HIGH")},
				  .ca = ca,
				  .n_ca = 2,
				  .crls = crl,
				  .n_crls = 1};
}

static void what_a_view_holds(void **state)
{
	struct model_tls m = usual();
	struct client_tls c;
	struct str der;
	struct fixture f;

	fixture_open(&f, 1 << 20);
	assert_false(table_tls(f.t, STR("a.test"), &c)); /* before the first version */
	assert_int_equal(put(&f, "A.test", &m), 0);
	assert_int_equal(put(&f, "plain.test", NULL), 0);
	(void)fixture_publish(&f);
	assert_false(table_tls(f.t, STR("plain.test"), &c));
	assert_true(table_has_host(f.t, STR("Plain.test.")));
	assert_false(table_has_host(f.t, STR("nobody.test")) || table_has_host(f.t, STR_NONE));
	assert_false(table_tls(f.t, STR("nobody.test"), &c));
	assert_true(table_tls(f.t, STR("a.TEST."), &c));
	assert_int_equal(c.verify, TLS_VERIFY_ON);
	assert_int_equal(c.depth, 3);
	assert_int_equal(c.flags, CLIENT_TLS_AUTH | CLIENT_TLS_PASS_CERT);
	assert_true(str_eq(c.error_page, STR("/sorry")) && str_eq(c.match, STR("CN=a")) &&
		    str_eq(c.ciphers, STR("HIGH")));
	assert_true(table_cert_next(&c.ca, &der) && str_eq(der, STR("one")));
	assert_true(table_cert_next(&c.ca, &der) && str_eq(der, STR("two")));
	assert_false(table_cert_next(&c.ca, &der));
	assert_true(table_cert_next(&c.crls, &der) && str_eq(der, STR("list")));
	assert_false(table_cert_next(&c.crls, &der));
	assert_true((fixture_route(&f, "a.test", "/").flags & ROUTE_CLIENT_TLS) != 0);
	assert_true((fixture_route(&f, "a.test", "/none").flags & ROUTE_CLIENT_TLS) != 0);
	assert_false((fixture_route(&f, "plain.test", "/").flags & ROUTE_CLIENT_TLS) != 0);
	fixture_close(&f);
}

static void the_wildcard_and_the_catch_all(void **state)
{
	struct model_tls wild = usual(), all = usual();
	struct client_tls c;
	struct fixture f;

	fixture_open(&f, 1 << 20);
	wild.wants.depth = 1;
	all.wants.depth = 2;
	assert_int_equal(put(&f, "*.a.test", &wild), 0);
	assert_int_equal(put(&f, "", &all), 0);
	(void)fixture_publish(&f);
	assert_true(table_tls(f.t, STR("x.a.test"), &c) && c.depth == 1);
	assert_true(table_tls(f.t, STR("x.y.a.test"), &c) && c.depth == 2);
	assert_true(table_has_host(f.t, STR("x.a.test")));
	assert_false(table_has_host(f.t, STR("x.y.a.test"))); /* the catch-all names nobody */
	assert_true(table_tls(f.t, STR_NONE, &c) && c.depth == 2);
	fixture_close(&f);
}

static void generations_are_of_the_content(void **state)
{
	struct model_tls m = usual(), other = usual(), fewer = usual();
	struct client_tls a, b, c, d;
	struct fixture f;

	fixture_open(&f, 1 << 20);
	other.wants.depth = 4;
	fewer.n_crls = 0;
	assert_int_equal(put(&f, "a", &m), 0);
	assert_int_equal(put(&f, "b", &m), 0);
	assert_int_equal(put(&f, "c", &other), 0);
	assert_int_equal(put(&f, "d", &fewer), 0);
	(void)fixture_publish(&f);
	assert_true(table_tls(f.t, STR("a"), &a) && table_tls(f.t, STR("b"), &b) &&
		    table_tls(f.t, STR("c"), &c) && table_tls(f.t, STR("d"), &d));
	assert_ptr_equal(a.ca.p, b.ca.p); /* one block */
	assert_ptr_equal(a.match.p, b.match.p);
	assert_true(a.generation == b.generation && a.ca_generation == b.ca_generation);
	assert_true(a.generation != c.generation && a.ca_generation == c.ca_generation);
	assert_true(a.generation == d.generation && a.ca_generation != d.ca_generation);
	fixture_close(&f);
}

/* Blocks come and go with their hosts, and a rolled back transaction leaves no trace. */
static void nothing_is_left_behind(void **state)
{
	struct model_tls m = usual();
	struct table_info before, after;
	struct client_tls c;
	struct fixture f;

	fixture_open(&f, 1 << 20);
	assert_int_equal(put(&f, "a", NULL), 0);
	(void)fixture_publish(&f);
	table_writer_info(f.w, &before);
	for (int i = 0; i < 100; i++) {
		m.wants.depth = (uint8_t)i;
		assert_int_equal(put(&f, "a", &m), 0);
		assert_int_equal(put(&f, "a", &m), 0);
		if (i % 3 == 0)
			table_rollback(f.w);
		(void)fixture_publish(&f);
	}
	assert_true(table_tls(f.t, STR("a"), &c) && c.depth == 98);
	assert_int_equal(put(&f, "a", NULL), 0);
	(void)fixture_publish(&f);
	assert_false(table_tls(f.t, STR("a"), &c));
	table_reclaim(f.w);
	table_writer_info(f.w, &after);
	assert_int_equal(after.bytes_used, before.bytes_used);
	fixture_close(&f);
}

static void what_does_not_fit_is_refused(void **state)
{
	static char huge[5u << 20];
	struct str der[2] = {str_make(huge, sizeof(huge)), STR("x")};
	struct model_tls m = usual();
	struct fixture f;

	fixture_open(&f, 64 << 20);
	m.ca = der;
	assert_int_equal(put(&f, "a", &m), -1);
	assert_int_equal(errno, EINVAL);
	m = usual();
	m.wants.match = str_make(huge, 9000);
	assert_int_equal(put(&f, "a", &m), -1);
	assert_int_equal(errno, EINVAL);
	m = usual();
	assert_int_equal(put(&f, "a", &m), 0); /* the transaction is as good as before */
	(void)fixture_publish(&f);
	fixture_close(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(what_a_view_holds),
	    cmocka_unit_test(the_wildcard_and_the_catch_all),
	    cmocka_unit_test(generations_are_of_the_content),
	    cmocka_unit_test(nothing_is_left_behind),
	    cmocka_unit_test(what_does_not_fit_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
