/* resource: where each kind lives, and how lists and watches are asked for. */
#include "k8s_test.h"

#include "k8s/watch/resource.h"

static void expect(const struct resource_scope *s, const struct resource_query *q, const char *want)
{
	char *path = resource_path(s, q);

	assert_string_equal(path, want);
	free(path);
}

static void test_paths(void **state)
{
	const struct resource_scope all = {.kind = OBJ_INGRESS};
	const struct resource_scope one = {.kind = OBJ_SECRET, .ns = "a", .name = "b"};
	const struct resource_scope class = {.kind = OBJ_CLASS, .ns = "a"};
	const struct resource_scope labels = {.kind = OBJ_NAMESPACE,
					      .label_selector = "a in (b,c)"};

	expect(&all, &(struct resource_query){0}, "/apis/networking.k8s.io/v1/ingresses");
	expect(&class, &(struct resource_query){0}, "/apis/networking.k8s.io/v1/ingressclasses");
	expect(&all, &(struct resource_query){.limit = 500, .continue_token = "x=&y"},
	       "/apis/networking.k8s.io/v1/ingresses?limit=500&continue=x%3D%26y");
	expect(&one,
	       &(struct resource_query){.watch = true, .resource_version = "7", .timeout_s = 300},
	       "/api/v1/namespaces/a/secrets?fieldSelector=metadata.name%3Db&watch=1"
	       "&allowWatchBookmarks=true&resourceVersion=7&timeoutSeconds=300");
	expect(&labels, &(struct resource_query){.watch = true, .initial_events = true},
	       "/api/v1/namespaces?labelSelector=a%20in%20%28b%2Cc%29&watch=1"
	       "&allowWatchBookmarks=true&sendInitialEvents=true"
	       "&resourceVersionMatch=NotOlderThan");
}

static void test_names(void **state)
{
	assert_string_equal(resource_group(OBJ_SLICE), "discovery.k8s.io");
	assert_string_equal(resource_plural(OBJ_SLICE), "endpointslices");
	assert_string_equal(resource_group(OBJ_SERVICE), "");
}

static void test_encode(void **state)
{
	char out[8];

	resource_encode(out, sizeof(out), "a/b");
	assert_string_equal(out, "a%2Fb");
	resource_encode(out, sizeof(out), "aaaaaaaaaaaa");
	assert_true(strlen(out) < sizeof(out));
	resource_encode(out, sizeof(out), "//////");
	assert_string_equal(out, "%2F%2F");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_paths),
	    cmocka_unit_test(test_names),
	    cmocka_unit_test(test_encode),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
