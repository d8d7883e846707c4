/* events: what an Event looks like, that repeats are counted and not repeated, and that there is
 * never a storm. */
#include "k8s_test.h"

#include "fake_server.h"
#include "k8s/write/events.h"

struct world {
	struct ev *ev;
	struct fake f;
	struct api_client *client;
	struct events *e;
};

static struct world *open_world(void)
{
	struct world *w = calloc(1, sizeof(*w));

	w->ev = ev_new(EV_BACKEND_POLL);
	fake_open(&w->f, w->ev);
	w->client = api_client_new(w->ev, &w->f.access, "silex/test", 0, 0);
	w->e = events_new(w->ev, w->client, "nginx-ingress-controller", "silex-0");
	assert_non_null(w->e);
	return w;
}

static void close_world(struct world *w)
{
	events_free(w->e);
	api_client_free(w->client);
	fake_close(&w->f);
	ev_free(w->ev);
	free(w);
}

static char *created(struct fake *f, const char *request)
{
	(void)f;
	return http(strncmp(request, "POST", 4) == 0 ? 201 : 200, "{}");
}

static struct event_about about(const char *name)
{
	return (struct event_about){.api_version = "networking.k8s.io/v1",
				    .kind = "Ingress",
				    .ns = STR("web"),
				    .name = str_from(name),
				    .uid = STR("u-1"),
				    .resource_version = STR("7")};
}

static void emit(struct world *w, const char *name, const char *message)
{
	struct event_about a = about(name);

	events_emit(w->e, &a, true, "PathTaken", message);
}

static struct events_stats stats(struct world *w)
{
	struct events_stats s;

	events_stats(w->e, &s);
	return s;
}

static void test_looks(void **state)
{
	struct world *w = open_world();
	struct json_object *tree, *v;
	struct str body;
	struct jv_err err = {0};

	(void)state;
	fake_http(&w->f, 201, "{}");
	emit(w, "app", "host \"a\"\nis taken");
	WAIT(w->ev, stats(w).written == 1);
	assert_true(asked(&w->f, 0, "POST /api/v1/namespaces/web/events HTTP/1.1"));
	body = str_from(body_of(&w->f, 0));
	tree = jv_parse(&body, &err);
	assert_non_null(tree);
#define TEXT(o, key) (json_object_object_get_ex(o, key, &v) ? json_object_get_string(v) : "-")
	assert_string_equal(TEXT(tree, "kind"), "Event");
	assert_string_equal(TEXT(tree, "type"), "Warning");
	assert_string_equal(TEXT(tree, "reason"), "PathTaken");
	assert_string_equal(TEXT(tree, "message"), "host \"a\"\nis taken");
	assert_string_equal(TEXT(tree, "count"), "1");
	assert_string_equal(TEXT(tree, "reportingComponent"), "nginx-ingress-controller");
	assert_string_equal(TEXT(tree, "reportingInstance"), "silex-0");
	assert_string_equal(TEXT(tree, "firstTimestamp"), TEXT(tree, "lastTimestamp"));
	assert_int_equal(strlen(TEXT(tree, "firstTimestamp")), 20);
	assert_true(json_object_object_get_ex(tree, "involvedObject", &v));
	{
		struct json_object *o = v;

		assert_string_equal(TEXT(o, "kind"), "Ingress");
		assert_string_equal(TEXT(o, "name"), "app");
		assert_string_equal(TEXT(o, "namespace"), "web");
		assert_string_equal(TEXT(o, "uid"), "u-1");
		assert_string_equal(TEXT(o, "resourceVersion"), "7");
	}
	json_object_put(tree);
	close_world(w);
}

/* An object without namespace: its Events live in "default". */
static void test_cluster_scoped(void **state)
{
	struct world *w = open_world();
	struct event_about a = {
	    .api_version = "networking.k8s.io/v1", .kind = "IngressClass", .name = STR("nginx")};

	(void)state;
	fake_http(&w->f, 201, "{}");
	events_emit(w->e, &a, false, "Sync", "text");
	WAIT(w->ev, stats(w).written == 1);
	assert_true(asked(&w->f, 0, "POST /api/v1/namespaces/default/events HTTP/1.1"));
	assert_true(says(&w->f, 0, "\"type\":\"Normal\""));
	close_world(w);
}

/* Repeats within EVENTS_REPEAT_MS are one write with a count. */
static void test_counted(void **state)
{
	struct world *w = open_world();

	(void)state;
	w->f.answer = created;
	emit(w, "app", "x");
	WAIT(w->ev, stats(w).written == 1);
	for (int i = 0; i < 50; i++)
		emit(w, "app", "x");
	for (int i = 0; i < 5; i++)
		(void)ev_turn(w->ev, 1);
	assert_int_equal(w->f.n, 1);
	later(w->ev, EVENTS_REPEAT_MS);
	WAIT(w->ev, stats(w).written == 2);
	assert_int_equal(w->f.n, 2);
	assert_true(asked(&w->f, 1, "PATCH /api/v1/namespaces/web/events/app."));
	assert_true(says(&w->f, 1, "{\"count\":51,\"lastTimestamp\":\""));
	assert_int_equal(stats(w).dropped, 0);
	close_world(w);
}

/* Another object, reason or text is another Event. */
static void test_told_apart(void **state)
{
	struct world *w = open_world();
	struct event_about a = about("app");

	(void)state;
	w->f.answer = created;
	emit(w, "app", "x");
	emit(w, "app", "y");
	emit(w, "other", "x");
	events_emit(w->e, &a, true, "Another", "x");
	WAIT(w->ev, stats(w).written == 4);
	for (unsigned i = 0; i < 4; i++)
		assert_true(asked(&w->f, i, "POST "));
	close_world(w);
}

/* Each object has its budget; others are not concerned. */
static void test_budget(void **state)
{
	struct world *w = open_world();
	char text[32];

	(void)state;
	w->f.answer = created;
	for (int i = 0; i < 40; i++) {
		(void)snprintf(text, sizeof(text), "message %d", i);
		emit(w, "noisy", text);
	}
	assert_int_equal(stats(w).dropped, 15);
	emit(w, "quiet", "x");
	assert_int_equal(stats(w).dropped, 15);
	WAIT(w->ev, stats(w).written == 26);
	close_world(w);
}

/* Four requests at once, the others wait their turn. */
static void test_bounded(void **state)
{
	struct world *w = open_world();
	char name[32];
	unsigned hung;

	(void)state;
	for (int i = 0; i < 20; i++) {
		(void)snprintf(name, sizeof(name), "app-%d", i);
		emit(w, name, "x");
	}
	WAIT(w->ev, w->f.n == 4);
	for (int i = 0; i < 5; i++)
		(void)ev_turn(w->ev, 1);
	hung = w->f.n;
	assert_int_equal(hung, 4);
	w->f.answer = created;
	for (unsigned i = 0; i < 4; i++) {
		struct fake_conn *c = fake_hanging(&w->f);
		char *text = http(201, "{}");

		c->hung = false;
		fake_conn_send(c, text);
		free(text);
	}
	WAIT(w->ev, stats(w).written == 20);
	close_world(w);
}

/* Refused: counted, and tried again only with the next repeat. */
static void test_refused(void **state)
{
	struct world *w = open_world();

	(void)state;
	fake_http(&w->f, 403, "{}");
	emit(w, "app", "x");
	WAIT(w->ev, stats(w).failed == 1);
	assert_int_equal(w->f.n, 1);
	w->f.answer = created;
	emit(w, "app", "x");
	later(w->ev, EVENTS_REPEAT_MS);
	WAIT(w->ev, stats(w).written == 1);
	assert_true(asked(&w->f, 1, "POST "));
	assert_true(says(&w->f, 1, "\"count\":2"));
	close_world(w);
}

/* The server has forgotten it: made anew. */
static void test_forgotten(void **state)
{
	struct world *w = open_world();

	(void)state;
	fake_http(&w->f, 201, "{}");
	fake_http(&w->f, 404, "{}");
	emit(w, "app", "x");
	WAIT(w->ev, stats(w).written == 1);
	emit(w, "app", "x");
	later(w->ev, EVENTS_REPEAT_MS);
	WAIT(w->ev, w->f.n == 2);
	assert_true(asked(&w->f, 1, "PATCH "));
	w->f.answer = created;
	for (int i = 0; i < 5; i++)
		(void)ev_turn(w->ev, 1);
	later(w->ev, EVENTS_REPEAT_MS);
	WAIT(w->ev, stats(w).written == 2);
	assert_true(asked(&w->f, 2, "POST "));
	close_world(w);
}

static void test_long_message(void **state)
{
	struct world *w = open_world();
	char text[4000];
	const char *at;

	(void)state;
	memset(text, 'm', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	fake_http(&w->f, 201, "{}");
	emit(w, "app", text);
	WAIT(w->ev, stats(w).written == 1);
	at = strstr(body_of(&w->f, 0), "\"mmm");
	assert_non_null(at);
	assert_int_equal(strspn(at + 1, "m"), 1024);
	close_world(w);
}

/* More objects than are remembered: the oldest gives way, nothing breaks. */
static void test_many_objects(void **state)
{
	struct world *w = open_world();
	char name[32];

	(void)state;
	for (int i = 0; i < 6000; i++) {
		(void)snprintf(name, sizeof(name), "app-%d", i);
		emit(w, name, "x");
	}
	close_world(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_looks),        cmocka_unit_test(test_cluster_scoped),
	    cmocka_unit_test(test_counted),      cmocka_unit_test(test_told_apart),
	    cmocka_unit_test(test_budget),       cmocka_unit_test(test_bounded),
	    cmocka_unit_test(test_refused),      cmocka_unit_test(test_forgotten),
	    cmocka_unit_test(test_long_message), cmocka_unit_test(test_many_objects),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
