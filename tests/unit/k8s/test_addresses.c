/* addresses: what Services, Pods and Nodes say about how we are reached. */
#include "k8s_test.h"

#include <stdio.h>

#include "k8s/write/addresses_parse.h"

static void expect(const struct status_addresses *a, const char *want)
{
	char text[512] = "";

	for (uint32_t i = 0; i < a->n; i++) {
		size_t n = strlen(text);

		(void)snprintf(text + n, sizeof(text) - n, "%s%s ", a->v[i].ip, a->v[i].hostname);
	}
	assert_string_equal(text, want);
}

static void service(const char *spec, const char *status, const char *want)
{
	struct status_addresses a = {0};
	char text[1024];

	(void)snprintf(text, sizeof(text),
		       "{\"metadata\":{\"name\":\"s\",\"namespace\":\"n\",\"uid\":\"u\"},"
		       "\"spec\":{\"ports\":[{\"port\":80}],%s},\"status\":{%s}}",
		       spec, status);
	assert_true(addresses_of_service_text(&a, str_from(text)));
	expect(&a, want);
}

static void test_services(void **state)
{
	service("\"type\":\"ClusterIP\",\"clusterIPs\":[\"10.0.0.1\",\"fd00::1\"],\"clusterIP\":"
		"\"10.0.0.1\"",
		"", "10.0.0.1 fd00::1 ");
	service("\"type\":\"NodePort\",\"clusterIPs\":[\"10.0.0.1\"],\"clusterIP\":\"10.0.0.1\","
		"\"externalIPs\":[\"192.0.2.1\"]",
		"", "192.0.2.1 ");
	service("\"type\":\"NodePort\",\"clusterIPs\":[\"10.0.0.1\"],\"clusterIP\":\"10.0.0.1\"",
		"", "10.0.0.1 ");
	service(
	    "\"type\":\"LoadBalancer\",\"clusterIPs\":[\"10.0.0.1\"],\"clusterIP\":"
	    "\"10.0.0.1\",\"externalIPs\":[\"192.0.2.1\"]",
	    "\"loadBalancer\":{\"ingress\":[{\"ip\":\"192.0.2.9\"},{\"hostname\":\"lb.test\"}]}",
	    "lb.test 192.0.2.1 192.0.2.9 ");
	service("\"type\":\"ExternalName\",\"externalName\":\"x.test\"", "", "x.test ");
}

static void test_selector(void **state)
{
	char out[ADDRESSES_SELECTOR_MAX];

	assert_true(addresses_pod_selector(
	    STR("{\"metadata\":{\"labels\":{\"app\":\"silex\",\"pod-template-hash\":\"x\","
		"\"controller-revision-hash\":\"y\",\"team\":\"a\"}}}"),
	    out));
	assert_string_equal(out, "app=silex,team=a");
	assert_false(addresses_pod_selector(STR("{\"metadata\":{\"labels\":{}}}"), out));
	assert_false(addresses_pod_selector(STR("[1]"), out));
	assert_false(addresses_pod_selector(STR("<html>"), out));
}

#define POD(name, node, phase, ready)                                                  \
	"{\"metadata\":{\"name\":\"" name "\"},\"spec\":{\"nodeName\":\"" node         \
	"\"},\"status\":{\"phase\":\"" phase "\",\"conditions\":[{\"type\":\"Ready\"," \
	"\"status\":\"" ready "\"}]}}"

static void test_pods(void **state)
{
	struct addresses_nodes nodes;
	int others;

	assert_true(addresses_of_pods(
	    STR("{\"kind\":\"PodList\",\"items\":[" POD("me", "n1", "Running", "True") "," POD(
		"b", "n1", "Running", "True") "," POD("c", "n2", "Running",
						      "False") "," POD("d", "n3", "Pending",
								       "True") ",7,null]}"),
	    STR("me"), &nodes, &others));
	assert_int_equal(nodes.n, 1);
	assert_string_equal(nodes.v[0], "n1");
	assert_int_equal(others, 2);
	assert_false(addresses_of_pods(STR("{\"kind\":\"Status\"}"), STR("me"), &nodes, &others));
}

static void test_nodes(void **state)
{
	static const char node[] =
	    "{\"status\":{\"addresses\":[{\"type\":\"InternalIP\",\"address\":\"10.0.0.1\"},"
	    "{\"type\":\"Hostname\",\"address\":\"n1\"},"
	    "{\"type\":\"ExternalIP\",\"address\":\"192.0.2.1\"}]}}";
	static const char inner[] =
	    "{\"status\":{\"addresses\":[{\"type\":\"InternalIP\",\"address\":\"10.0.0.1\"}]}}";
	struct status_addresses a = {0}, b = {0}, c = {0};

	assert_true(addresses_of_node(&a, str_from(node), false));
	expect(&a, "192.0.2.1 ");
	assert_true(addresses_of_node(&b, str_from(inner), false));
	expect(&b, "10.0.0.1 ");
	assert_true(addresses_of_node(&c, str_from(node), true));
	expect(&c, "10.0.0.1 ");
	assert_false(addresses_of_node(&c, STR("null"), true));
}

/* Sorted, no two alike, and full is full. */
static void test_list(void **state)
{
	struct status_addresses a = {0};
	char text[32];

	status_addresses_add(&a, STR("192.0.2.2"));
	status_addresses_add(&a, STR("192.0.2.1"));
	status_addresses_add(&a, STR("192.0.2.2"));
	status_addresses_add(&a, STR(""));
	expect(&a, "192.0.2.1 192.0.2.2 ");
	for (int i = 0; i < 200; i++) {
		(void)snprintf(text, sizeof(text), "10.0.0.%d", i);
		status_addresses_add(&a, str_from(text));
	}
	assert_int_equal(a.n, STATUS_ADDRESSES_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_services), cmocka_unit_test(test_selector),
	    cmocka_unit_test(test_pods),     cmocka_unit_test(test_nodes),
	    cmocka_unit_test(test_list),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
