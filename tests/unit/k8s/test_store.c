/* store: notifications, order by age, relists, slices by Service. */
#include "k8s_test.h"

#include <stdio.h>

#include "k8s/objects/store.h"

struct heard {
	char text[512];
};

static void hear(void *arg, const struct obj *old, const struct obj *new)
{
	struct heard *h = arg;
	const struct obj *o = new != NULL ? new : old;
	size_t n = strlen(h->text);

	snprintf(h->text + n, sizeof(h->text) - n, "%c%.*s ",
		 new == NULL   ? '-'
		 : old == NULL ? '+'
			       : '~',
		 STR_ARG(o->name));
}

/* As from the API server: no file. */
static struct obj *config(const char *ns, const char *name, const char *rv)
{
	char text[256];
	struct obj *o;

	snprintf(text, sizeof(text),
		 "{apiVersion: v1, kind: ConfigMap, metadata: {namespace: %s, name: %s, "
		 "resourceVersion: '%s', uid: u}}",
		 ns, name, rv);
	o = object_of(text);
	o->file = STR_NONE;
	return o;
}

static void expect(struct heard *h, const char *want)
{
	assert_string_equal(h->text, want);
	h->text[0] = '\0';
}

static void test_changes(void **state)
{
	struct store *s = store_new();
	struct heard h = {""};

	store_listen(s, hear, &h);
	assert_true(store_put(s, config("a", "x", "1")));
	assert_true(store_put(s, config("b", "x", "1")));
	assert_false(store_put(s, config("a", "x", "1")));
	assert_true(store_put(s, config("a", "x", "2")));
	expect(&h, "+x +x ~x ");
	assert_int_equal(store_count(s, OBJ_CONFIGMAP), 2);
	assert_str(store_get(s, OBJ_CONFIGMAP, STR("a"), STR("x"))->resource_version, "2");
	assert_null(store_get(s, OBJ_CONFIGMAP, STR("c"), STR("x")));
	assert_null(store_get(s, OBJ_SECRET, STR("a"), STR("x")));
	assert_true(store_delete(s, OBJ_CONFIGMAP, STR("a"), STR("x")));
	assert_false(store_delete(s, OBJ_CONFIGMAP, STR("a"), STR("x")));
	expect(&h, "-x ");
	assert_true(store_delete(s, OBJ_CONFIGMAP, STR("b"), STR("x")));
	assert_int_equal(store_bytes(s), 0);
	store_free(s);
}

/* In file mode the text decides; a moved line is not a change, and is known all the same. */
static void test_content(void **state)
{
	struct store *s = store_new();
	struct obj *o = config("a", "x", "");

	o->content = 7;
	o->line = 3;
	assert_true(store_put(s, o));
	o = config("a", "x", "");
	o->content = 7;
	o->line = 5;
	assert_false(store_put(s, o));
	assert_int_equal(store_first(s, OBJ_CONFIGMAP)->line, 5);
	o = config("a", "x", "");
	o->content = 8;
	assert_true(store_put(s, o));
	store_free(s);
}

static void test_replace(void **state)
{
	struct store *s = store_new();
	struct heard h = {""};

	store_put(s, config("a", "x", "1"));
	store_put(s, config("a", "v", "1"));
	store_put(s, config("a", "z", "1"));
	store_put(s, config("b", "x", "1"));
	store_listen(s, hear, &h);
	store_replace_begin(s, OBJ_CONFIGMAP);
	store_put(s, config("a", "x", "1"));
	store_put(s, config("a", "v", "2"));
	store_put(s, config("a", "w", "1"));
	expect(&h, "~v +w ");
	store_replace_end(s, OBJ_CONFIGMAP, STR("a"));
	expect(&h, "-z ");
	store_replace_begin(s, OBJ_CONFIGMAP);
	store_replace_end(s, OBJ_CONFIGMAP, STR_NONE);
	expect(&h, "-v -w -x -x ");
	store_free(s);
}

/* A relist of the API leaves alone what stands in a file. */
static void test_replace_leaves_files(void **state)
{
	struct store *s = store_new();
	struct heard h = {""};
	struct obj *o = config("a", "of-file", "");

	o->file = STR("a.yaml");
	store_put(s, o);
	store_put(s, config("a", "of-api", "1"));
	store_listen(s, hear, &h);
	store_replace_begin(s, OBJ_CONFIGMAP);
	store_replace_end(s, OBJ_CONFIGMAP, STR_NONE);
	expect(&h, "-of-api ");
	store_free(s);
}

/* A Secret of the API: text is its stringData's tls.key. */
static struct obj *secret_of(const char *version, const char *key)
{
	char text[512];
	struct obj *o;

	snprintf(
	    text, sizeof(text),
	    "{apiVersion: v1, kind: Secret, metadata: {name: s, resourceVersion: '%s', uid: u},"
	    " data: {tls.key: %s}, stringData: {tls.crt: crt, tls.key: '%s', "
	    "bundle: '-----BEGIN RSA PRIVATE KEY-----very private'}}",
	    version, "c3RyaW5nRGF0YSB3aW5z", key);
	o = object_of(text);
	o->file = STR_NONE;
	o->content = 0;
	return o;
}

static bool contains(const struct obj *o, const char *needle)
{
	return memmem(o, o->bytes, needle, strlen(needle)) != NULL;
}

struct again {
	unsigned n;
	char key[64];
};

static void hear_again(void *arg, const struct secret *again)
{
	struct again *a = arg;

	a->n++;
	snprintf(a->key, sizeof(a->key), STR_FMT,
		 STR_ARG(*obj_map_get(&again->data, STR("tls.key"))));
}

/* The rest of the Secret stays, but for the certificate; who asks the source for it again hears of
 * it, and nobody else. */
static void test_keys_are_forgotten(void **state)
{
	struct store *s = store_new();
	const struct secret *is;
	struct heard h = {""};
	struct again a = {0};
	struct obj *o = secret_of("1", "very private");

	assert_false(contains(o, "stringData wins")); /* nobody could reach it */
	store_listen(s, hear, &h);
	store_listen_again(s, hear_again, &a);
	store_put(s, o);
	assert_int_equal(store_bytes(s), o->bytes + secret_aside_bytes(obj_secret(o)));
	assert_str(*obj_map_get(&obj_secret(o)->data, STR("tls.crt")), "crt");
	assert_false(store_put(s, secret_of("1", "very private")));
	assert_int_equal(a.n, 0);
	store_forget_keys(s);
	store_forget_keys(s);
	is = obj_secret(store_get(s, OBJ_SECRET, STR("default"), STR("s")));
	assert_true(is->key_gone && !is->has_key);
	assert_false(contains(&is->o, "very private"));
	assert_int_equal(obj_map_get(&is->data, STR("tls.crt"))->n, 0);
	assert_int_equal(obj_map_get(&is->data, STR("tls.key"))->n, 0);
	assert_true(is->has_pair && is->aside == NULL);
	assert_int_equal(store_bytes(s), is->o.bytes);

	expect(&h, "+s ");
	assert_false(store_put(s, secret_of("1", "very private")));
	expect(&h, "");
	assert_int_equal(a.n, 1);
	assert_string_equal(a.key, "very private");
	assert_false(contains(&is->o, "very private"));
	assert_true(store_put(s, secret_of("2", "another"))); /* a change, as ever */
	assert_int_equal(a.n, 1);
	expect(&h, "~s ");
	assert_true(store_delete(s, OBJ_SECRET, STR("default"), STR("s")));
	assert_int_equal(store_bytes(s), 0);
	store_forget_keys(s);
	store_free(s);
}

/* Without a key there is nothing to forget: the certificate of another authority, say. */
static void test_a_certificate_alone_stays(void **state)
{
	struct store *s = store_new();
	const struct secret *is;

	store_put(s, object_of("{apiVersion: v1, kind: Secret, metadata: {name: ca}, "
			       "stringData: {tls.crt: crt, ca.crt: ca}}"));
	store_forget_keys(s);
	is = obj_secret(store_get(s, OBJ_SECRET, STR("default"), STR("ca")));
	assert_str(*obj_map_get(&is->data, STR("tls.crt")), "crt");
	assert_str(*obj_map_get(&is->data, STR("ca.crt")), "ca");
	assert_true(is->has_pair && !is->key_gone);
	store_free(s);
}

static struct obj *namespace_at(const char *name, const char *created, const char *file,
				uint32_t doc)
{
	char text[256];
	struct obj *o;

	snprintf(text, sizeof(text),
		 "{apiVersion: v1, kind: Namespace, metadata: {name: %s, creationTimestamp: %s}}",
		 name, created);
	o = object_of(text);
	o->file = str_from(file);
	o->doc = doc;
	return o;
}

static void test_age(void **state)
{
	static const char want[] = "old m3 m2 mid f1 f2 f3 f4 ";
	struct store *s = store_new();
	char got[128] = "";

	store_put(s, namespace_at("f4", "null", "b.yaml", 1));
	store_put(s, namespace_at("f1", "null", "a.yaml", 0));
	store_put(s, namespace_at("f3", "null", "b.yaml", 0));
	store_put(s, namespace_at("f2", "null", "a.yaml", 4));
	store_put(s, namespace_at("m2", "'2024-05-01T10:00:00Z'", "", 0));
	store_put(s, namespace_at("m3", "'2024-05-01T10:00:00Z'", "", 0));
	store_put(s, namespace_at("mid", "'2024-05-01T10:00:01Z'", "", 0));
	store_put(s, namespace_at("old", "'2020-05-01T10:00:00Z'", "", 0));
	for (const struct obj *o = store_first(s, OBJ_NAMESPACE); o != NULL; o = store_next(o))
		snprintf(got + strlen(got), sizeof(got) - strlen(got), "%.*s ", STR_ARG(o->name));
	assert_string_equal(got, want);
	store_free(s);
}

/* "a-b/x" < "a/x" as text, although "a" < "a-b": the API's tie is broken by the joined text. */
static void test_age_joined(void **state)
{
	struct obj *a = config("a", "x", "1"), *b = config("a-b", "x", "1");

	a->file = b->file = STR_NONE;
	a->created = b->created = 5;
	assert_true(obj_age_cmp(a, b) < 0);
	obj_free(a);
	obj_free(b);
}

static struct obj *slice(const char *ns, const char *name, const char *service)
{
	char text[256];

	snprintf(
	    text, sizeof(text),
	    "{apiVersion: discovery.k8s.io/v1, kind: EndpointSlice, addressType: IPv4, metadata: "
	    "{namespace: %s, name: %s, labels: {kubernetes.io/service-name: %s}}}",
	    ns, name, service);
	return object_of(text);
}

static unsigned slices(const struct store *s, struct str ns, struct str service)
{
	unsigned n = 0;

	for (const struct endpoint_slice *e = store_slice_first(s, ns, service); e != NULL;
	     e = store_slice_next(e))
		n++;
	return n;
}

static void test_slices(void **state)
{
	struct store *s = store_new();

	store_put(s, slice("a", "s1", "web"));
	store_put(s, slice("a", "s2", "web"));
	store_put(s, slice("a", "s3", "web2"));
	store_put(s, slice("b", "s1", "web"));
	assert_int_equal(slices(s, STR("a"), STR("web")), 2);
	assert_int_equal(slices(s, STR("a"), STR("we")), 0);
	assert_int_equal(slices(s, STR("b"), STR("web")), 1);
	store_put(s, slice("a", "s2", "web2"));
	assert_int_equal(slices(s, STR("a"), STR("web")), 1);
	assert_int_equal(slices(s, STR("a"), STR("web2")), 2);
	store_delete(s, OBJ_SLICE, STR("a"), STR("s1"));
	assert_int_equal(slices(s, STR("a"), STR("web")), 0);
	store_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_changes),
	    cmocka_unit_test(test_content),
	    cmocka_unit_test(test_replace),
	    cmocka_unit_test(test_replace_leaves_files),
	    cmocka_unit_test(test_age),
	    cmocka_unit_test(test_age_joined),
	    cmocka_unit_test(test_slices),
	    cmocka_unit_test(test_keys_are_forgotten),
	    cmocka_unit_test(test_a_certificate_alone_stays),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
