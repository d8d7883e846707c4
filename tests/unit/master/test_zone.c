/* Endpoints of our own zone, as hints say, and of every zone when they do not say enough. */
#include "translate_fixture.h"

#define NODE(name, zone)                                                                          \
	"---\napiVersion: v1\nkind: Node\nmetadata: {name: " name ", labels: {kubernetes.io/os: " \
	"linux" zone "}}\n"
#define ZONE(z) ", topology.kubernetes.io/zone: " z

#define HINTS(zones) "hints: {forZones: [" zones "]}"
#define FOR(zone)    "{name: " zone "}, "
#define EPZ(addr, zones, conds) \
	"{addresses: ['" addr "'], conditions: {" conds "}, " HINTS(zones) "}, "
#define EPZ6(addr, zones) EPZ(addr, zones, "ready: true")

#define HOST ING("i", "01", RULES(RULE("a.test", P("/", "Prefix", "app"))))
#define TWO_ZONES                                                         \
	SLICE("s1", "app",                                                \
	      EPZ("10.0.0.1", FOR("a"), "") EPZ("10.0.0.2", FOR("b"), "") \
		  EPZ("10.0.0.3", FOR("b") FOR("a"), ""))

static void put_all(struct world *w, const char *yaml)
{
	struct objects o;

	decode_yaml(yaml, false, &o);
	for (unsigned i = 0; i < o.n; i++)
		(void)store_put(w->store, o.v[i]);
}

static void expect(struct world *w, const char *want)
{
	char *got;

	(void)world_flush(w);
	got = picture_text(&w->picture, SHOW_CLUSTERS);
	if (strcmp(got, want) != 0)
		fail_msg("--- got\n%s--- want\n%s", got, want);
	free(got);
}

static struct world *at(const char *node, const char *yaml)
{
	struct world *w = world_new(NULL);

	put_all(w, CLASS SVC("app") HOST);
	put_all(w, yaml);
	world_translate(w);
	translate_at_node(w->t, node);
	return w;
}

static void check(const char *node, const char *yaml, const char *want)
{
	struct world *w = at(node, yaml);

	expect(w, want);
	world_free(w);
}

#define ALL "web-app-80: 10.0.0.1:8080 10.0.0.2:8080 10.0.0.3:8080\n"
#define A   "web-app-80: 10.0.0.1:8080 10.0.0.3:8080\n"
#define B   "web-app-80: 10.0.0.2:8080 10.0.0.3:8080\n"

static void test_ours_only(void **state)
{
	(void)state;
	check("n1", NODE("n1", ZONE("a")) TWO_ZONES, A);
	check("n1", NODE("n1", ZONE("b")) TWO_ZONES, B);
	check("n2", NODE("n1", ZONE("a")) NODE("n2", ZONE("b")) TWO_ZONES, B);
}

static void test_zone_unknown(void **state)
{
	(void)state;
	check("", NODE("n1", ZONE("a")) TWO_ZONES, ALL); /* nobody asked for it */
	check("n1", TWO_ZONES, ALL);
	check("n1", NODE("n1", "") TWO_ZONES, ALL);
	check("n1", NODE("n1", ZONE("''")) TWO_ZONES, ALL);
}

/* kube-proxy's safeguards: not all hinted, or nothing for us. */
static void test_not_enough_said(void **state)
{
	(void)state;
	check("n1", NODE("n1", ZONE("c")) TWO_ZONES, ALL);
	check("n1", NODE("n1", ZONE("a")) TWO_ZONES SLICE("s2", "app", EP("10.0.0.9")),
	      "web-app-80: 10.0.0.1:8080 10.0.0.2:8080 10.0.0.3:8080 10.0.0.9:8080\n");
	check("n1",
	      NODE("n1", ZONE("a"))
		  SLICE("s1", "app", EPZ("10.0.0.1", FOR("a"), "") EPZ("10.0.0.2", "", "")),
	      "web-app-80: 10.0.0.1:8080 10.0.0.2:8080\n");
}

/* What is not ready has no say: neither a missing hint of its own, nor one for us. */
static void test_only_ready_ones_count(void **state)
{
	(void)state;
	check("n1",
	      NODE("n1", ZONE("a")) TWO_ZONES SLICE("s2", "app", EPC("10.0.0.9", "ready: false")),
	      A);
	check("n1",
	      NODE("n1", ZONE("a"))
		  SLICE("s1", "app",
			EPZ("10.0.0.1", FOR("a"), "ready: false") EPZ("10.0.0.2", FOR("b"), "")),
	      "web-app-80: 10.0.0.2:8080\n");
}

/* Both families of a Service together. */
static void test_several_slices(void **state)
{
	(void)state;
	check("n1",
	      NODE("n1", ZONE("a"))
		  TWO_ZONES SLICE_SPEC("web", "s6", "app", "IPv6", "{port: 8080}",
				       EPZ6("2001:db8::1", FOR("a")) EPZ6("2001:db8::2", FOR("b"))),
	      "web-app-80: 10.0.0.1:8080 10.0.0.3:8080 [2001:db8::1]:8080\n");
}

static void test_other_services_are_not_concerned(void **state)
{
	struct world *w = at("n1", NODE("n1", ZONE("a")) TWO_ZONES);

	(void)state;
	put_all(w, APP("other", "10.0.1.1")
		       ING("o", "02", RULES(RULE("o.test", P("/", "Prefix", "other")))));
	expect(w, A "web-other-80: 10.0.1.1:8080\n");
	world_free(w);
}

/* The Node comes late, moves, changes something else, goes. */
static void test_node_changes(void **state)
{
	struct world *w = at("n1", TWO_ZONES);
	unsigned puts;

	(void)state;
	expect(w, ALL);
	put_all(w, NODE("n1", ZONE("a")));
	expect(w, A);
	puts = w->picture.puts_cluster;
	put_all(w, NODE("n1", ZONE("a") ", more: labels"));
	put_all(w, NODE("n2", ZONE("b")));
	expect(w, A);
	assert_int_equal(w->picture.puts_cluster, puts);
	put_all(w, NODE("n1", ZONE("b")));
	expect(w, B);
	assert_true(store_delete(w->store, OBJ_NODE, STR_NONE, STR("n1")));
	expect(w, ALL);
	world_free(w);
}

/* The endpoint-slice controller changes its mind. */
static void test_hints_change(void **state)
{
	struct world *w = at("n1", NODE("n1", ZONE("a")) TWO_ZONES);

	(void)state;
	expect(w, A);
	put_all(w, SLICE("s1", "app", EP("10.0.0.1") EP("10.0.0.2") EP("10.0.0.3")));
	expect(w, ALL);
	put_all(w, TWO_ZONES);
	expect(w, A);
	world_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_ours_only),
	    cmocka_unit_test(test_zone_unknown),
	    cmocka_unit_test(test_not_enough_said),
	    cmocka_unit_test(test_only_ready_ones_count),
	    cmocka_unit_test(test_several_slices),
	    cmocka_unit_test(test_other_services_are_not_concerned),
	    cmocka_unit_test(test_node_changes),
	    cmocka_unit_test(test_hints_change),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
