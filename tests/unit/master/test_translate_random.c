/*
 * Random lives of random objects: whatever the order of changes, flushes, failures, roll backs
 * and publications, the table ends as a translation from scratch would make it.
 */
#include "translate_fixture.h"

static uint64_t rng;

static unsigned below(unsigned n)
{
	rng ^= rng << 13;
	rng ^= rng >> 7;
	rng ^= rng << 17;
	return (unsigned)((rng >> 11) % n);
}

static const char *one_of(const char *const *list)
{
	unsigned n = 0;

	while (list[n] != NULL)
		n++;
	return list[below(n)];
}

static const char *const namespaces[] = {"web", "dev", NULL};
static const char *const classes[] = {"nginx", "edge", NULL};
static const char *const controllers[] = {"k8s.io/ingress-nginx", "example.com/other", NULL};
static const char *const services[] = {"a", "b", "c", NULL};
static const char *const slices[] = {"s1", "s2", "s3", "s4", NULL};
static const char *const ingresses[] = {"i1", "i2", "i3", "i4", NULL};
static const char *const hosts[] = {"'a.test'", "'b.test'", "'*.test'", "''", NULL};
static const char *const paths[] = {"/", "/x", "/x/", "/x/z", "/xz", NULL};
static const char *const types[] = {"Exact", "Prefix", "ImplementationSpecific", NULL};
static const char *const ports[] = {"number: 80", "name: http", "number: 8080", NULL};
static const char *const conditions[] = {"ready: true", "ready: false",
					 "ready: false, serving: true, terminating: true", NULL};

static char yaml[TEXT_MAX];

static void add_backend(void)
{
	append(yaml, BACKEND("%s", "%s"), one_of(services), one_of(ports));
}

static void random_rules(void)
{
	append(yaml, "rules: [");
	for (unsigned r = below(3) + 1; r > 0; r--) {
		append(yaml, "{host: %s, http: {paths: [", one_of(hosts));
		for (unsigned p = below(3) + 1; p > 0; p--) {
			append(yaml, "{path: %s, pathType: %s, backend: ", one_of(paths),
			       one_of(types));
			add_backend();
			append(yaml, "}, ");
		}
		append(yaml, "]}}, ");
	}
	append(yaml, "]");
}

static void random_ingress(void)
{
	bool has_default = below(3) == 0;

	append(yaml,
	       "apiVersion: networking.k8s.io/v1\nkind: Ingress\n" META(
		   "%s", "%s", DAY("0%u")) "}\nspec: {ingressClassName: %s, ",
	       one_of(namespaces), one_of(ingresses), below(4) + 1, one_of(classes));
	if (has_default) {
		append(yaml, "defaultBackend: ");
		add_backend();
		append(yaml, ", ");
	}
	if (!has_default || below(2) == 0)
		random_rules();
	append(yaml, "}\n");
}

static void random_service(void)
{
	const char *ns = one_of(namespaces), *name = one_of(services);

	if (below(8) == 0)
		append(yaml, SVC_SPEC("%s", "%s", "type: ExternalName, externalName: 10.8.8.8"), ns,
		       name);
	else
		append(yaml, SVC_SPEC("%s", "%s", PORTS("{name: %s, port: 80, targetPort: %u}")),
		       ns, name, below(2) == 0 ? "http" : "web", below(2) == 0 ? 8080 : 9090);
}

static void random_slice(void)
{
	append(
	    yaml,
	    "apiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\nmetadata: {name: %s, namespace: "
	    "%s, labels: {kubernetes.io/service-name: %s}}\naddressType: IPv4\nports: [{name: "
	    "http, port: 8080}]\nendpoints: [",
	    one_of(slices), one_of(namespaces), one_of(services));
	for (unsigned n = below(3); n > 0; n--)
		append(yaml, "{addresses: [10.0.0.%u], conditions: {%s}}, ", below(4) + 1,
		       one_of(conditions));
	append(yaml, "]\n");
}

static void random_class(void)
{
	append(yaml, CLASS_OF("%s", "%s"), one_of(classes), one_of(controllers));
}

static void random_put(struct world *w)
{
	static void (*const makers[])(void) = {random_ingress, random_ingress, random_ingress,
					       random_service, random_slice,   random_slice,
					       random_class};

	yaml[0] = '\0';
	makers[below(sizeof(makers) / sizeof(makers[0]))]();
	world_put(w, yaml);
}

static void random_delete(struct world *w)
{
	static const struct {
		enum obj_kind kind;
		const char *const *names;
	} kinds[] = {{OBJ_INGRESS, ingresses},
		     {OBJ_SERVICE, services},
		     {OBJ_SLICE, slices},
		     {OBJ_CLASS, classes}};
	unsigned k = below(4);

	(void)store_delete(w->store, kinds[k].kind, str_from(one_of(namespaces)),
			   str_from(one_of(kinds[k].names)));
}

static void roll_back(struct world *w, const struct picture *published)
{
	picture_free(&w->picture);
	picture_copy(&w->picture, published);
	translate_rolled_back(w->t);
}

static void publish(struct world *w, struct picture *published)
{
	translate_published(w->t);
	picture_free(published);
	picture_copy(published, &w->picture);
}

static void random_flush(struct world *w, struct picture *published)
{
	w->picture.fail_after = below(3) == 0 ? (int)below(6) : -1;
	if (translate_flush(w->t) == -1) {
		roll_back(w, published);
		return;
	}
	if (below(2) == 0)
		publish(w, published);
	else if (below(3) == 0)
		roll_back(w, published);
	/* else: more may join the transaction */
}

static void compare(struct world *w, unsigned seed, unsigned step)
{
	struct picture scratch = {.fail_after = -1};
	struct translate_sink sink = picture_sink(&scratch);
	struct translate *t = translate_new(&w->conf, w->store, &sink, world_finding, w);
	char *got, *want;

	assert_int_not_equal(translate_flush(t), -1);
	got = picture_text(&w->picture, SHOW_ALL);
	want = picture_text(&scratch, SHOW_ALL);
	if (strcmp(got, want) != 0)
		fail_msg("seed %u step %u\n--- incremental\n%s--- from scratch\n%s", seed, step,
			 got, want);
	assert_null(strstr(got, "DANGLING"));
	free(got);
	free(want);
	translate_free(t);
	picture_free(&scratch);
}

static void live(unsigned seed)
{
	struct world *w = world_new(seed % 2 == 0 ? "default-backend-service=web/a" : NULL);
	struct picture published = {0};

	rng = 0x9e3779b97f4a7c15ull * (seed + 1);
	world_translate(w);
	for (unsigned step = 1; step <= 240; step++) {
		if (below(4) == 0)
			random_delete(w);
		else
			random_put(w);
		if (below(3) == 0)
			random_flush(w, &published);
		if (step % 12 == 0) {
			w->picture.fail_after = -1;
			assert_int_not_equal(translate_flush(w->t), -1);
			publish(w, &published);
			w->findings[0] = w->texts[0] = '\0';
			compare(w, seed, step);
			w->findings[0] = w->texts[0] = '\0';
		}
	}
	picture_free(&published);
	world_free(w);
}

static void test_random_lives(void **state)
{
	for (unsigned seed = 0; seed < 40; seed++)
		live(seed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_random_lives),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
