/* Ports of TCP and UDP services: what their ConfigMaps' entries mean, what is refused and told, and
 * that a transaction that is rolled back is repeated. */
#include "translate_fixture.h"

#define CM(data)                                                                              \
	"---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: tcp, namespace: web}\ndata: " \
	"{" data "}\n"

struct put {
	bool there, proxy_in, server;
	unsigned proxy_out;
	uint64_t cluster;
};
static struct put table_puts[TRANSPORTS][65536];
static bool fails;

static int put_stream(void *arg, const struct model_stream *m)
{
	errno = ENOSPC;
	table_puts[m->transport][m->port] =
	    (struct put){true, m->proxy_in, m->policy != NULL, m->proxy_out, m->cluster};
	return fails ? -1 : 0;
}

static int del_stream(void *arg, enum transport transport, uint16_t port)
{
	errno = ENOSPC;
	table_puts[transport][port].there = false;
	return fails ? -1 : 0;
}

static struct world *begin(const char *yaml)
{
	struct world *w =
	    world_new("tcp-services-configmap=web/tcp;http-port=8080;healthz-port=1024;"
		      "configmap=web/settings");
	struct translate_sink sink = picture_sink(&w->picture);
	struct objects o;

	memset(table_puts, 0, sizeof(table_puts));
	fails = false;
	decode_yaml(yaml, false, &o);
	for (unsigned i = 0; i < o.n; i++)
		(void)store_put(w->store, o.v[i]);
	sink.put_stream = put_stream;
	sink.del_stream = del_stream;
	w->picture.fail_after = -1;
	w->t = translate_new(&w->conf, w->store, &sink, world_finding, w);
	store_listen(w->store, translate_event, w->t);
	assert_int_equal(world_flush(w), 1);
	return w;
}

static const char *leads_to(struct world *w, uint16_t port)
{
	const struct put *p = &table_puts[TRANSPORT_TCP][port];

	return p->there ? cluster_name_of(&w->picture, p->cluster) : "";
}

static unsigned n_ports(struct world *w)
{
	uint64_t revision;
	uint32_t n;

	(void)translate_ports(w->t, &n, &revision);
	return n;
}

static void entries(void **state)
{
	struct world *w = begin(APP("db", "10.0.0.1") CM(
	    "'5432': web/db:80, '5433': 'web/db:80:PROXY', '5434': 'web/db:80::PROXY', "
	    "'5435': ' web/db : http :proxy:PROXY ', '5436': 'web/db:80:PROXY:PROXY2', "
	    "'5437': 'web/db:80::proxy2'"));

	assert_string_equal(leads_to(w, 5432), "web-db-80");
	assert_string_equal(leads_to(w, 5435), "web-db-http");
	assert_false(table_puts[0][5432].proxy_in || table_puts[0][5432].proxy_out);
	assert_true(table_puts[0][5433].proxy_in && !table_puts[0][5433].proxy_out);
	assert_true(!table_puts[0][5434].proxy_in && table_puts[0][5434].proxy_out == 1);
	assert_true(table_puts[0][5435].proxy_in && table_puts[0][5435].proxy_out == 1);
	assert_true(table_puts[0][5436].proxy_in && table_puts[0][5436].proxy_out == 2);
	assert_true(!table_puts[0][5437].proxy_in && table_puts[0][5437].proxy_out == 2);
	assert_int_equal(n_ports(w), 6);
	world_free(w);
}

static void refused(void **state)
{
	static const char *const bad[][2] = {
	    {CM("'80': web/db:80"), "reserved"},
	    {CM("'443': web/db:80"), "reserved"},
	    {CM("'8080': web/db:80"), "reserved"},
	    {CM("'1024': web/db:80"), "reserved"},
	    {CM("'0': web/db:80"), "number from 1"},
	    {CM("'65536': web/db:80"), "number from 1"},
	    {CM("'http': web/db:80"), "number from 1"},
	    {CM("'5432': db:80"), "namespace/service:port"},
	    {CM("'5432': /db:80"), "namespace/service:port"},
	    {CM("'5432': web/:80"), "namespace/service:port"},
	    {CM("'5432': web/db"), "namespace/service:port"},
	    {CM("'5432': 'web/db:'"), "namespace/service:port"},
	    {CM("'5432': ''"), "namespace/service:port"},
	    {CM("'5432': 'web/db:80:TLS'"), "only PROXY"},
	    {CM("'5432': 'web/db:80:PROXY2'"), "the second may be PROXY2"},
	    {CM("'5432': 'web/db:80::PROXY3'"), "only PROXY"},
	    {CM("'5432': 'web/db:80:PROXY:PROXY:'"), "only PROXY"},
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct world *w = begin(APP("db", "10.0.0.1"));

		world_put(w, bad[i][0]);
		(void)world_flush(w);
		assert_int_equal(n_ports(w), 0);
		assert_non_null(strstr(w->findings, "StreamService web/tcp\n"));
		assert_non_null(strstr(w->texts, bad[i][1]));
		world_free(w);
	}
}

/* The same port written twice is one, and the second is told. */
static void twice(void **state)
{
	struct world *w = begin(APP("db", "10.0.0.1") CM("'5432': web/db:80, '05432': web/x:80"));

	assert_int_equal(n_ports(w), 1);
	assert_non_null(strstr(w->texts, "another key is the same port"));
	world_free(w);
}

static void changes(void **state)
{
	struct world *w = begin(APP("db", "10.0.0.1") CM("'1': web/db:80, '2': web/db:80"));
	uint64_t before, after;
	uint32_t n;

	(void)translate_ports(w->t, &n, &before);
	world_put(w, CM("'2': web/other:80, '3': web/db:80"));
	assert_int_equal(world_flush(w), 1);
	(void)translate_ports(w->t, &n, &after);
	assert_int_not_equal(before, after);
	assert_int_equal(n, 2);
	assert_string_equal(leads_to(w, 1), "");
	assert_string_equal(leads_to(w, 2), "web-other-80");
	assert_string_equal(leads_to(w, 3), "web-db-80");
	assert_non_null(strstr(w->findings, "NoService web/other\n"));
	assert_true(store_delete(w->store, OBJ_CONFIGMAP, STR("web"), STR("tcp")));
	assert_int_equal(world_flush(w), 1);
	assert_int_equal(n_ports(w), 0);
	assert_string_equal(leads_to(w, 2), "");
	/* Nobody leads to the clusters any more: they are gone from the table. */
	assert_int_equal(w->picture.n, 0);
	assert_int_equal(world_flush(w), 0);
	world_free(w);
}

static void a_roll_back_is_repeated(void **state)
{
	struct world *w = begin(APP("db", "10.0.0.1") CM("'1': web/db:80"));

	world_put(w, CM("'2': web/db:80"));
	fails = true;
	assert_int_equal(translate_flush(w->t), -1);
	translate_rolled_back(w->t);
	table_puts[0][1].there = true; /* as the table has it again */
	table_puts[0][2].there = false;
	fails = false;
	assert_int_equal(world_flush(w), 1);
	assert_string_equal(leads_to(w, 1), "");
	assert_string_equal(leads_to(w, 2), "web-db-80");
	world_free(w);
}

/* A change that comes between a flush and its publication. */
static void a_change_meanwhile(void **state)
{
	struct world *w = begin(APP("db", "10.0.0.1") CM("'1': web/db:80"));

	world_put(w, CM("'2': web/db:80"));
	assert_int_equal(translate_flush(w->t), 1);
	world_put(w, CM("'3': web/db:80"));
	assert_int_equal(n_ports(w), 1); /* what was flushed, not what will be */
	translate_published(w->t);
	assert_int_equal(world_flush(w), 1);
	assert_string_equal(leads_to(w, 2), "");
	assert_string_equal(leads_to(w, 3), "web-db-80");
	world_free(w);
}

#define SETTINGS(http)                                                                 \
	"---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings, namespace: " \
	"web}\ndata: {http-snippet: '" http "'}\n"

static void of_http_snippet(void **state)
{
	struct world *w = begin(APP("db", "10.0.0.1") CM("'1': web/db:80") SETTINGS(
	    "server { listen 2443 proxy_protocol; return 308 https://$host; }\n"
	    "server { listen 1; return 404; } add_header A b;"));
	const struct model_port at = {TRANSPORT_TCP, 2443};

	assert_int_equal(n_ports(w), 2);
	assert_true(table_puts[0][2443].server && table_puts[0][2443].proxy_in);
	assert_true(!table_puts[0][1].server);
	assert_string_equal(leads_to(w, 1), "web-db-80");
	assert_non_null(strstr(w->texts, "port 1 is not opened: it is a TCP service's"));
	translate_port_failed(w->t, &at, "no");
	assert_non_null(strstr(w->texts, "http-snippet: server: TCP port 2443 cannot be"));
	world_put(w, CM("'2': web/db:80")); /* the port is free now */
	assert_int_equal(world_flush(w), 1);
	assert_true(table_puts[0][1].server && table_puts[0][2443].server);
	world_put(w, SETTINGS(""));
	translate_set_conf(w->t, &w->conf);
	assert_int_equal(world_flush(w), 1);
	assert_false(table_puts[0][1].there || table_puts[0][2443].there);
	assert_int_equal(n_ports(w), 1);
	world_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(entries),
	    cmocka_unit_test(refused),
	    cmocka_unit_test(twice),
	    cmocka_unit_test(changes),
	    cmocka_unit_test(a_roll_back_is_repeated),
	    cmocka_unit_test(a_change_meanwhile),
	    cmocka_unit_test(of_http_snippet),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
