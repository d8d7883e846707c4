/* annot: the table is whole, values follow ingress-nginx' rules, nothing is ignored in silence. */
#include "k8s_test.h"

#include <stdio.h>

#include "k8s/settings/annot.h"

struct heard {
	unsigned n;
	enum annot_severity severity;
	char text[512];
};

static void hear(void *arg, const struct annot_finding *f)
{
	struct heard *h = arg;

	h->n++;
	h->severity = f->severity;
	snprintf(h->text, sizeof(h->text), "%.*s: %s", STR_ARG(f->annotation), f->text);
}

static struct obj *heard_of; /* what was found points into the object: it lives as long */

static int let_go(void **state)
{
	obj_free(heard_of);
	heard_of = NULL;
	return 0;
}

static bool parse(const char *annotations, struct annot_conf conf, struct annots *out,
		  struct heard *h)
{
	struct annots defaults;
	char text[1024];

	snprintf(text, sizeof(text),
		 "{apiVersion: v1, kind: Namespace, metadata: {name: a1, annotations: {%s}}}",
		 annotations);
	obj_free(heard_of);
	heard_of = object_of(text);
	annots_defaults(&defaults);
	*h = (struct heard){0};
	return annots_parse(heard_of, &conf, &defaults, out, hear, h);
}

#define P "nginx.ingress.kubernetes.io/"

static void test_values(void **state)
{
	struct heard h;
	struct annots a;

	assert_true(parse(P "proxy-body-size: 8M, " P "proxy-read-timeout: '3600', other.io/x: z",
			  ANNOT_CONF_DEFAULT, &a, &h));
	assert_int_equal(h.n, 0);
	assert_int_equal(a.policy.body_max_bytes, 8 << 20);
	assert_int_equal(a.policy.read_ms, 3600000);
	assert_int_equal(a.policy.connect_ms, 5000);
	assert_true(annots_has(&a, ANNOT_PROXY_BODY_SIZE));
	assert_false(annots_has(&a, ANNOT_PROXY_CONNECT_TIMEOUT));
}

static void test_next_upstream(void **state)
{
	struct heard h;
	struct annots a;

	assert_true(parse(P "proxy-body-size: 1m", ANNOT_CONF_DEFAULT, &a, &h));
	assert_int_equal(a.policy.next_when, NEXT_ERROR | NEXT_TIMEOUT);
	assert_int_equal(a.policy.next_tries, 3);
	assert_int_equal(a.policy.next_ms, 0);
	assert_true(parse(P "proxy-next-upstream: '  http_503 error  non_idempotent', " P
			    "proxy-next-upstream-tries: '0', " P "proxy-next-upstream-timeout: '7'",
			  ANNOT_CONF_DEFAULT, &a, &h));
	assert_int_equal(h.n, 0);
	assert_int_equal(a.policy.next_when, NEXT_ERROR | NEXT_HTTP_503 | NEXT_NON_IDEMPOTENT);
	assert_int_equal(a.policy.next_tries, 0);
	assert_int_equal(a.policy.next_ms, 7000);
	assert_true(parse(P "proxy-next-upstream: error off", ANNOT_CONF_DEFAULT, &a, &h));
	assert_int_equal(h.n, 0);
	assert_int_equal(a.policy.next_when, 0);
	assert_true(parse(P "proxy-next-upstream: error http_999", ANNOT_CONF_DEFAULT, &a, &h));
	assert_int_equal(h.n, 1);
	assert_int_equal(a.policy.next_when, NEXT_ERROR | NEXT_TIMEOUT);
}

static void test_sizes(void **state)
{
	static const struct {
		const char *text;
		int64_t want; /* -1: refused */
	} cases[] = {
	    {"0", 0},
	    {"1", 1},
	    {"1k", 1024},
	    {"1K", 1024},
	    {"1g", 1 << 30},
	    {"", -1},
	    {"k", -1},
	    {"-1", -1},
	    {"1.5m", -1},
	    {"1mb", -1},
	    {"1b", -1},
	    {" 1m", -1},
	    {"9999999999g", -1},
	    {"99999999999999999999", -1},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct annots a;
		const char *wrong;

		annots_defaults(&a);
		wrong = annots_set(&a, ANNOT_PROXY_BODY_SIZE, str_from(cases[i].text));
		if ((wrong != NULL) != (cases[i].want == -1))
			fail_msg("\"%s\": %s", cases[i].text, wrong);
		assert_int_equal(a.policy.body_max_bytes,
				 cases[i].want == -1 ? 1 << 20 : cases[i].want);
	}
}

static void test_ints(void **state)
{
	static const char *const bad[] = {"60s",  "",   " 60", "60 ",     "1e3",
					  "0x10", "-1", "0",   "4000001", "99999999999999999999"};
	struct annots a;

	annots_defaults(&a);
	assert_null(annots_set(&a, ANNOT_PROXY_SEND_TIMEOUT, STR("+7")));
	assert_int_equal(a.policy.send_ms, 7000);
	assert_null(annots_set(&a, ANNOT_PROXY_SEND_TIMEOUT, STR("4000000")));
	assert_int_equal(a.policy.send_ms, 4000000000);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_non_null(annots_set(&a, ANNOT_PROXY_SEND_TIMEOUT, str_from(bad[i])));
}

static void expect(const char *annotation, struct annot_conf conf, enum annot_severity severity,
		   const char *part)
{
	struct heard h;
	struct annots a, defaults;
	bool ok = parse(annotation, conf, &a, &h);

	annots_defaults(&defaults);
	if (h.n != 1 || h.severity != severity || strstr(h.text, part) == NULL ||
	    ok == (severity == ANNOT_REFUSE))
		fail_msg("%s: %u findings: %s", annotation, h.n, h.text);
	assert_memory_equal(&a.policy, &defaults.policy, sizeof(a.policy));
}

static void test_findings(void **state)
{
	struct annot_conf conf = ANNOT_CONF_DEFAULT;

	expect(P "proxy-read-timeout: 60s", conf, ANNOT_WARN, "the default is used");
	expect(P "proxy-read-timeout: ''", conf, ANNOT_WARN, "must not be empty");
	expect(P "opentelemetry-operation-name: x", conf, ANNOT_WARN, "not supported by Silex yet");
	expect(P "enable-modsecurity: 'true'", conf, ANNOT_WARN, "not supported");
	expect(P "rewrite-taget: /", conf, ANNOT_WARN, "Did you mean \"rewrite-target\"?");
	expect(P "proxy-body-sise: 1m", conf, ANNOT_WARN, "Did you mean \"proxy-body-size\"?");
	expect(P "body-size: 1m", conf, ANNOT_WARN, "Did you mean \"proxy-body-size\"?");
	expect(P "auth-proxy-set-header: a", conf, ANNOT_WARN, "\"auth-proxy-set-headers\"");
	expect(P "zzzzzzzzzz: a", conf, ANNOT_WARN, "no effect");
	expect(P "server-snippet: x", conf, ANNOT_REFUSE, "its risk is Critical");
	conf.risk_max = RISK_CRITICAL;
	expect(P "stream-snippet: x", conf, ANNOT_WARN, "not supported");
	conf.risk_max = RISK_LOW;
	expect(P "proxy-body-size: 2m", conf, ANNOT_REFUSE, "its risk is Medium");
	expect(P "whitelist-source-range: x", conf, ANNOT_REFUSE, "its risk is Medium");
}

static void test_prefix(void **state)
{
	struct annot_conf conf = {.prefix = STR("silex.example"), .risk_max = RISK_HIGH};
	struct heard h;
	struct annots a;

	expect(P "proxy-read-timeout: '9'", conf, ANNOT_WARN, "--annotations-prefix is");
	assert_true(parse("silex.example/proxy-read-timeout: '9'", conf, &a, &h));
	assert_int_equal(h.n, 0);
	assert_int_equal(a.policy.read_ms, 9000);
}

static void test_table(void **state)
{
	size_t n, canonical = 0;
	const struct annot_row *rows = annot_rows(&n);

	for (size_t i = 0; i < n; i++) {
		assert_ptr_equal(annot_find(str_from(rows[i].name)), &rows[i]);
		assert_non_null(rows[i].text);
		canonical += rows[i].alias_of == NULL;
		if (rows[i].alias_of != NULL)
			assert_non_null(annot_find(str_from(rows[i].alias_of)));
	}
	assert_int_equal(canonical, 136);
	assert_int_equal(n, 138);
	assert_null(annot_find(STR("")));
	assert_null(annot_nearest(STR("")));
}

static void test_idle(void **state)
{
	struct heard h;
	struct annots a;

	assert_true(parse(P "proxy-buffering: 'on'", ANNOT_CONF_DEFAULT, &a, &h));
	assert_int_equal(h.n, 1);
	assert_int_equal(h.severity, ANNOT_NOTE);
	assert_non_null(strstr(h.text, "accepted"));
	assert_int_equal(a.policy.head_max_bytes, 4096);
	assert_true(parse(P "proxy-buffer-size: 128k", ANNOT_CONF_DEFAULT, &a, &h));
	assert_int_equal(h.n, 0);
	assert_int_equal(a.policy.head_max_bytes, 128 << 10);
}

static void test_client_certificates(void **state)
{
	struct heard h;
	struct annots a;

	assert_true(parse(P "auth-tls-secret: ns/ca, " P
			    "auth-tls-verify-client: optional_no_ca, " P
			    "auth-tls-verify-depth: '3', " P "auth-tls-error-page: /a, " P
			    "auth-tls-match-cn: CN=x",
			  ANNOT_CONF_DEFAULT, &a, &h));
	assert_int_equal(h.n, 0);
	assert_int_equal(a.auth_tls_verify, TLS_VERIFY_OPTIONAL_NO_CA);
	assert_int_equal(a.auth_tls_depth, 3);
	assert_true(str_eq(a.auth_tls_secret, STR("ns/ca")));
	assert_int_equal(a.bad[0] | a.bad[1], 0);
	/* A wrong mode is the strict one; who gives a wrong pattern must be able to close. */
	assert_true(parse(P "auth-tls-secret: ns/ca, " P "auth-tls-verify-client: 'On', " P
			    "auth-tls-match-cn: \"a\\u0001\"",
			  ANNOT_CONF_DEFAULT, &a, &h));
	assert_int_equal(h.n, 2);
	assert_int_equal(a.auth_tls_verify, TLS_VERIFY_ON);
	assert_true(annots_spoilt(&a, ANNOT_AUTH_TLS_MATCH));
	assert_false(annots_spoilt(&a, ANNOT_AUTH_TLS_SECRET));
	/* Empty is as good as not given. */
	assert_true(parse(P "auth-tls-secret: ''", ANNOT_CONF_DEFAULT, &a, &h));
	assert_false(annots_spoilt(&a, ANNOT_AUTH_TLS_SECRET));
	/* Without a Secret nothing of it counts. */
	assert_true(parse(P "auth-tls-verify-client: 'on'", ANNOT_CONF_DEFAULT, &a, &h));
	assert_int_equal(h.n, 1);
	assert_non_null(strstr(h.text, "has no effect without auth-tls-secret"));
	for (unsigned i = 0; i < 3; i++) {
		static const char *const pages[] = {"'//x'", "'@named'", "'ftp://x'"};
		char text[200];

		snprintf(text, sizeof(text),
			 P "auth-tls-secret: ns/ca, " P "auth-tls-error-page: %s", pages[i]);
		assert_true(parse(text, ANNOT_CONF_DEFAULT, &a, &h));
		assert_int_equal(h.n, 1);
		assert_int_equal(a.auth_tls_error_page.n, 0);
	}
}

/* The table's defaults and those of the policy that no annotation touches are the same. */
static void test_defaults(void **state)
{
	struct policy p;
	struct annots a;

	policy_defaults(&p);
	annots_defaults(&a);
	assert_memory_equal(&p, &a.policy, sizeof(p));
	assert_int_equal(a.set[0] | a.set[1], 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_values),   cmocka_unit_test(test_sizes),
	    cmocka_unit_test(test_ints),     cmocka_unit_test(test_findings),
	    cmocka_unit_test(test_prefix),   cmocka_unit_test(test_table),
	    cmocka_unit_test(test_idle),     cmocka_unit_test(test_client_certificates),
	    cmocka_unit_test(test_defaults), cmocka_unit_test(test_next_upstream),
	};

	return cmocka_run_group_tests(tests, NULL, let_go);
}
