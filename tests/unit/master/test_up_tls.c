/* TLS towards endpoints: what proxy-ssl-* say, profiles in the table.
 */
#include "table_fixture.h"

#include <errno.h>
#include <string.h>

#include "master/translate/tls/up_tls_settings.h"

/* ---- settings ------------------------------------------------------------------------ */

struct told {
	unsigned n;
	char last[64];
};

static void tell(void *arg, const char *annotation, const char *text)
{
	struct told *t = arg;

	t->n++;
	(void)snprintf(t->last, sizeof(t->last), "%s", annotation);
	assert_true(strlen(text) > 10);
}

/* Pairs of annotation and value, over a Secret of the Ingress' own namespace. */
static bool read_all(struct up_tls_settings *out, struct told *told, const char *const *said)
{
	struct annots a;

	annots_defaults(&a);
	a.proxy_ssl_secret = STR("ns/name");
	a.protocol = CLUSTER_HTTPS;
	*told = (struct told){.n = 0};
	for (; said[0] != NULL; said += 2) {
		if (strcmp(said[0], "secret") == 0)
			a.proxy_ssl_secret = str_from(said[1]);
		else if (strcmp(said[0], "verify") == 0)
			a.proxy_ssl_verify = str_from(said[1]);
		else if (strcmp(said[0], "name") == 0)
			a.proxy_ssl_name = str_from(said[1]);
		else if (strcmp(said[0], "sni") == 0)
			a.proxy_ssl_sni = str_from(said[1]);
		else if (strcmp(said[0], "protocols") == 0)
			a.proxy_ssl_protocols = str_from(said[1]);
		else if (strcmp(said[0], "ciphers") == 0)
			a.proxy_ssl_ciphers = str_from(said[1]);
		else if (strcmp(said[0], "depth") == 0)
			a.proxy_ssl_depth = (uint16_t)atoi(said[1]);
		else if (strcmp(said[0], "plain") == 0)
			a.protocol = CLUSTER_HTTP;
		else
			fail_msg("%s", said[0]);
	}
	return up_tls_settings_read(out, &a, STR("ns"), false, tell, told);
}
#define READ(...) read_all(&s, &told, (const char *const[]){__VA_ARGS__ __VA_OPT__(, ) NULL, NULL})

static void defaults_of_settings(void **state)
{
	struct up_tls_settings s;
	struct told told;

	assert_true(READ());
	assert_int_equal(told.n, 0);
	assert_true(str_eq(s.ns, STR("ns")) && str_eq(s.name, STR("name")));
	assert_false(s.verify);
	assert_false(s.sni);
	assert_int_equal(s.depth, 1);
	assert_int_equal(s.versions, PROFILE_TLS12);
	assert_true(str_eq(s.ciphers, STR("DEFAULT")));
	assert_int_equal(s.server_name.n, 0);
}

static void settings_that_are_taken(void **state)
{
	struct up_tls_settings s;
	struct told told;

	assert_true(READ("verify", "on", "name", "a.b", "sni", "on", "depth", "7", "protocols",
			 "TLSv1.3 TLSv1.2", "ciphers", "HIGH:!aNULL"));
	assert_int_equal(told.n, 0);
	assert_true(s.verify && s.sni);
	assert_int_equal(s.depth, 7);
	assert_int_equal(s.versions, PROFILE_TLS12 | PROFILE_TLS13);
	assert_true(READ("name", "2001:db8::1", "depth", "0"));
	assert_int_equal(told.n, 0);
	assert_int_equal(s.depth, 1);
	assert_true(READ("verify", "on", "plain", "")); /* no TLS, so nothing to verify by */
	assert_true(s.verify);
}

static void settings_that_are_mended(void **state)
{
	struct up_tls_settings s;
	struct told told;

	assert_true(READ("verify", "true", "name", "a"));
	assert_true(s.verify && told.n == 1); /* never less than what was meant */
	assert_true(READ("sni", "true", "name", "a"));
	assert_true(!s.sni && told.n == 1);
	assert_true(READ("sni", "on"));
	assert_true(!s.sni && told.n == 1);
	assert_true(READ("protocols", "SSLv3 TLSv1.3"));
	assert_true(s.versions == PROFILE_TLS13 && told.n == 1);
	assert_true(READ("protocols", "SSLv3"));
	assert_true(s.versions == PROFILE_TLS12 && told.n == 1);
}

static void settings_that_are_refused(void **state)
{
	char longest[400];
	struct up_tls_settings s;
	struct told told;

	assert_false(READ("secret", "name"));
	assert_false(READ("secret", "/name"));
	assert_false(READ("secret", "ns/"));
	assert_false(READ("secret", "ns/a/b"));
	assert_false(READ("secret", "other/name"));
	assert_string_equal(told.last, "proxy-ssl-secret");
	assert_false(READ("ciphers", "NONE-SUCH"));
	assert_false(READ("ciphers", "HIGH;x"));
	assert_string_equal(told.last, "proxy-ssl-ciphers");
	assert_false(READ("name", "a.b:443"));
	assert_false(READ("name", "*.b"));
	assert_false(READ("name", "a\"b"));
	assert_string_equal(told.last, "proxy-ssl-name");
	assert_false(READ("verify", "on"));
	assert_string_equal(told.last, "proxy-ssl-verify");
	memset(longest, 'a', sizeof(longest));
	longest[sizeof(longest) - 1] = '\0';
	assert_false(READ("name", longest));
	memcpy(longest, "ns/", 3);
	assert_false(READ("secret", longest));
}

/* ---- the table ----------------------------------------------------------------------- */

static const uint8_t key[32] = {7};
static const struct str chain[] = {STR("leaf"), STR("intermediate")}, ca[] = {STR("root")};

static struct model_profile profile(uint64_t id)
{
	return (struct model_profile){.id = id,
				      .key = key,
				      .chain = chain,
				      .n_chain = 2,
				      .ca = ca,
				      .n_ca = 1,
				      .ciphers = STR("HIGH"),
				      .name = STR("a.test"),
				      .verify = true,
				      .sni = true,
				      .depth = 3,
				      .versions = PROFILE_TLS13};
}

static void what_a_profile_holds(void **state)
{
	struct fixture f;
	struct model_profile m = profile(5);
	struct profile_view v;
	struct str rest, der;

	fixture_open(&f, 1 << 20);
	assert_false(table_profile(f.t, 5, &v)); /* before the first version */
	assert_int_equal(table_put_profile(f.w, &m), 0);
	(void)fixture_publish(&f);
	assert_false(table_profile(f.t, 6, &v));
	assert_true(table_profile(f.t, 5, &v));
	assert_memory_equal(v.cert.key, key, sizeof(key));
	rest = v.cert.chain;
	assert_true(table_cert_next(&rest, &der) && str_eq(der, chain[0]));
	assert_true(table_cert_next(&rest, &der) && str_eq(der, chain[1]));
	assert_false(table_cert_next(&rest, &der));
	rest = v.ca;
	assert_true(table_cert_next(&rest, &der) && str_eq(der, ca[0]));
	assert_false(table_cert_next(&rest, &der));
	assert_true(str_eq(v.ciphers, STR("HIGH")) && str_eq(v.name, STR("a.test")));
	assert_true(v.verify && v.sni);
	assert_int_equal(v.depth, 3);
	assert_int_equal(v.versions, PROFILE_TLS13);
	assert_int_not_equal(v.cert.generation, 0);
	fixture_close(&f);
}

static uint64_t generation(struct fixture *f, uint64_t id)
{
	struct profile_view v;

	assert_true(table_profile(f->t, id, &v));
	return v.cert.generation;
}

/* The generation is that of the content: pools and sessions are parted by it. */
static void generations(void **state)
{
	struct fixture f;
	struct model_profile same = profile(1), other = profile(2), verify = profile(3);
	uint64_t before, version;

	fixture_open(&f, 1 << 20);
	verify.verify = false;
	assert_int_equal(table_put_profile(f.w, &same), 0);
	assert_int_equal(table_put_profile(f.w, &other), 0);
	assert_int_equal(table_put_profile(f.w, &verify), 0);
	version = fixture_publish(&f);
	before = generation(&f, 1);
	assert_int_equal(generation(&f, 2), before);
	assert_int_not_equal(generation(&f, 3), before);
	assert_int_equal(table_put_profile(f.w, &same), 0);
	assert_int_equal(table_publish(f.w), version); /* nothing new */
	same.name = STR("b.test");
	assert_int_equal(table_put_profile(f.w, &same), 0);
	assert_int_equal(generation(&f, 1), before);
	(void)fixture_publish(&f);
	assert_int_not_equal(generation(&f, 1), before);
	assert_int_equal(generation(&f, 2), before);
	fixture_close(&f);
}

static void deletion_rollback_and_limits(void **state)
{
	static char big[300 << 10];
	struct str huge = str_make(big, sizeof(big));
	struct fixture f;
	struct model_profile m = profile(1);
	struct profile_view v;

	fixture_open(&f, 1 << 20);
	assert_int_equal(table_put_profile(f.w, &m), 0);
	(void)fixture_publish(&f);
	assert_int_equal(table_del_profile(f.w, 1), 0);
	table_rollback(f.w);
	(void)table_adopt(f.t);
	assert_true(table_profile(f.t, 1, &v));
	assert_int_equal(table_del_profile(f.w, 1), 0);
	assert_int_equal(table_del_profile(f.w, 2), 0);
	(void)fixture_publish(&f);
	assert_false(table_profile(f.t, 1, &v));
	m.ca = &huge;
	assert_int_equal(table_put_profile(f.w, &m), -1);
	assert_int_equal(errno, EINVAL);
	m = profile(0);
	assert_int_equal(table_put_profile(f.w, &m), -1);
	m = profile(1);
	assert_int_equal(table_put_profile(f.w, &m), 0);
	(void)fixture_publish(&f);
	assert_true(table_profile(f.t, 1, &v));
	fixture_close(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(defaults_of_settings),
	    cmocka_unit_test(settings_that_are_taken),
	    cmocka_unit_test(settings_that_are_mended),
	    cmocka_unit_test(settings_that_are_refused),
	    cmocka_unit_test(what_a_profile_holds),
	    cmocka_unit_test(generations),
	    cmocka_unit_test(deletion_rollback_and_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
