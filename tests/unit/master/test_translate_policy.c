/* Policies: the defaults, what silex.conf says, what an Ingress' annotations say over it. */
#include "translate_fixture.h"

#define ONE_PATH RULES(RULE("a.test", P("/", "Prefix", "app")))
#define TAKEN    "a.test prefix / web-app-80\n"
#define ANNOTATED(annotations)                                                       \
	CLASS APP("app", "10.0.0.1")                                                 \
	    ING_META(META("web", "x", DAY("01")) ", annotations: {" annotations "}", \
		     "ingressClassName: nginx, " ONE_PATH)

static struct world *annotated(const char *settings, const char *yaml)
{
	struct world *w = world_new(settings);
	struct objects o;

	decode_yaml(yaml, false, &o);
	for (unsigned i = 0; i < o.n; i++)
		(void)store_put(w->store, o.v[i]);
	world_translate(w);
	assert_int_equal(world_flush(w), 1);
	return w;
}

static void test_policy_defaults(void **state)
{
	struct world *w = annotated(NULL, ANNOTATED(""));
	struct policy want;

	policy_defaults(&want);
	assert_memory_equal(&w->picture.policy, &want, sizeof(want));
	world_free(w);
}

static void test_policy_of_conf(void **state)
{
	struct world *w = annotated("proxy-body-size=8m;proxy-connect-timeout=2;proxy-send-timeout="
				    "3;proxy-read-timeout=4;proxy-buffer-size=16k;proxy-next-"
				    "upstream-tries=5;proxy-next-upstream-timeout=6",
				    ANNOTATED(""));
	const struct policy *p = &w->picture.policy;

	assert_int_equal(p->body_max_bytes, 8 << 20);
	assert_int_equal(p->connect_ms, 2000);
	assert_int_equal(p->send_ms, 3000);
	assert_int_equal(p->read_ms, 4000);
	assert_int_equal(p->head_max_bytes, 16384);
	assert_int_equal(p->next_tries, 5);
	assert_int_equal(p->next_ms, 6000);
	world_free(w);
}

static void test_policy_of_annotations(void **state)
{
	struct world *w =
	    annotated("proxy-read-timeout=4",
		      ANNOTATED("nginx.ingress.kubernetes.io/proxy-body-size: 20m, "
				"nginx.ingress.kubernetes.io/proxy-connect-timeout: '7'"));

	assert_string_equal(w->findings, "");
	assert_int_equal(w->picture.policy.body_max_bytes, 20 << 20);
	assert_int_equal(w->picture.policy.connect_ms, 7000);
	assert_int_equal(w->picture.policy.read_ms, 4000);
	world_free(w);
}

static void test_policy_prefix(void **state)
{
	struct world *w = annotated("annotations-prefix=example.com",
				    ANNOTATED("nginx.ingress.kubernetes.io/proxy-body-size: 20m, "
					      "example.com/proxy-connect-timeout: '7'"));

	assert_int_equal(w->picture.policy.body_max_bytes, 1 << 20);
	assert_int_equal(w->picture.policy.connect_ms, 7000);
	world_free(w);
}

static void test_bad_annotation_is_told(void **state)
{
	struct world *w =
	    annotated(NULL, ANNOTATED("nginx.ingress.kubernetes.io/proxy-body-size: huge, "
				      "nginx.ingress.kubernetes.io/proxy-boody-size: 1m"));
	char *hosts = picture_text(&w->picture, SHOW_HOSTS);

	assert_string_equal(hosts, TAKEN);
	assert_string_equal(w->findings,
			    "AnnotationParsingFailed web/x\nAnnotationParsingFailed web/x\n");
	assert_non_null(strstr(w->texts, "proxy-body-size"));
	assert_int_equal(w->picture.policy.body_max_bytes, 1 << 20);
	free(hosts);
	world_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_policy_defaults),        cmocka_unit_test(test_policy_of_conf),
	    cmocka_unit_test(test_policy_of_annotations),  cmocka_unit_test(test_policy_prefix),
	    cmocka_unit_test(test_bad_annotation_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
