/* What hosts want of their clients' TLS: who decides, what follows a Secret, what closes a host. */
#include "translate_fixture.h"

/* Of nobody, and expired some day: only its form matters here. */
#define PEM                                                                   \
	"-----BEGIN CERTIFICATE-----\\n"                                      \
	"MIIBhzCCASygAwIBAgIUbXjMuGGx7YcuZjOky7ksAj3dLREwCgYIKoZIzj0EAwIw\\n" \
	"EjEQMA4GA1UEAwwHVGVzdCBDQTAeFw0yNjExMjYxOTAwNTdaFw0yNjEyMjYxOTAw\\n" \
	"NTdaMBIxEDAOBgNVBAMMB1Rlc3QgQ0EwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNC\\n" \
	"AATWtTl7AF3tV2FiY83cdDzhLU9plcbolv91tJRBYkJvAA9nO4gD8MALmJ9bI2Le\\n" \
	"flL89J8hwwrL6pCkahLWvNXXo2AwXjAdBgNVHQ4EFgQU9LwKbaaEAAe7fxd56sm2\\n" \
	"JiY1dtgwHwYDVR0jBBgwFoAU9LwKbaaEAAe7fxd56sm2JiY1dtgwDwYDVR0TAQH/\\n" \
	"BAUwAwEB/zALBgNVHQ8EBAMCAQYwCgYIKoZIzj0EAwIDSQAwRgIhAPCJLm4imwCy\\n" \
	"L9AzyebZymGCa7kujAU463Px9qCoojl6AiEA8T92EQPJd0dTsABVw7m3o61rI0Xb\\n" \
	"sRkt55Zh+618pBw=\\n"                                                 \
	"-----END CERTIFICATE-----\\n"
#define NG "nginx.ingress.kubernetes.io/"

/* An Ingress of host h.test, or of another one, with annotations. */
#define ASKS_OF(host, name, day, annotations)                                          \
	"---\napiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: " name \
	", namespace: web, creationTimestamp: '" DAY(                                  \
	    day) "', annotations: {" annotations                                       \
		 "}}\nspec: {ingressClassName: nginx, rules: [" RULE(                  \
		     host, P("/" name, "Prefix", "app")) "]}\n"
#define ASKS(name, day, annotations) ASKS_OF("h.test", name, day, annotations)
#define SECRET(ns, name, data)                                                         \
	"---\napiVersion: v1\nkind: Secret\nmetadata: {name: " name ", namespace: " ns \
	"}\nstringData: {" data "}\n"
#define CA SECRET("web", "ca", "ca.crt: \"" PEM "\"")

/* What was put last of h.test, and how often Secrets are wanted. */
static struct seen {
	bool has;
	struct client_tls wants;
	uint32_t n_ca, n_crls;
	char match[64];
	unsigned puts;
	int refs;
	char wanted[64];
} seen;

static int put_host(void *arg, const struct model_host *h)
{
	if (str_eq(h->name, STR("h.test"))) {
		seen.has = h->tls != NULL;
		seen.puts++;
		if (seen.has) {
			seen.wants = h->tls->wants;
			seen.n_ca = h->tls->n_ca;
			seen.n_crls = h->tls->n_crls;
			(void)snprintf(seen.match, sizeof(seen.match), STR_FMT,
				       STR_ARG(h->tls->wants.match));
		}
	}
	return rec_put_host(arg, h);
}

static void ref(void *secrets, struct str ns, struct str name)
{
	(void)secrets;
	seen.refs++;
	(void)snprintf(seen.wanted, sizeof(seen.wanted), STR_FMT "/" STR_FMT, STR_ARG(ns),
		       STR_ARG(name));
}

static void unref(void *secrets, struct str ns, struct str name)
{
	(void)secrets;
	(void)ns;
	(void)name;
	seen.refs--;
}

static struct world *start(const char *settings, const char *yaml)
{
	struct world *w = world_new(settings);
	struct translate_sink sink = picture_sink(&w->picture);
	struct objects o = {.n = 0};

	seen = (struct seen){.has = false};
	w->picture.fail_after = -1;
	sink.put_host = put_host;
	sink.secret_ref = ref;
	sink.secret_unref = unref;
	w->t = translate_new(&w->conf, w->store, &sink, world_finding, w);
	store_listen(w->store, translate_event, w->t);
	decode_yaml(yaml, false, &o);
	for (unsigned i = 0; i < o.n; i++)
		(void)store_put(w->store, o.v[i]);
	assert_int_equal(world_flush(w), 1);
	return w;
}

static bool is_closed(void)
{
	return seen.has && (seen.wants.flags & CLIENT_TLS_DENY) != 0;
}

static void told(const struct world *w, const char *words)
{
	if (strstr(w->texts, words) == NULL)
		fail_msg("nobody said \"%s\":\n%s", words, w->texts);
}

static void what_is_asked_for(void **state)
{
	struct world *w = start(
	    NULL, CLASS APP("app", "10.0.0.1") CA ASKS(
		      "a", "01",
		      NG "auth-tls-secret: web/ca, " NG "auth-tls-verify-client: optional, " NG
			 "auth-tls-verify-depth: '0', " NG "auth-tls-match-cn: CN=x, " NG
			 "auth-tls-pass-certificate-to-upstream: 'true'"));

	assert_true(seen.has);
	assert_int_equal(seen.wants.flags, CLIENT_TLS_AUTH | CLIENT_TLS_PASS_CERT);
	assert_int_equal(seen.wants.verify, TLS_VERIFY_OPTIONAL);
	assert_int_equal(seen.wants.depth, 1);
	assert_string_equal(seen.match, "CN=x");
	assert_int_equal(seen.n_ca, 1);
	assert_string_equal(seen.wanted, "web/ca");
	assert_int_equal(seen.refs, 1);
	assert_string_equal(w->findings, "");
	assert_true(store_delete(w->store, OBJ_INGRESS, STR("web"), STR("a")));
	assert_int_equal(world_flush(w), 1);
	assert_int_equal(seen.refs, 0);
	world_free(w);
}

static void a_secret_is_followed(void **state)
{
	struct world *w =
	    start(NULL, CLASS APP("app", "10.0.0.1") ASKS("a", "01", NG "auth-tls-secret: web/ca"));

	assert_true(is_closed());
	told(w, "because of Secret web/ca of auth-tls-secret: it does not exist");
	world_put(w, CA);
	assert_int_equal(world_flush(w), 1);
	assert_false(is_closed());
	world_put(w, SECRET("web", "other", "ca.crt: x"));
	assert_int_equal(world_flush(w), 0); /* nobody's */
	world_put(w, SECRET("web", "ca", "ca.crt: hello"));
	assert_int_equal(world_flush(w), 1);
	assert_true(is_closed());
	told(w, "ca.crt holds no PEM certificate");
	world_put(w, CA);
	assert_int_equal(world_flush(w), 1);
	assert_false(is_closed());
	assert_true(store_delete(w->store, OBJ_SECRET, STR("web"), STR("ca")));
	assert_int_equal(world_flush(w), 1);
	assert_true(is_closed());
	world_free(w);
}

static void the_oldest_decides(void **state)
{
	struct world *w = start(
	    NULL,
	    CLASS APP("app", "10.0.0.1") CA ASKS(
		"young", "03", NG "auth-tls-secret: web/ca, " NG "auth-tls-match-cn: CN=young")
		ASKS("silent", "01", NG "proxy-body-size: 1m")
		    ASKS("old", "02", NG "auth-tls-secret: web/ca, " NG "auth-tls-match-cn: CN=old")
			ASKS("same", "04",
			     NG "auth-tls-secret: web/ca, " NG "auth-tls-match-cn: CN=old"));

	assert_string_equal(seen.match, "CN=old");
	assert_non_null(strstr(w->findings, "ClientCATaken web/young"));
	assert_null(strstr(w->findings, "ClientCATaken web/same"));
	assert_int_equal(seen.refs, 3);
	assert_true(store_delete(w->store, OBJ_INGRESS, STR("web"), STR("old")));
	assert_int_equal(world_flush(w), 1);
	assert_string_equal(seen.match, "CN=young");
	world_free(w);
}

static void what_closes_a_host(void **state)
{
	static const struct {
		const char *annotations, *words;
	} cases[] = {
	    {NG "auth-tls-secret: ca", "must be the namespace and the name"},
	    {NG "auth-tls-secret: /ca", "must be the namespace and the name"},
	    {NG "auth-tls-secret: web/", "must be the namespace and the name"},
	    {NG "auth-tls-secret: web/ca/x", "must be the namespace and the name"},
	    {NG "auth-tls-secret: other/ca", "names another namespace"},
	    {NG "auth-tls-secret: \"web/ca\\u0001\"", "must be the namespace and the name"},
	    {NG "auth-tls-secret: web/ca, " NG "auth-tls-match-cn: x", "begins with CN="},
	    {NG "auth-tls-secret: web/ca, " NG "auth-tls-match-cn: CN=(", "no regular expression"},
	    {NG "auth-tls-secret: web/ca, " NG "auth-tls-match-cn: 'CN=a)|(b'",
	     "no regular expression"},
	};
	char yaml[8192];

	for (unsigned i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct world *w;

		(void)snprintf(yaml, sizeof(yaml), "%s" ASKS("a", "01", "%s"),
			       CLASS APP("app", "10.0.0.1") CA, cases[i].annotations);
		w = start(NULL, yaml);
		if (!is_closed())
			fail_msg("open: %s", cases[i].annotations);
		assert_int_equal(seen.n_ca, 0);
		told(w, cases[i].words);
		world_free(w);
	}
}

static void another_namespace_when_it_is_allowed(void **state)
{
	struct world *w =
	    start("allow-cross-namespace-resources=true",
		  CLASS APP("app", "10.0.0.1") SECRET("other", "ca", "ca.crt: \"" PEM "\"")
		      ASKS("a", "01", NG "auth-tls-secret: other/ca"));

	assert_false(is_closed());
	assert_int_equal(seen.n_ca, 1);
	world_set(&w->conf, NULL);
	translate_set_conf(w->t, &w->conf);
	assert_int_equal(world_flush(w), 1);
	assert_true(is_closed());
	assert_int_equal(seen.refs, 0);
	world_free(w);
}

static void ciphers_without_certificates(void **state)
{
	struct world *w = start(NULL, CLASS APP("app", "10.0.0.1")
					  ASKS("a", "01", NG "ssl-prefer-server-ciphers: 'false'")
					      ASKS("b", "02",
						   NG "ssl-ciphers: AES128-SHA, " NG
						      "ssl-prefer-server-ciphers: 'true'"));

	assert_int_equal(seen.wants.flags, CLIENT_TLS_ANY_ORDER);
	assert_int_equal(seen.wants.ciphers.n, strlen("AES128-SHA"));
	assert_int_equal(seen.n_ca, 0);
	world_put(w, ASKS("b", "02", NG "ssl-ciphers: 'NOBODY;x'"));
	assert_int_equal(world_flush(w), 1);
	assert_int_equal(seen.wants.ciphers.n, 0);
	told(w, "ssl-ciphers names no cipher that exists");
	assert_true(store_delete(w->store, OBJ_INGRESS, STR("web"), STR("a")));
	world_put(w, ASKS("b", "02", NG "proxy-body-size: 1m"));
	assert_int_equal(world_flush(w), 1);
	assert_false(seen.has);
	world_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(what_is_asked_for),
	    cmocka_unit_test(a_secret_is_followed),
	    cmocka_unit_test(the_oldest_decides),
	    cmocka_unit_test(what_closes_a_host),
	    cmocka_unit_test(another_namespace_when_it_is_allowed),
	    cmocka_unit_test(ciphers_without_certificates),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
