/* source: which kinds are followed, when everything is read, and Secrets that come and go with
 * those who refer to them. */
#include "k8s_test.h"

#include "fake_server.h"
#include "k8s/watch/source.h"

struct world {
	struct ev *ev;
	struct fake f;
	struct api_client *client, *secrets;
	struct store *store;
	struct source *s;
	unsigned changed, synced, settled, forbidden, refused;
	char why[256];
};

static void on_changed(void *arg)
{
	((struct world *)arg)->changed++;
}

static void on_synced(void *arg)
{
	((struct world *)arg)->synced++;
}

static void on_settled(void *arg)
{
	((struct world *)arg)->settled++;
}

static void on_forbidden(void *arg, const char *why)
{
	struct world *w = arg;

	w->forbidden++;
	(void)snprintf(w->why, sizeof(w->why), "%s", why);
}

static void on_refused(void *arg, const char *object, const char *why)
{
	struct world *w = arg;

	w->refused++;
	(void)snprintf(w->why, sizeof(w->why), "%s: %s", object, why);
}

static const struct source_ops ops = {
    .changed = on_changed,
    .synced = on_synced,
    .settled = on_settled,
    .forbidden = on_forbidden,
    .refused = on_refused,
};

#define STREAM \
	"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"

static char *chunk(const char *line)
{
	char *text = NULL;

	assert_true(asprintf(&text, "%zx\r\n%s\n\r\n", strlen(line) + 1, line) > 0);
	return text;
}

#define END                                                                           \
	"{\"type\":\"BOOKMARK\",\"object\":{\"metadata\":{\"resourceVersion\":\"9\"," \
	"\"annotations\":{\"k8s.io/initial-events-end\":\"true\"}}}}"
#define SECRET(name)                                                                         \
	"{\"type\":\"ADDED\",\"object\":{\"metadata\":{\"name\":\"" name "\",\"namespace\":" \
	"\"web\",\"resourceVersion\":\"5\"},\"data\":{\"k\":\"dg==\"}}}"

/* A picture with these lines, and then the stream stays open. */
static char *picture(const char *line)
{
	char *one = line == NULL ? strdup("") : chunk(line), *end = chunk(END), *all = NULL;

	assert_true(asprintf(&all, STREAM "%s%s", one, end) > 0);
	free(one);
	free(end);
	return all;
}

static char *serve(struct fake *f, const char *request)
{
	(void)f;
	if (strstr(request, "metadata.name%3Dcert") != NULL)
		return picture(SECRET("cert"));
	if (strstr(request, "/namespaces/web/services") != NULL)
		return picture("{\"type\":\"ADDED\",\"object\":{\"metadata\":{\"name\":\"BAD\","
			       "\"namespace\":\"web\"},\"spec\":{}}}");
	return picture(NULL);
}

static struct world *open_world(const struct source_conf *conf)
{
	struct world *w = calloc(1, sizeof(*w));

	w->ev = ev_new(EV_BACKEND_POLL);
	fake_open(&w->f, w->ev);
	w->f.answer = serve;
	w->client = api_client_new(w->ev, &w->f.access, "silex/test", 0, 0);
	w->secrets = api_client_new(w->ev, &w->f.access, "silex/test", 0, 0);
	w->store = store_new();
	w->s = source_new(w->ev, w->client, w->secrets, w->store, conf, &ops, w);
	return w;
}

static void close_world(struct world *w)
{
	source_free(w->s);
	store_free(w->store);
	api_client_free(w->client);
	api_client_free(w->secrets);
	fake_close(&w->f);
	ev_free(w->ev);
	free(w);
}

static unsigned asked_for(const struct world *w, const char *path)
{
	unsigned n = 0;

	for (unsigned i = 0; i < w->f.n; i++)
		n += strncmp(w->f.requests[i], path, strlen(path)) == 0;
	return n;
}

static const struct source_conf plain = {.ns = "", .node = ""};

static void count(void *arg, const struct reflector *r)
{
	++*(unsigned *)arg;
	assert_int_equal(reflector_health(r), REFLECTOR_LIVE);
}

static void test_kinds(void **state)
{
	struct world *w = open_world(&plain);
	unsigned n = 0;

	(void)state;
	assert_false(source_synced(w->s));
	WAIT(w->ev, w->synced == 1);
	assert_true(source_synced(w->s));
	assert_true(source_settled(w->s));
	assert_int_equal(w->f.n, 4);
	assert_int_equal(asked_for(w, "GET /apis/networking.k8s.io/v1/ingresses?"), 1);
	assert_int_equal(asked_for(w, "GET /apis/networking.k8s.io/v1/ingressclasses?"), 1);
	assert_int_equal(asked_for(w, "GET /api/v1/services?"), 1);
	assert_int_equal(asked_for(w, "GET /apis/discovery.k8s.io/v1/endpointslices?"), 1);
	source_each(w->s, count, &n);
	assert_int_equal(n, 4);
	close_world(w);
}

static void test_everything(void **state)
{
	const struct source_conf conf = {.ns = "web",
					 .all_secrets = true,
					 .namespaces = true,
					 .node = "n1",
					 .configmaps = {"infra/silex", "", NULL}};
	struct world *w = open_world(&conf);

	(void)state;
	WAIT(w->ev, w->synced == 1);
	assert_int_equal(asked_for(w, "GET /apis/networking.k8s.io/v1/namespaces/web/ingresses?"),
			 1);
	assert_int_equal(asked_for(w, "GET /apis/networking.k8s.io/v1/ingressclasses?"), 1);
	assert_int_equal(asked_for(w, "GET /api/v1/namespaces?"), 1);
	assert_int_equal(asked_for(w, "GET /api/v1/nodes?fieldSelector=metadata.name%3Dn1&"), 1);
	assert_int_equal(asked_for(w, "GET /api/v1/namespaces/web/secrets?watch"), 1);
	assert_int_equal(asked_for(w, "GET /api/v1/namespaces/infra/configmaps?"
				      "fieldSelector=metadata.name%3Dsilex&"),
			 1);
	source_secret_ref(w->s, STR("web"), STR("cert")); /* all are there anyway */
	source_secret_unref(w->s, STR("web"), STR("cert"));
	assert_int_equal(w->f.n, 8);
	assert_int_equal(w->refused, 1);
	assert_non_null(strstr(w->why, "Service web/BAD"));
	close_world(w);
}

static void test_bad_configmap(void **state)
{
	static const char *const bad[] = {"silex", "/silex", "infra/"};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		const struct source_conf conf = {.ns = "", .node = "", .configmaps = {bad[i]}};
		struct world *w = open_world(&conf);

		assert_null(w->s);
		close_world(w);
	}
}

static const struct obj *secret(struct world *w, const char *name)
{
	return store_get(w->store, OBJ_SECRET, STR("web"), str_from(name));
}

/* Asked for by its name when first wanted, gone from memory when nobody wants it any more. */
static void test_secret(void **state)
{
	struct world *w = open_world(&plain);

	(void)state;
	WAIT(w->ev, w->synced == 1);
	source_secret_ref(w->s, STR("web"), STR("cert"));
	source_secret_ref(w->s, STR("web"), STR("cert"));
	assert_false(source_settled(w->s));
	WAIT(w->ev, w->settled == 1);
	assert_true(source_settled(w->s));
	assert_non_null(secret(w, "cert"));
	assert_int_equal(asked_for(w, "GET /api/v1/namespaces/web/secrets?"
				      "fieldSelector=metadata.name%3Dcert&"),
			 1);
	source_secret_unref(w->s, STR("web"), STR("cert"));
	(void)ev_turn(w->ev, 1);
	assert_non_null(secret(w, "cert"));
	source_secret_unref(w->s, STR("web"), STR("cert"));
	assert_non_null(secret(w, "cert")); /* until the end of the turn */
	WAIT(w->ev, secret(w, "cert") == NULL);
	close_world(w);
}

/* An Ingress that is translated anew lets go and takes again: nothing is asked, nothing lost. */
static void test_secret_let_go_and_taken(void **state)
{
	struct world *w = open_world(&plain);

	(void)state;
	WAIT(w->ev, w->synced == 1);
	source_secret_ref(w->s, STR("web"), STR("cert"));
	WAIT(w->ev, w->settled == 1);
	for (int i = 0; i < 3; i++) {
		source_secret_unref(w->s, STR("web"), STR("cert"));
		source_secret_ref(w->s, STR("web"), STR("cert"));
		(void)ev_turn(w->ev, 1);
	}
	assert_non_null(secret(w, "cert"));
	assert_int_equal(w->f.n, 5);
	close_world(w);
}

/* One that does not exist is settled too, and one that is let go before it answered. */
static void test_secret_that_never_comes(void **state)
{
	struct world *w = open_world(&plain);

	(void)state;
	WAIT(w->ev, w->synced == 1);
	source_secret_ref(w->s, STR("web"), STR("none"));
	WAIT(w->ev, w->settled == 1);
	assert_null(secret(w, "none"));
	fake_hang(&w->f);
	source_secret_ref(w->s, STR("web"), STR("slow"));
	WAIT(w->ev, w->f.n == 6);
	assert_false(source_settled(w->s));
	source_secret_unref(w->s, STR("web"), STR("slow"));
	WAIT(w->ev, w->settled == 2);
	assert_true(source_settled(w->s));
	close_world(w);
}

/* One kind hangs: what has come is there, but not everything is read. */
static void test_one_hangs(void **state)
{
	struct world *w = open_world(&plain);

	(void)state;
	fake_hang(&w->f);
	WAIT(w->ev, w->f.n == 4);
	for (int i = 0; i < 10; i++)
		(void)ev_turn(w->ev, 1);
	assert_int_equal(w->synced, 0);
	{
		struct fake_conn *c = fake_hanging(&w->f);
		char *text = picture(NULL);

		c->hung = false;
		fake_conn_send(c, text);
		free(text);
	}
	WAIT(w->ev, w->synced == 1);
	close_world(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_kinds),
	    cmocka_unit_test(test_everything),
	    cmocka_unit_test(test_bad_configmap),
	    cmocka_unit_test(test_secret),
	    cmocka_unit_test(test_secret_let_go_and_taken),
	    cmocka_unit_test(test_secret_that_never_comes),
	    cmocka_unit_test(test_one_hangs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
