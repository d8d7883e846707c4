/* config: the ConfigMap's keys, each going where it belongs, and none dropped in silence. */
#include "k8s_test.h"

#include <stdio.h>

#include "common/conf/conf_key.h"
#include "k8s/settings/config.h"

struct told {
	char text[2048];
	unsigned notes, warnings;
};

static void tell(void *arg, enum config_severity severity, const char *text)
{
	struct told *t = arg;
	size_t n = strlen(t->text);

	(void)snprintf(t->text + n, sizeof(t->text) - n, "%s\n", text);
	if (severity == CONFIG_NOTE)
		t->notes++;
	else
		t->warnings++;
}

static struct obj *settings(const char *data)
{
	char text[1024];

	(void)snprintf(text, sizeof(text),
		       "{apiVersion: v1, kind: ConfigMap, metadata: {namespace: a, name: x}, "
		       "data: {%s}}",
		       data);
	return object_of(text);
}

static struct told apply(const char *data, struct conf *conf, struct annots *annots)
{
	struct told t = {0};
	struct obj *o = settings(data);

	conf_init(conf);
	annots_defaults(annots);
	config_apply(obj_configmap(o), conf, annots, tell, &t);
	obj_free(o);
	return t;
}

static void test_takes(void **state)
{
	struct annots a;
	struct conf c;
	struct told t = apply("proxy-body-size: '8m', keep-alive: ' 30 ', worker-processes: '3', "
			      "proxy-next-upstream: 'error http_502', disable-http-access-log: "
			      "'true', upstream-keepalive-time: '30m'",
			      &c, &a);

	assert_string_equal(t.text, "");
	assert_int_equal(c.proxy_body_size, 8 << 20);
	assert_int_equal(c.keep_alive_ms, 30000);
	assert_int_equal(c.workers, 3);
	assert_int_equal(c.upstream_keepalive_time_ms, 30 * 60000);
	assert_true(c.disable_access_log);
	assert_int_equal(a.policy.next_when, NEXT_ERROR | NEXT_HTTP_502);
	assert_int_equal(a.set[0] | a.set[1], 0);
}

static void test_header_buffers(void **state)
{
	static const char *const bad[] = {"8k", "4", "0 8k", "x 8k", "4 8q", "64 1g"};
	struct annots a;
	struct conf c;
	struct told t = apply("large-client-header-buffers: '4 16k'", &c, &a);

	assert_string_equal(t.text, "");
	assert_int_equal(c.client_header_line_bytes, 16384);
	assert_int_equal(c.client_header_bytes, 65536);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		char data[100];

		(void)snprintf(data, sizeof(data), "large-client-header-buffers: '%s'", bad[i]);
		t = apply(data, &c, &a);
		assert_int_equal(t.warnings, 1);
	}
}

static void test_log_formats(void **state)
{
	struct annots a;
	struct conf c;
	struct told t = apply("log-format-stream: \"$protocol\\n$status\", "
			      "log-format-upstream: '$request'",
			      &c, &a);

	assert_string_equal(t.text, "");
	assert_string_equal(c.log_format_stream, "$protocol\n$status");
	assert_string_equal(c.log_format_upstream, "$request");
	t = apply("log-format-stream: 'x $request'", &c, &a);
	assert_int_equal(t.warnings + t.notes, 1);
	assert_non_null(strstr(t.text, "log-format-stream: $request never has a value"));
	assert_string_equal(c.log_format_stream, "x $request");
	t = apply("log-format-stream: '${protocol'", &c, &a);
	assert_int_equal(t.warnings, 1);
	assert_non_null(strstr(t.text, "log-format-stream: "));
	assert_non_null(strstr(t.text, "it has no effect"));
	assert_string_equal(c.log_format_stream, "");
}

static void test_tells(void **state)
{
	struct annots a;
	struct conf c, plain;
	struct told t = apply("proxy-body-sise: '1m', keep-alive: 'long', "
			      "http-snippet: 'x', modsecurity-snippet: 'x', "
			      "enable-aio-write: 'true', something-else-entirely: '1', "
			      "proxy-next-upstream: 'sometimes'",
			      &c, &a);

	conf_init(&plain);
	assert_memory_equal(&c, &plain, sizeof(c));
	assert_int_equal(t.notes, 1);
	assert_int_equal(t.warnings, 5);
	assert_non_null(
	    strstr(t.text, "proxy-body-sise: unknown key; did you mean proxy-body-size?"));
	assert_non_null(strstr(t.text, "keep-alive: \"long\" is not allowed"));
	assert_non_null(strstr(t.text, "modsecurity-snippet: cannot be honoured"));
	assert_non_null(strstr(t.text, "enable-aio-write: accepted and ignored"));
	assert_non_null(strstr(t.text, "something-else-entirely: unknown key; remove it"));
	assert_non_null(strstr(t.text, "proxy-next-upstream: \"sometimes\""));
}

/* No key but ingress-nginx' own reaches silex.conf's: who may write the ConfigMap must not become
 * the user the workers run as. */
static void test_not_everything(void **state)
{
	struct annots a;
	struct conf c;
	struct told t =
	    apply("user: 'nobody', sandbox: 'off', manifests: '/etc', instance: 'x'", &c, &a);

	assert_int_equal(t.warnings, 4);
	assert_string_equal(c.user, "");
	assert_string_equal(c.manifests, "");
	assert_string_equal(c.instance, "main");
}

static void test_rows(void **state)
{
	size_t n;
	const struct config_row *all = config_rows(&n);

	assert_true(n > 150);
	for (size_t i = 0; i < n; i++) {
		assert_ptr_equal(config_find(str_from(all[i].key)), &all[i]);
		assert_true(all[i].how != CONFIG_HOW_TAKE || all[i].as != NULL);
		assert_true(all[i].how != CONFIG_HOW_OWN || all[i].own != NULL);
		assert_true(all[i].how < CONFIG_HOW_IGNORE || all[i].text[0] != '\0');
	}
}

/* NULL: neither a ConfigMap nor somewhere to put it. */
static void test_nothing(void **state)
{
	struct obj *o = settings("proxy-body-size: 'x', proxy-next-upstream: 'x'");
	struct told t = {0};

	config_apply(NULL, NULL, NULL, tell, &t);
	assert_string_equal(t.text, "");
	config_apply(obj_configmap(o), NULL, NULL, tell, &t);
	assert_int_equal(t.warnings, 2);
	obj_free(o);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_takes),       cmocka_unit_test(test_header_buffers),
	    cmocka_unit_test(test_tells),       cmocka_unit_test(test_not_everything),
	    cmocka_unit_test(test_rows),        cmocka_unit_test(test_nothing),
	    cmocka_unit_test(test_log_formats),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
