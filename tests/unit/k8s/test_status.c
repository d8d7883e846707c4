/* status: who is written to, how often, and what an answer means (faults §A.25). */
#include "k8s_test.h"

#include "fake_server.h"
#include "k8s/write/status.h"

struct world {
	struct ev *ev;
	struct fake f;
	struct api_client *client;
	struct store *store;
	struct status_writer *w;
	struct status_addresses want;
	unsigned done;
	bool leader;
	unsigned running, most; /* answers that hang */
};

static bool ours(void *arg, const struct ingress *i)
{
	(void)arg;
	return !str_starts(i->o.name, STR("foreign"));
}

static bool may_write(void *arg)
{
	return ((struct world *)arg)->leader;
}

static const struct status_ops ops = {.ours = ours, .may_write = may_write};

static void on_done(void *arg)
{
	((struct world *)arg)->done++;
}

static void add(struct world *w, const char *name, const char *status, bool file)
{
	char yaml[512];
	struct decode_from from = {.file_mode = file, .file = file ? STR("t.yaml") : STR_NONE};
	struct jv_err err = {0};
	struct json_object *v;
	struct obj *o;

	(void)snprintf(yaml, sizeof(yaml),
		       "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: %s, "
		       "namespace: web}\nspec: {defaultBackend: {service: {name: s, port: {number: "
		       "80}}}}\nstatus: {loadBalancer: {%s}}\n",
		       name, status);
	v = tree_of(yaml);
	o = decode_object(OBJ_INGRESS, v, &from, &err);
	if (o == NULL)
		fail_msg("%s", err.text);
	(void)store_put(w->store, o);
	json_object_put(v);
}

static struct world *open_world(void)
{
	struct world *w = calloc(1, sizeof(*w));

	w->ev = ev_new(EV_BACKEND_POLL);
	fake_open(&w->f, w->ev);
	w->client = api_client_new(w->ev, &w->f.access, "silex/test", 0, 0);
	w->store = store_new();
	w->w = status_new(w->client, w->store, &ops, w);
	assert_non_null(w->w);
	w->leader = true;
	status_addresses_add(&w->want, STR("192.0.2.7"));
	return w;
}

static void close_world(struct world *w)
{
	status_free(w->w);
	store_free(w->store);
	api_client_free(w->client);
	fake_close(&w->f);
	ev_free(w->ev);
	free(w);
}

static void sync_all(struct world *w)
{
	unsigned before = w->done;

	status_sync(w->w, &w->want, on_done);
	WAIT(w->ev, w->done > before);
}

static void expect_stats(struct world *w, uint64_t written, uint64_t unchanged, uint64_t failed)
{
	struct status_stats s;

	status_stats(w->w, &s);
	assert_int_equal(s.written, written);
	assert_int_equal(s.unchanged, unchanged);
	assert_int_equal(s.failed, failed);
}

static void test_addresses(void **state)
{
	struct status_addresses a = {0};
	char name[300];

	(void)state;
	status_addresses_add(&a, STR("lb.example.com"));
	status_addresses_add(&a, STR("192.0.2.9"));
	status_addresses_add(&a, STR("192.0.2.1"));
	status_addresses_add(&a, STR("2001:db8::1"));
	status_addresses_add(&a, STR("192.0.2.9"));
	status_addresses_add(&a, STR_NONE);
	memset(name, 'x', sizeof(name));
	status_addresses_add(&a, str_make(name, sizeof(name)));
	assert_int_equal(a.n, 4);
	assert_string_equal(a.v[0].hostname, "lb.example.com");
	assert_string_equal(a.v[1].ip, "192.0.2.1");
	assert_string_equal(a.v[2].ip, "192.0.2.9");
	assert_string_equal(a.v[3].ip, "2001:db8::1");
	for (unsigned i = 0; i < 2 * STATUS_ADDRESSES_MAX; i++) {
		(void)snprintf(name, sizeof(name), "10.0.0.%u", i);
		status_addresses_add(&a, str_from(name));
	}
	assert_int_equal(a.n, STATUS_ADDRESSES_MAX);
}

#define PATH(name) "/apis/networking.k8s.io/v1/namespaces/web/ingresses/" name "/status"

static void test_who_is_written_to(void **state)
{
	struct world *w = open_world();

	(void)state;
	add(w, "same", "ingress: [{ip: 192.0.2.7}]", false);
	add(w, "other", "ingress: [{ip: 192.0.2.8}]", false);
	add(w, "foreign", "", false);
	add(w, "file", "", true);
	fake_http(&w->f, 200, "{}");
	sync_all(w);
	assert_int_equal(w->f.n, 1);
	assert_true(asked(&w->f, 0, "PATCH " PATH("other") " HTTP/1.1"));
	assert_true(says(&w->f, 0, "Content-Type: application/merge-patch+json"));
	assert_string_equal(
	    body_of(&w->f, 0),
	    "{\"status\":{\"loadBalancer\":{\"ingress\":[{\"ip\":\"192.0.2.7\"}]}}}");
	expect_stats(w, 1, 1, 0);
	close_world(w);
}

static void test_nothing_to_do(void **state)
{
	struct world *w = open_world();

	(void)state;
	status_sync(w->w, &w->want, on_done);
	assert_int_equal(w->done, 1);
	assert_int_equal(w->f.n, 0);
	close_world(w);
}

static void test_cleared(void **state)
{
	struct world *w = open_world();

	(void)state;
	w->want.n = 0;
	add(w, "a", "ingress: [{hostname: lb.test}]", false);
	add(w, "b", "", false);
	fake_http(&w->f, 200, "{}");
	sync_all(w);
	assert_int_equal(w->f.n, 1);
	assert_string_equal(body_of(&w->f, 0),
			    "{\"status\":{\"loadBalancer\":{\"ingress\":null}}}");
	close_world(w);
}

/* 409 and trouble below HTTP are tried again, at most three times in all. */
static void test_tried_again(void **state)
{
	struct world *w = open_world();

	(void)state;
	add(w, "a", "", false);
	fake_http(&w->f, 409, "{}");
	fake_http(&w->f, 503, "{}");
	fake_http(&w->f, 200, "{}");
	sync_all(w);
	assert_int_equal(w->f.n, 3);
	expect_stats(w, 1, 0, 0);
	for (int i = 0; i < 3; i++)
		fake_http(&w->f, 409, "{}");
	sync_all(w);
	assert_int_equal(w->f.n, 6);
	expect_stats(w, 1, 0, 1);
	close_world(w);
}

static void test_given_up(void **state)
{
	struct world *w = open_world();

	(void)state;
	add(w, "a", "", false);
	fake_http(&w->f, 404, "{}"); /* deleted meanwhile: in silence */
	sync_all(w);
	expect_stats(w, 0, 0, 0);
	fake_http(&w->f, 422, "{}");
	sync_all(w);
	fake_http(&w->f, 403, "{}");
	sync_all(w);
	assert_int_equal(w->f.n, 3);
	expect_stats(w, 0, 0, 2);
	close_world(w);
}

static void many(struct world *w, unsigned n)
{
	char name[32];

	for (unsigned i = 0; i < n; i++) {
		(void)snprintf(name, sizeof(name), "i%u", i);
		add(w, name, "", false);
	}
}

static unsigned hanging(const struct fake *f)
{
	unsigned n = 0;

	for (int i = 0; i < FAKE_CONNS; i++)
		n += f->conns[i].f.fd != -1 && f->conns[i].hung;
	return n;
}

static void release_one(struct fake *f)
{
	struct fake_conn *c = fake_hanging(f);
	char *text = http(200, "{}");

	c->hung = false;
	fake_conn_send(c, text);
	free(text);
}

static void test_bounded(void **state)
{
	struct world *w = open_world();

	(void)state;
	many(w, 25);
	status_sync(w->w, &w->want, on_done);
	WAIT(w->ev, hanging(&w->f) == STATUS_RUNNING_MAX);
	for (int i = 0; i < 25; i++) {
		WAIT(w->ev, hanging(&w->f) > 0);
		assert_true(hanging(&w->f) <= STATUS_RUNNING_MAX);
		release_one(&w->f);
	}
	WAIT(w->ev, w->done == 1);
	assert_int_equal(w->f.n, 25);
	close_world(w);
}

/* Not the leader any more: what waits is not written, and no further write begins. */
static void test_leadership_lost(void **state)
{
	struct world *w = open_world();

	(void)state;
	many(w, 25);
	status_sync(w->w, &w->want, on_done);
	WAIT(w->ev, hanging(&w->f) == STATUS_RUNNING_MAX);
	w->leader = false;
	while (hanging(&w->f) > 0)
		release_one(&w->f);
	WAIT(w->ev, w->done == 1);
	assert_int_equal(w->f.n, STATUS_RUNNING_MAX);

	w->leader = true;
	status_sync(w->w, &w->want, on_done);
	WAIT(w->ev, hanging(&w->f) == STATUS_RUNNING_MAX);
	status_stop(w->w);
	for (unsigned i = 0; i < STATUS_RUNNING_MAX; i++)
		release_one(&w->f);
	for (int i = 0; i < 5; i++)
		(void)ev_turn(w->ev, 1);
	assert_int_equal(w->done, 1); /* nobody waits for it any more */
	assert_int_equal(w->f.n, 2 * STATUS_RUNNING_MAX);
	close_world(w);
}

/* Another address while writes are under way: the old one never lands on the new one. */
static void test_sync_while_writing(void **state)
{
	struct world *w = open_world();
	struct status_addresses next = {0};

	(void)state;
	add(w, "a", "", false);
	status_sync(w->w, &w->want, on_done);
	WAIT(w->ev, hanging(&w->f) == 1);
	status_addresses_add(&next, STR("192.0.2.8"));
	status_sync(w->w, &next, on_done);
	for (int i = 0; i < 5; i++)
		(void)ev_turn(w->ev, 1);
	assert_int_equal(w->f.n, 1);
	fake_http(&w->f, 200, "{}");
	release_one(&w->f);
	WAIT(w->ev, w->done == 1);
	assert_int_equal(w->f.n, 2);
	assert_non_null(strstr(body_of(&w->f, 1), "192.0.2.8"));
	close_world(w);
}

static void test_freed_while_writing(void **state)
{
	struct world *w = open_world();

	(void)state;
	many(w, 15);
	status_sync(w->w, &w->want, on_done);
	WAIT(w->ev, hanging(&w->f) == STATUS_RUNNING_MAX);
	close_world(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_addresses),
	    cmocka_unit_test(test_who_is_written_to),
	    cmocka_unit_test(test_nothing_to_do),
	    cmocka_unit_test(test_cleared),
	    cmocka_unit_test(test_tried_again),
	    cmocka_unit_test(test_given_up),
	    cmocka_unit_test(test_bounded),
	    cmocka_unit_test(test_leadership_lost),
	    cmocka_unit_test(test_sync_while_writing),
	    cmocka_unit_test(test_freed_while_writing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
