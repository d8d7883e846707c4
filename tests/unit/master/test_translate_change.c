/*
 * What a change costs and what becomes of it: an event touches what depends on it and nothing
 * else, a finding is told once, a transaction that is rolled back is repeated.
 */
#include "translate_fixture.h"

struct counts {
	unsigned puts_host, puts_cluster, dels_host, dels_cluster, puts_default;
};

static struct counts counts_of(const struct world *w)
{
	const struct picture *p = &w->picture;

	return (struct counts){p->puts_host, p->puts_cluster, p->dels_host, p->dels_cluster,
			       p->puts_default};
}

/* Flush, and expect exactly these calls of the sink. */
static void expect_calls(struct world *w, unsigned puts_host, unsigned puts_cluster,
			 unsigned dels_host, unsigned dels_cluster)
{
	struct counts before = counts_of(w), after;
	unsigned total = puts_host + puts_cluster + dels_host + dels_cluster;

	assert_int_equal(world_flush(w), total > 0 ? 1 : 0);
	after = counts_of(w);
	assert_int_equal(after.puts_host - before.puts_host, puts_host);
	assert_int_equal(after.puts_cluster - before.puts_cluster, puts_cluster);
	assert_int_equal(after.dels_host - before.dels_host, dels_host);
	assert_int_equal(after.dels_cluster - before.dels_cluster, dels_cluster);
	assert_int_equal(after.puts_default - before.puts_default, 0);
}

static void expect(struct world *w, const char *want)
{
	char *got = picture_text(&w->picture, SHOW_HOSTS | SHOW_CLUSTERS);

	if (strcmp(got, want) != 0)
		fail_msg("--- got\n%s--- want\n%s", got, want);
	free(got);
}

static void put_all(struct world *w, const char *yaml)
{
	struct objects o;

	decode_yaml(yaml, false, &o);
	for (unsigned i = 0; i < o.n; i++)
		(void)store_put(w->store, o.v[i]);
}

static void gone(struct world *w, enum obj_kind kind, const char *name)
{
	assert_true(store_delete(w->store, kind, STR("web"), str_from(name)));
}

/* Two hosts of their own, one shared, three Services. */
#define AB                                                                   \
	CLASS APP("a", "10.0.0.1") APP("b", "10.0.0.2") APP("c", "10.0.0.3") \
	    ING("ia", "01",                                                  \
		RULES(RULE("a.test", P("/", "Prefix", "a"))                  \
			  RULE("shared.test", P("/a", "Prefix", "a"))))      \
		ING("ib", "02",                                              \
		    RULES(RULE("b.test", P("/", "Prefix", "b"))              \
			      RULE("shared.test", P("/b", "Prefix", "b"))))

static struct world *settled(const char *settings, const char *yaml)
{
	struct world *w = world_new(settings);

	put_all(w, yaml);
	world_translate(w);
	assert_int_equal(world_flush(w), 1);
	return w;
}

static void test_first_flush(void **state)
{
	struct world *w = settled(NULL, AB);

	assert_int_equal(w->picture.puts_host, 3);
	assert_int_equal(w->picture.puts_cluster, 2); /* nobody uses Service c */
	assert_int_equal(w->picture.puts_default, 1);
	expect_calls(w, 0, 0, 0, 0);
	world_free(w);
}

static void test_endpoints_touch_one_cluster(void **state)
{
	struct world *w = settled(NULL, AB);

	world_put(w, SLICE("a-1", "a", EP("10.0.0.1") EP("10.0.0.9")));
	expect_calls(w, 0, 1, 0, 0);
	world_put(w, SLICE("a-2", "a", EP("10.0.0.10")));
	expect_calls(w, 0, 1, 0, 0);
	gone(w, OBJ_SLICE, "a-1");
	gone(w, OBJ_SLICE, "a-2");
	expect_calls(w, 0, 1, 0, 0); /* two events, one cluster */
	world_put(w, SLICE("c-1", "c", EP("10.0.0.9")));
	expect_calls(w, 0, 0, 0, 0);
	world_free(w);
}

static void test_slice_moves_to_another_service(void **state)
{
	struct world *w = settled(NULL, AB);

	world_put(w, SLICE("a-1", "b", EP("10.0.0.1")));
	expect_calls(w, 0, 2, 0, 0);
	world_free(w);
}

static void test_service_touches_its_cluster(void **state)
{
	struct world *w = settled(NULL, AB);

	world_put(w, SVC_SPEC("web", "a", PORTS("{port: 80, targetPort: 9090}")));
	expect_calls(w, 0, 1, 0, 0);
	gone(w, OBJ_SERVICE, "a");
	expect_calls(w, 0, 1, 0, 0);
	gone(w, OBJ_SERVICE, "c");
	expect_calls(w, 0, 0, 0, 0);
	world_free(w);
}

static void test_ingress_touches_its_hosts(void **state)
{
	struct world *w = settled(NULL, AB);

	/* another Service behind a.test: both its hosts, one cluster more */
	world_put(w, ING("ia", "01",
			 RULES(RULE("a.test", P("/", "Prefix", "c"))
				   RULE("shared.test", P("/a", "Prefix", "a")))));
	expect_calls(w, 2, 1, 0, 0);
	/* one host less: the host is deleted, and the cluster only it used */
	world_put(w, ING("ia", "01", RULES(RULE("shared.test", P("/a", "Prefix", "a")))));
	expect_calls(w, 1, 0, 1, 1);
	/* the last of it */
	gone(w, OBJ_INGRESS, "ia");
	expect_calls(w, 1, 0, 0, 1);
	expect(w, "b.test prefix / web-b-80\nshared.test prefix /b web-b-80\nweb-b-80: "
		  "10.0.0.2:8080\n");
	world_free(w);
}

static void test_renamed_within_one_flush(void **state)
{
	struct world *w = settled(NULL, AB);

	/* deleted and made again before the flush: clusters are not touched */
	gone(w, OBJ_INGRESS, "ia");
	world_put(w, ING("ia", "01",
			 RULES(RULE("a.test", P("/", "Prefix", "a"))
				   RULE("shared.test", P("/a", "Prefix", "a")))));
	expect_calls(w, 2, 0, 0, 0);
	world_free(w);
}

static void test_class_touches_its_ingresses(void **state)
{
	struct world *w = settled(
	    NULL, AB CLASS_OF("other", "k8s.io/ingress-nginx") ING_META(
		      META("web", "x", DAY("03")),
		      "ingressClassName: other, " RULES(RULE("x.test", P("/", "Prefix", "a")))));

	(void)store_delete(w->store, OBJ_CLASS, STR_NONE, STR("other"));
	expect_calls(w, 0, 0, 1, 0);
	world_put(w, CLASS_OF("other", "k8s.io/ingress-nginx"));
	expect_calls(w, 1, 0, 0, 0);
	/* an annotation on the class changes nobody */
	world_put(w, "---\napiVersion: networking.k8s.io/v1\nkind: IngressClass\nmetadata: {name: "
		     "other, annotations: {k: v}}\nspec: {controller: k8s.io/ingress-nginx}\n");
	expect_calls(w, 0, 0, 0, 0);
	world_free(w);
}

static void test_not_ours_costs_nothing(void **state)
{
	struct world *w = settled(NULL, AB);

	world_put(w, CLASS_OF("other", "example.com/x"));
	world_put(w, ING_META(META("web", "x", DAY("03")), "ingressClassName: other, " RULES(RULE(
							       "a.test", P("/x", "Prefix", "a")))));
	expect_calls(w, 0, 0, 0, 0);
	gone(w, OBJ_INGRESS, "x");
	expect_calls(w, 0, 0, 0, 0);
	world_free(w);
}

static void test_default_backend_comes_and_goes(void **state)
{
	struct world *w = settled("default-backend-service=web/c", AB);
	unsigned before = w->picture.puts_default;

	gone(w, OBJ_SLICE, "c-1");
	assert_int_equal(world_flush(w), 1);
	assert_int_equal(w->picture.puts_default, before + 1);
	assert_int_equal(w->picture.default_cluster, 0);
	world_put(w, SLICE("c-1", "c", EP("10.0.0.3")));
	assert_int_equal(world_flush(w), 1);
	assert_int_not_equal(w->picture.default_cluster, 0);
	world_put(w, SLICE("c-1", "c", EP("10.0.0.4")));
	assert_int_equal(world_flush(w), 1);
	assert_int_equal(w->picture.puts_default,
			 before + 2); /* more endpoints: the same default */
	world_free(w);
}

/* --- findings ------------------------------------------------------------------------------ */

static void test_finding_is_told_once(void **state)
{
	struct world *w =
	    settled(NULL, AB ING("late", "03", RULES(RULE("a.test", P("/", "Prefix", "b")))));

	assert_string_equal(w->findings, "PathTaken web/late\n");
	/* the host is rendered again, with the same conflict */
	world_put(w, ING("more", "04", RULES(RULE("a.test", P("/more", "Prefix", "b")))));
	assert_int_equal(world_flush(w), 1);
	assert_string_equal(w->findings, "PathTaken web/late\n");
	world_free(w);
}

static void test_finding_comes_back(void **state)
{
	struct world *w = settled(NULL, AB);

	gone(w, OBJ_SLICE, "a-1");
	assert_int_equal(world_flush(w), 1);
	assert_string_equal(w->findings, "NoEndpoints web/ia\n");
	world_put(w, SVC_SPEC("web", "a", PORTS("{port: 80, targetPort: 9}")));
	assert_int_equal(world_flush(w), 1);
	assert_string_equal(w->findings, "NoEndpoints web/ia\n");
	world_put(w, SLICE("a-1", "a", EP("10.0.0.1")));
	assert_int_equal(world_flush(w), 1);
	gone(w, OBJ_SLICE, "a-1");
	assert_int_equal(world_flush(w), 1);
	assert_string_equal(w->findings, "NoEndpoints web/ia\nNoEndpoints web/ia\n");
	world_free(w);
}

static void test_finding_says_where_and_how(void **state)
{
	struct world *w =
	    settled(NULL, AB ING("late", "03", RULES(RULE("a.test", P("/", "Prefix", "b")))));

	assert_string_equal(w->texts,
			    "path / of host a.test belongs to Ingress web/ia, which is older or "
			    "comes first: remove one of the two\n");
	world_free(w);
}

/* --- transactions -------------------------------------------------------------------------- */

/* The sink fails at every possible call in turn; after the roll back the flush is repeated. */
static void test_every_failure_is_repeated(void **state)
{
	struct world *w = settled(NULL, AB);
	struct picture before = {0};
	char *want;

	world_put(w, ING("ia", "01", RULES(RULE("n.test", P("/", "Prefix", "c")))));
	gone(w, OBJ_SERVICE, "b");
	picture_copy(&before, &w->picture);
	for (int calls = 0; calls < 6; calls++) {
		w->picture.fail_after = calls;
		assert_int_equal(translate_flush(w->t), -1);
		assert_int_equal(errno, ENOSPC);
		picture_free(&w->picture);
		picture_copy(&w->picture, &before);
		translate_rolled_back(w->t);
	}
	w->picture.fail_after = -1;
	assert_int_equal(world_flush(w), 1);
	want = picture_text(&w->picture, SHOW_HOSTS | SHOW_CLUSTERS);
	assert_string_equal(want, "b.test prefix / web-b-80\nn.test prefix / web-c-80\n"
				  "shared.test prefix /b web-b-80\nweb-b-80:\nweb-c-80: "
				  "10.0.0.3:8080\n");
	free(want);
	picture_free(&before);
	expect_calls(w, 0, 0, 0, 0);
	world_free(w);
}

/* A publication that fails after a successful flush. */
static void test_rolled_back_delete(void **state)
{
	struct world *w = settled(NULL, AB);
	struct picture before = {0};

	picture_copy(&before, &w->picture);
	gone(w, OBJ_INGRESS, "ia");
	assert_int_equal(translate_flush(w->t), 1);
	picture_free(&w->picture);
	picture_copy(&w->picture, &before);
	translate_rolled_back(w->t);
	/* made again meanwhile, with one host less */
	world_put(w, ING("ia", "01", RULES(RULE("shared.test", P("/a", "Prefix", "a")))));
	assert_int_equal(world_flush(w), 1);
	expect(w, "b.test prefix / web-b-80\nshared.test prefix /a web-a-80\nshared.test prefix /b "
		  "web-b-80\nweb-a-80: 10.0.0.1:8080\nweb-b-80: 10.0.0.2:8080\n");
	picture_free(&before);
	world_free(w);
}

/* A host the table cannot hold stops nobody else. */
static int refuse_a_test(void *arg, const struct model_host *h)
{
	if (str_eq(h->name, STR("a.test"))) {
		errno = EINVAL;
		return -1;
	}
	return rec_put_host(arg, h);
}

static void test_refused_host_stops_nobody(void **state)
{
	struct world *w = world_new(NULL);
	struct translate_sink sink = picture_sink(&w->picture);

	put_all(w, AB);
	sink.put_host = refuse_a_test;
	w->picture.fail_after = -1;
	w->t = translate_new(&w->conf, w->store, &sink, world_finding, w);
	assert_int_equal(world_flush(w), 1);
	assert_string_equal(w->findings, "HostRefused web/ia\n");
	expect(w, "b.test prefix / web-b-80\nshared.test prefix /a web-a-80\nshared.test prefix /b "
		  "web-b-80\nweb-a-80: 10.0.0.1:8080\nweb-b-80: 10.0.0.2:8080\n");
	world_free(w);
}

/* --- configuration ------------------------------------------------------------------------- */

static void test_conf_change(void **state)
{
	struct world *w = settled(NULL, AB);
	struct conf c;

	world_set(&c, "controller-class=example.com/none");
	translate_set_conf(w->t, &c);
	assert_int_equal(world_flush(w), 1);
	expect(w, "");
	world_set(&c, "default-backend-service=web/c;proxy-body-size=9m");
	translate_set_conf(w->t, &c);
	assert_int_equal(world_flush(w), 1);
	expect(w, "a.test prefix / web-a-80\nb.test prefix / web-b-80\ndefault "
		  "upstream-default-backend\nshared.test prefix /a web-a-80\nshared.test prefix /b "
		  "web-b-80\nupstream-default-backend: 10.0.0.3:8080\nweb-a-80: 10.0.0.1:8080\n"
		  "web-b-80: 10.0.0.2:8080\n");
	assert_int_equal(w->picture.policy.body_max_bytes, 9 << 20);
	world_set(&c, NULL);
	translate_set_conf(w->t, &c);
	assert_int_equal(world_flush(w), 1);
	assert_int_equal(w->picture.default_cluster, 0);
	assert_null(strstr(w->findings, "NoService"));
	world_free(w);
}

static void test_info(void **state)
{
	struct world *w = settled(NULL, AB ING_META(META("web", "x", DAY("03")),
						    "ingressClassName: none, " RULES(
							RULE("x.test", P("/", "Prefix", "a")))));
	struct translate_info i;

	translate_info(w->t, &i);
	assert_int_equal(i.ingresses, 3);
	assert_int_equal(i.taken, 2);
	assert_int_equal(i.annots, 1);
	assert_int_equal(i.hosts, 3);
	assert_int_equal(i.clusters, 2);
	assert_int_equal(i.puts, 6);
	gone(w, OBJ_INGRESS, "ia");
	gone(w, OBJ_INGRESS, "ib");
	gone(w, OBJ_INGRESS, "x");
	assert_int_equal(world_flush(w), 1);
	translate_info(w->t, &i);
	assert_int_equal(i.ingresses + i.taken + i.annots + i.hosts + i.clusters, 0);
	assert_int_equal(i.deletes, 5);
	world_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_first_flush),
	    cmocka_unit_test(test_endpoints_touch_one_cluster),
	    cmocka_unit_test(test_slice_moves_to_another_service),
	    cmocka_unit_test(test_service_touches_its_cluster),
	    cmocka_unit_test(test_ingress_touches_its_hosts),
	    cmocka_unit_test(test_renamed_within_one_flush),
	    cmocka_unit_test(test_class_touches_its_ingresses),
	    cmocka_unit_test(test_not_ours_costs_nothing),
	    cmocka_unit_test(test_default_backend_comes_and_goes),
	    cmocka_unit_test(test_finding_is_told_once),
	    cmocka_unit_test(test_finding_comes_back),
	    cmocka_unit_test(test_finding_says_where_and_how),
	    cmocka_unit_test(test_every_failure_is_repeated),
	    cmocka_unit_test(test_rolled_back_delete),
	    cmocka_unit_test(test_refused_host_stops_nobody),
	    cmocka_unit_test(test_conf_change),
	    cmocka_unit_test(test_info),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
