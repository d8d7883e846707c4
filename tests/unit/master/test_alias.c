/* server-alias: which names a host has besides its own, and who is told that one is not had. Every
 * row runs twice, as in test_translate.c, and once more with another Ingress away again. */
#include "translate_fixture.h"

#define ALIAS(names) "nginx.ingress.kubernetes.io/server-alias: '" names "'"
#define WWW          "nginx.ingress.kubernetes.io/from-to-www-redirect: 'true'"
#define CANARY       "nginx.ingress.kubernetes.io/canary: 'true'"
#define ANN(name, day, annotations, spec)                                        \
	ING_META(META("web", name, DAY(day)) ", annotations: {" annotations "}", \
		 "ingressClassName: nginx, " spec)
#define ONE(host, svc) RULES(RULE(host, P("/", "Prefix", svc)))
#define APPS           CLASS APP("app", "10.0.0.1") APP("two", "10.0.0.2")

struct row {
	const char *name, *yaml, *hosts, *findings;
};

static const struct row rows[] = {
    {"names of a host", APPS ANN("x", "01", ALIAS("b.test, C.TEST,*.d.test"), ONE("a.test", "app")),
     "*.d.test prefix / web-app-80\na.test prefix / web-app-80\nb.test prefix / web-app-80\n"
     "c.test prefix / web-app-80\n",
     ""},
    {"what others have for the host is served, too",
     APPS ANN("x", "01", ALIAS("b.test"), ONE("a.test", "app"))
	 ING("u", "02", RULES(RULE("a.test", P("/two", "Prefix", "two")))),
     "a.test prefix / web-app-80\na.test prefix /two web-two-80\nb.test prefix / web-app-80\n"
     "b.test prefix /two web-two-80\n",
     ""},
    {"a host stays what it is",
     APPS ANN("x", "01", ALIAS("b.test"), ONE("a.test", "app"))
	 ING("u", "02", ONE("b.test", "two")),
     "a.test prefix / web-app-80\nb.test prefix / web-two-80\n", "HostTaken web/x\n"},
    {"a canary's rule makes no host",
     APPS ANN("x", "01", ALIAS("b.test"), ONE("a.test", "app"))
	 ANN("u", "02", CANARY, ONE("b.test", "two")),
     "a.test prefix / web-app-80\nb.test prefix / web-app-80\n", ""},
    {"of a host the oldest counts",
     APPS ANN("x", "02", ALIAS("b.test"), ONE("a.test", "app"))
	 ANN("u", "01", ALIAS("c.test"), RULES(RULE("a.test", P("/two", "Prefix", "two")))),
     "a.test prefix / web-app-80\na.test prefix /two web-two-80\nc.test prefix / web-app-80\n"
     "c.test prefix /two web-two-80\n",
     "HostTaken web/x\n"},
    {"of two that give one name the older counts",
     APPS ANN("x", "02", ALIAS("c.test"), ONE("a.test", "app"))
	 ANN("u", "01", ALIAS("c.test"), ONE("b.test", "two")),
     "a.test prefix / web-app-80\nb.test prefix / web-two-80\nc.test prefix / web-two-80\n",
     "HostTaken web/x\n"},
    {"of two hosts the first in order has it",
     APPS ANN("x", "01", ALIAS("c.test"),
	      RULES(RULE("b.test", P("/", "Prefix", "two"))
			RULE("a.test", P("/", "Prefix", "app")))),
     "a.test prefix / web-app-80\nb.test prefix / web-two-80\nc.test prefix / web-app-80\n",
     "HostTaken web/x\n"},
    {"the other name of a host redirects",
     APPS ANN("x", "01", ALIAS("www.a.test, b.test") ", " WWW, ONE("a.test", "app")),
     "a.test prefix / web-app-80\nb.test prefix / web-app-80\nwww.a.test prefix / none\n",
     "HostTaken web/x\n"},
    {"no names",
     APPS ANN("x", "01", ALIAS("~^b, b..test, *.*.test, b/c, -, ok.test,"), ONE("a.test", "app")),
     "- prefix / web-app-80\na.test prefix / web-app-80\nok.test prefix / web-app-80\n",
     "AnnotationParsingFailed web/x\nAnnotationParsingFailed web/x\n"
     "AnnotationParsingFailed web/x\nAnnotationParsingFailed web/x\n"},
    {"nothing to have another name", APPS ANN("x", "01", ALIAS("b.test"), DEFAULT("app")),
     "* prefix / web-app-80 default\n", "AnnotationParsingFailed web/x\n"},
    {"a canary gives no names",
     APPS ANN("x", "01", CANARY ", " ALIAS("b.test"), ONE("a.test", "two"))
	 ING("u", "02", ONE("a.test", "app")),
     "a.test prefix / web-app-80\n", ""},
    {"of the catch-all", APPS ANN("x", "01", ALIAS("b.test"), RULES(ANY(P("/", "Prefix", "app")))),
     "* prefix / web-app-80\nb.test prefix / web-app-80\n", ""},
    /* Each of two hosts has a name in passing that the other gives: nothing goes round for ever. */
    {"crosswise",
     APPS ANN("i", "02", ALIAS("x.test"), ONE("a.test", "app"))
	 ANN("z", "01", ALIAS("y.test"), ONE("a.test", "app"))
	     ANN("j", "04", ALIAS("y.test"), ONE("b.test", "two"))
		 ANN("k", "03", ALIAS("x.test"), ONE("b.test", "two")),
     "a.test prefix / web-app-80\nb.test prefix / web-two-80\nx.test prefix / web-two-80\n"
     "y.test prefix / web-app-80\n",
     NULL},
};

static void check(const struct row *r, const char *how, struct world *w)
{
	char *hosts = picture_text(&w->picture, SHOW_HOSTS);

	if (strcmp(hosts, r->hosts) != 0)
		fail_msg("%s (%s)\n--- got\n%s--- want\n%s", r->name, how, hosts, r->hosts);
	free(hosts);
}

static struct world *at_once(const struct row *r)
{
	struct world *w = world_new(NULL);
	struct objects o;

	decode_yaml(r->yaml, false, &o);
	for (unsigned i = 0; i < o.n; i++)
		(void)store_put(w->store, o.v[i]);
	world_translate(w);
	assert_int_equal(world_flush(w), 1);
	check(r, "at once", w);
	assert_int_equal(world_flush(w), 0);
	return w;
}

static void one_by_one(const struct row *r)
{
	struct world *w = world_new(NULL);
	struct objects o;

	world_translate(w);
	decode_yaml(r->yaml, false, &o);
	for (unsigned i = o.n; i-- > 0;) {
		(void)store_put(w->store, o.v[i]);
		assert_int_not_equal(world_flush(w), -1);
	}
	check(r, "one by one", w);
	world_free(w);
}

static void test_rows(void **state)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct world *w = at_once(&rows[i]);

		/* (PathTaken: told once, of the host, not again of its names.) */
		if (rows[i].findings != NULL && strcmp(w->findings, rows[i].findings) != 0)
			fail_msg("%s: findings\n--- got\n%s%s--- want\n%s", rows[i].name,
				 w->findings, w->texts, rows[i].findings);
		world_free(w);
		one_by_one(&rows[i]);
	}
}

static void expect(struct world *w, const char *hosts)
{
	char *got;

	assert_int_equal(world_flush(w), 1);
	got = picture_text(&w->picture, SHOW_HOSTS);
	assert_string_equal(got, hosts);
	free(got);
}

/* A name follows whatever becomes of its host, and of those that have a better right to it. */
static void test_changes(void **state)
{
	const struct row first = {"", APPS ANN("x", "02", ALIAS("b.test"), ONE("a.test", "app")),
				  "a.test prefix / web-app-80\nb.test prefix / web-app-80\n", ""};
	struct world *w = at_once(&first);

	/* Another one's path of the host. */
	world_put(w, ING("u", "03", RULES(RULE("a.test", P("/two", "Prefix", "two")))));
	expect(w, "a.test prefix / web-app-80\na.test prefix /two web-two-80\n"
		  "b.test prefix / web-app-80\nb.test prefix /two web-two-80\n");
	/* An older one decides what names the host has. */
	world_put(
	    w, ANN("u", "01", ALIAS("c.test"), RULES(RULE("a.test", P("/two", "Prefix", "two")))));
	expect(w, "a.test prefix / web-app-80\na.test prefix /two web-two-80\n"
		  "c.test prefix / web-app-80\nc.test prefix /two web-two-80\n");
	assert_non_null(strstr(w->texts, "another one is older"));
	(void)store_delete(w->store, OBJ_INGRESS, STR("web"), STR("u"));
	expect(w, first.hosts);
	/* The name becomes a host, and ceases to be one. */
	world_put(w, ING("z", "03", ONE("b.test", "two")));
	expect(w, "a.test prefix / web-app-80\nb.test prefix / web-two-80\n");
	(void)store_delete(w->store, OBJ_INGRESS, STR("web"), STR("z"));
	expect(w, first.hosts);
	/* Another name, and none. */
	world_put(w, ANN("x", "02", ALIAS("c.test"), ONE("a.test", "app")));
	expect(w, "a.test prefix / web-app-80\nc.test prefix / web-app-80\n");
	(void)store_delete(w->store, OBJ_INGRESS, STR("web"), STR("x"));
	expect(w, "");
	world_free(w);
}

/* A transaction that came to nothing is done again, names and all. */
static void test_rolled_back(void **state)
{
	struct row first = {"", APPS ANN("x", "02", ALIAS("b.test"), ONE("a.test", "app")),
			    "a.test prefix / web-app-80\nb.test prefix / web-app-80\n", ""};
	struct world *w = at_once(&first);

	for (int after = 0; after < 4; after++) {
		struct picture before = {.n = 0};

		picture_copy(&before, &w->picture);
		world_put(w, after % 2 == 0
				 ? ANN("x", "02", ALIAS("c.test"), ONE("a.test", "two"))
				 : ANN("x", "02", ALIAS("b.test"), ONE("a.test", "app")));
		w->picture.fail_after = after % 3;
		assert_int_equal(world_flush(w), -1);
		translate_rolled_back(w->t);
		before.fail_after = -1;
		picture_free(&w->picture);
		w->picture = before;
		expect(w, after % 2 == 0
			      ? "a.test prefix / web-two-80\nc.test prefix / web-two-80\n"
			      : first.hosts);
	}
	world_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_rows),
	    cmocka_unit_test(test_changes),
	    cmocka_unit_test(test_rolled_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
