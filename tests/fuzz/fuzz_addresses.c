/*
 * fuzz_addresses: any bytes as the answer to what the leader asks before it writes status: a
 * Service, our Pod, a PodList, a Node.
 */
#include "common/check.h"
#include "k8s/write/addresses_parse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void check(const struct status_addresses *a)
{
	CHECK(a->n <= STATUS_ADDRESSES_MAX);
	for (uint32_t i = 0; i < a->n; i++)
		CHECK((a->v[i].ip[0] != '\0') != (a->v[i].hostname[0] != '\0'));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct str text = str_make((const char *)data, n);
	struct status_addresses found = {0};
	struct addresses_nodes nodes = {0};
	char selector[ADDRESSES_SELECTOR_MAX];
	int others = 0;

	(void)addresses_of_service_text(&found, text);
	(void)addresses_of_node(&found, text, false);
	(void)addresses_of_node(&found, text, true);
	check(&found);
	if (addresses_pod_selector(text, selector))
		CHECK(strlen(selector) > 0);
	if (addresses_of_pods(text, STR("silex-0"), &nodes, &others))
		CHECK(nodes.n <= ADDRESSES_NODES_MAX && others >= 0);
	return 0;
}
