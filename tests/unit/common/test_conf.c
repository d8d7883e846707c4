/* Every key of conf_tbl.h: parsed, bounded, refused with a sentence, printed and read back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/conf/conf.h"
#include "common/conf/conf_args.h"
#include "common/conf/conf_key.h"
#include "common/conf/conf_print.h"
#include "common/conf/conf_value.h"
#include "common/loop/ev.h"
#include "common/log/log.h"

static char err[CONF_ERROR_MAX];

static int set(struct conf *c, const char *key, const char *value)
{
	return conf_set(c, str_from(key), str_from(value), err);
}

static int read_text(struct conf *c, const char *text)
{
	return conf_read_text(c, "silex.conf", str_from(text), NULL, NULL, err);
}

static void test_defaults(void **state)
{
	struct conf c;

	conf_init(&c);
	assert_int_equal(c.http_port, 80);
	assert_int_equal(c.https_port, 443);
	assert_int_equal(c.healthz_port, 10254);
	assert_string_equal(c.ingress_class, "nginx");
	assert_string_equal(c.controller_class, "k8s.io/ingress-nginx");
	assert_string_equal(c.annotations_prefix, "nginx.ingress.kubernetes.io");
	assert_int_equal(c.workers, 0);
	assert_int_equal(c.proxy_body_size, 1 << 20);
	assert_int_equal(c.proxy_connect_timeout_ms, 5000);
	assert_int_equal(c.worker_shutdown_ms, 240000);
	assert_int_equal(c.keep_alive_ms, 75000);
	assert_int_equal(c.upstream_keepalive_time_ms, 3600000);
	assert_int_equal(c.event_backend, EV_BACKEND_EPOLL);
	assert_int_equal(c.sandbox, CONF_SANDBOX_ON);
	assert_int_equal(c.log_level, LOG_LEVEL_INFO);
	assert_int_equal(c.log_format, LOG_FORMAT_TEXT);
	assert_int_equal(c.access_log_format, CONF_ACCESS_UPSTREAMINFO);
}

static void test_every_key_prints_what_it_reads(void **state)
{
	struct conf a, b;
	char text[CONF_VALUE_MAX], allowed[CONF_ERROR_MAX];

	conf_init(&a);
	for (size_t i = 0; i < conf_n_keys; i++) {
		const struct conf_key *k = &conf_keys[i];

		if (k->type == CONF_T_SECTION)
			continue;
		memset(&b, 0xff, sizeof(b));
		conf_value_text(k, &a, text);
		assert_int_equal(conf_value_parse(k, &b, str_from(text), allowed), 0);
		assert_true(conf_value_eq(k, &a, &b));
		conf_value_allowed(k, allowed);
		assert_true(strlen(allowed) > 0);
		assert_true(strlen(k->help) > 5);
		for (size_t j = 0; j < i; j++)
			assert_string_not_equal(k->name, conf_keys[j].name);
		assert_null(conf_ignored_find(str_from(k->name)));
	}
}

static void test_values(void **state)
{
	static const struct {
		const char *key, *value;
		int rc;
		size_t offset;
		uint64_t want;
	} rows[] = {
#define N(f) offsetof(struct conf, f)
	    {"keep-alive", "75", 0, N(keep_alive_ms), 75000},
	    {"keep-alive", "250ms", 0, N(keep_alive_ms), 250},
	    {"keep-alive", "1m30s", 0, N(keep_alive_ms), 90000},
	    {"keep-alive", "1h", 0, N(keep_alive_ms), 3600000},
	    {"keep-alive", "1h30", -1, 0, 0},
	    {"keep-alive", "", -1, 0, 0},
	    {"keep-alive", "-1", -1, 0, 0},
	    {"keep-alive", "5x", -1, 0, 0},
	    {"keep-alive", "99d", -1, 0, 0},
	    {"keep-alive", "9223372036854775807h", -1, 0, 0},
	    {"keep-alive", "99999999999999999999", -1, 0, 0},
	    {"proxy-body-size", "0", 0, N(proxy_body_size), 0},
	    {"proxy-body-size", "8k", 0, N(proxy_body_size), 8192},
	    {"proxy-body-size", "20M", 0, N(proxy_body_size), 20 << 20},
	    {"proxy-body-size", "1g", 0, N(proxy_body_size), 1 << 30},
	    {"proxy-body-size", "1k1k", -1, 0, 0},
	    {"proxy-body-size", "1t", -1, 0, 0},
	    {"workers", "auto", 0, N(workers), 0},
	    {"workers", "0", 0, N(workers), 0},
	    {"workers", "256", 0, N(workers), 256},
	    {"workers", "257", -1, 0, 0},
	    {"workers", "two", -1, 0, 0},
	    {"http-port", "65535", 0, N(http_port), 65535},
	    {"http-port", "65536", -1, 0, 0},
	    {"http-port", "80 ", -1, 0, 0},
	    {"http-port", "auto", -1, 0, 0},
#undef N
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct conf c, before;

		conf_init(&c);
		before = c;
		assert_int_equal(set(&c, rows[i].key, rows[i].value), rows[i].rc);
		if (rows[i].rc == 0)
			assert_int_equal(*(uint64_t *)((char *)&c + rows[i].offset), rows[i].want);
		else
			assert_memory_equal(&c, &before, sizeof(c));
	}
}

static void test_texts(void **state)
{
	struct conf c;
	char big[600];

	conf_init(&c);
	assert_int_equal(set(&c, "default-backend-service", "web/fallback"), 0);
	assert_string_equal(c.default_backend_service, "web/fallback");
	assert_int_equal(set(&c, "default-backend-service", ""), 0);
	assert_int_equal(set(&c, "default-backend-service", "fallback"), -1);
	assert_int_equal(set(&c, "default-backend-service", "web/"), -1);
	assert_int_equal(set(&c, "default-backend-service", "/x"), -1);
	assert_int_equal(set(&c, "default-backend-service", "a/b/c"), -1);
	assert_int_equal(set(&c, "instance", "../x"), -1);
	assert_int_equal(set(&c, "instance", "edge-1"), 0);
	assert_int_equal(set(&c, "bind-address", "127.0.0.1, ::1"), 0);
	assert_int_equal(set(&c, "bind-address", "127.0.0.1,localhost"), -1);
	assert_int_equal(set(&c, "health-check-path", "healthz"), -1);
	assert_int_equal(set(&c, "error-log", "a\nb"), -1);
	memset(big, 'x', sizeof(big) - 1);
	big[sizeof(big) - 1] = '\0';
	assert_int_equal(set(&c, "error-log", big), -1);
	big[511] = '\0';
	assert_int_equal(set(&c, "error-log", big), 0);
	assert_string_equal(c.error_log, big);
}

static void test_choices_and_booleans(void **state)
{
	struct conf c;

	conf_init(&c);
	assert_int_equal(set(&c, "log-level", "debug"), 0);
	assert_int_equal(c.log_level, LOG_LEVEL_DEBUG);
	assert_int_equal(set(&c, "log-level", "loud"), -1);
	assert_string_equal(
	    err, "log-level: \"loud\" is not allowed; allowed: error, warn, info, debug");
	assert_int_equal(set(&c, "event-backend", "poll"), 0);
	assert_int_equal(c.event_backend, EV_BACKEND_POLL);
	assert_int_equal(set(&c, "event-backend", "epoll|poll"), -1);
	assert_int_equal(set(&c, "event-backend", ""), -1);
	assert_int_equal(set(&c, "disable-catch-all", "on"), 0);
	assert_true(c.disable_catch_all);
	assert_int_equal(set(&c, "disable-catch-all", "false"), 0);
	assert_false(c.disable_catch_all);
	assert_int_equal(set(&c, "disable-catch-all", "maybe"), -1);
}

static void test_unknown_and_ignored(void **state)
{
	struct conf c;

	conf_init(&c);
	assert_int_equal(set(&c, "keepalive", "1"), -1);
	assert_string_equal(err, "keepalive: unknown key; did you mean keep-alive?");
	assert_int_equal(set(&c, "log_level", "info"), -1);
	assert_string_equal(err, "log_level: unknown key; did you mean log-level?");
	assert_int_equal(set(&c, "zzz\x01zzz", "1"), -1);
	assert_string_equal(err, "zzz?zzz: unknown key; silex --help-all lists all");
	assert_int_equal(set(&c, "validating-webhook", ":8443"), 1);
	assert_non_null(strstr(err, "webhook"));
}

static void test_file(void **state)
{
	struct conf c;

	conf_init(&c);
	assert_int_equal(read_text(&c, "# comment\n"
				       "\n"
				       "  http-port = 8080   # behind a blank\r\n"
				       "access-log=/var/log/a#b.log\n"
				       "error-log = \"/tmp/a \\\"b\\\" # c\"  # real comment\n"
				       "watch-namespace = ''\n"
				       "kubeconfig = 'a\\b'\n"
				       "workers = 3"),
			 0);
	assert_int_equal(c.http_port, 8080);
	assert_string_equal(c.access_log, "/var/log/a#b.log");
	assert_string_equal(c.error_log, "/tmp/a \"b\" # c");
	assert_string_equal(c.watch_namespace, "");
	assert_string_equal(c.kubeconfig, "a\\b");
	assert_int_equal(c.workers, 3);
}

static void test_file_errors_change_nothing(void **state)
{
	static const struct {
		const char *text, *says;
	} rows[] = {
	    {"workers = 2\nhttp-port = x\n", "silex.conf:2: http-port: \"x\" is not allowed; "
					     "allowed: 0 to 65535"},
	    {"workers = 2\n\nworkerz = 3\n",
	     "silex.conf:3: workerz: unknown key; did you mean workers?"},
	    {"workers = 2\njust words\n", "silex.conf:2: no \"=\"; a line reads: key = value"},
	    {"workers = 2\nworkers = 3\n",
	     "silex.conf:2: workers: already set in line 1; remove one"},
	    {"error-log = \"open\n", "silex.conf:1: quote is not closed on its line"},
	    {"error-log = 'a' b\n", "silex.conf:1: text after the closing quote; only a # comment "
				    "may stand there"},
	    {"= 3\n", "silex.conf:1: : unknown key; silex --help-all lists all"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct conf c, before;

		conf_init(&c);
		before = c;
		assert_int_equal(read_text(&c, rows[i].text), -1);
		assert_string_equal(err, rows[i].says);
		assert_memory_equal(&c, &before, sizeof(c));
	}
}

static void test_missing_file(void **state)
{
	struct conf c;

	conf_init(&c);
	assert_int_equal(conf_read_file(&c, "/nonexistent/silex.conf", NULL, NULL, err), -1);
	assert_string_equal(err, "/nonexistent/silex.conf: cannot read: No such file or directory");
}

static void test_reload_keeps_what_is_fixed(void **state)
{
	struct conf running, fresh;

	conf_init(&running);
	fresh = running;
	assert_null(conf_fixed_difference(&running, &fresh));
	assert_true(conf_eq(&running, &fresh));
	assert_int_equal(set(&fresh, "log-level", "debug"), 0);
	assert_false(conf_eq(&running, &fresh));
	assert_null(conf_fixed_difference(&running, &fresh));
	assert_int_equal(set(&fresh, "http-port", "8080"), 0);
	assert_string_equal(conf_fixed_difference(&running, &fresh), "http-port");
	conf_keep_fixed(&fresh, &running);
	assert_int_equal(fresh.http_port, 80);
	assert_int_equal(fresh.log_level, LOG_LEVEL_DEBUG);
}

static void test_csv(void **state)
{
	struct str rest = STR(" a, ,b ,,c"), e;

	assert_true(conf_csv_next(&rest, &e) && str_eq(e, STR("a")));
	assert_true(conf_csv_next(&rest, &e) && str_eq(e, STR("b")));
	assert_true(conf_csv_next(&rest, &e) && str_eq(e, STR("c")));
	assert_false(conf_csv_next(&rest, &e));
}

static void test_hand_over(void **state)
{
	struct conf c, got;
	int fd;

	conf_init(&c);
	assert_int_equal(set(&c, "workers", "7"), 0);
	fd = conf_to_fd(&c);
	assert_int_not_equal(fd, -1);
	assert_int_equal(conf_from_fd(&got, fd), 0);
	assert_memory_equal(&c, &got, sizeof(c));
	assert_int_equal(pwrite(fd, "x", 1, 0), -1);
	assert_int_equal(errno, EPERM);
	assert_int_equal(ftruncate(fd, 0), -1);
	assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
	close(fd);

	fd = memfd_create("other", 0);
	assert_int_equal(write(fd, &c, sizeof(c)), sizeof(c));
	assert_int_equal(conf_from_fd(&got, fd), -1);
	assert_int_equal(errno, EINVAL);
	close(fd);
}

/* --- the command line ------------------------------------------------------------------- */

#define ARGV(...) ((char *[]){(char *)"silex", __VA_ARGS__, NULL})

static int args(struct conf_args *a, char **argv)
{
	int n = 0;

	while (argv[n] != NULL)
		n++;
	return conf_args_read(a, n, argv, err);
}

static void count_notice(void *arg, const char *text)
{
	(void)text;
	++*(int *)arg;
}

static void test_options(void **state)
{
	struct conf_args a;
	struct conf c;
	int notices = 0;

	assert_int_equal(args(&a, ARGV("--http-port", "8080", "--workers=2", "--disable-catch-all",
				       "--ingress-class-by-name=true", "--enable-metrics=false",
				       "--validating-webhook", ":8443", "--disable-full-test",
				       "--v=5", "show", "--http-port")),
			 0);
	assert_int_equal(a.action, CONF_RUN);
	assert_string_equal(a.argv[a.first], "show");
	assert_int_equal(conf_load(&c, &a, count_notice, &notices, err), 0);
	assert_int_equal(c.http_port, 8080);
	assert_int_equal(c.workers, 2);
	assert_true(c.disable_catch_all);
	assert_true(c.ingress_class_by_name);
	assert_false(c.enable_metrics);
	assert_int_equal(c.log_level, LOG_LEVEL_DEBUG);
	assert_int_equal(notices, 2);
}

static void test_actions(void **state)
{
	struct conf_args a;

	assert_int_equal(args(&a, ARGV("-t")), 0);
	assert_int_equal(a.action, CONF_TEST);
	assert_int_equal(a.first, a.argc);
	assert_int_equal(args(&a, ARGV("--help")), 0);
	assert_int_equal(a.action, CONF_HELP);
	assert_int_equal(args(&a, ARGV("--help-all")), 0);
	assert_int_equal(a.action, CONF_HELP_ALL);
	assert_int_equal(args(&a, ARGV("--version")), 0);
	assert_int_equal(a.action, CONF_VERSION);
	assert_int_equal(args(&a, ARGV("--config", "x.conf", "-t")), 0);
	assert_string_equal(a.file, "x.conf");
	assert_int_equal(args(&a, ARGV("--", "show")), 0);
	assert_string_equal(a.argv[a.first], "show");
}

static void test_wrong_options(void **state)
{
	struct conf_args a;

	assert_int_equal(args(&a, ARGV("--http-port")), -1);
	assert_string_equal(err, "--http-port: needs a value");
	assert_int_equal(args(&a, ARGV("--http-prt", "80")), -1);
	assert_string_equal(err, "--http-prt: unknown key; did you mean http-port?");
	assert_int_equal(args(&a, ARGV("--http-port=1e9")), -1);
	assert_int_equal(args(&a, ARGV("-x")), -1);
	assert_string_equal(err, "-x: unknown option; see silex --help");
	assert_int_equal(args(&a, ARGV("--enable-metrics=perhaps")), -1);
	assert_int_equal(args(&a, ARGV("-v", "many")), -1);
}

static void test_command_line_overrides_file(void **state)
{
	char path[] = "/tmp/silex-test-conf-XXXXXX";
	int fd = mkstemp(path);
	struct conf_args a;
	struct conf c, before;

	assert_int_not_equal(fd, -1);
	assert_int_equal(dprintf(fd, "http-port = 81\nworkers = 4\n"), 27);
	assert_int_equal(args(&a, ARGV("--http-port=82", "--config", path)), 0);
	assert_int_equal(conf_load(&c, &a, NULL, NULL, err), 0);
	assert_int_equal(c.http_port, 82);
	assert_int_equal(c.workers, 4);

	before = c;
	assert_int_equal(dprintf(fd, "workers = many\n"), 15);
	assert_int_equal(conf_load(&c, &a, NULL, NULL, err), -1);
	assert_non_null(strstr(err, ":3: workers: already set in line 2"));
	assert_memory_equal(&c, &before, sizeof(c));
	close(fd);
	unlink(path);
}

/* --- print ------------------------------------------------------------------------------ */

static char *printed(void (*fn)(FILE *f))
{
	char *text = NULL;
	size_t n;
	FILE *f = open_memstream(&text, &n);

	fn(f);
	fclose(f);
	return text;
}

static void help_common(FILE *f)
{
	conf_print_help(f, false);
}

static void help_all(FILE *f)
{
	conf_print_help(f, true);
}

static void test_help_fits_on_a_screen(void **state)
{
	char *text = printed(help_common), *all = printed(help_all);
	unsigned lines = 0;

	for (char *p = text; *p != '\0'; lines++) {
		size_t n = strcspn(p, "\n");

		assert_true(n <= 120);
		p += n + 1;
	}
	assert_true(lines <= 40);
	for (size_t i = 0; i < conf_n_keys; i++)
		assert_non_null(strstr(all, conf_keys[i].name));
	free(text);
	free(all);
}

/* Every line of the example, uncommented, is accepted and is the default. */
static void test_example_is_the_defaults(void **state)
{
	char *text = printed(conf_print_example);
	struct conf c, d;
	unsigned keys = 0;

	conf_init(&c);
	conf_init(&d);
	for (char *save = NULL, *line = strtok_r(text, "\n", &save); line != NULL;
	     line = strtok_r(NULL, "\n", &save)) {
		if (line[0] != '#' || line[1] == ' ' || line[1] == '#' || line[1] == '\0')
			continue;
		keys++;
		if (read_text(&c, line + 1) == -1)
			fail_msg("%s: %s", line, err);
		assert_memory_equal(&c, &d, sizeof(c));
	}
	assert_true(keys > 50);
	free(text);
}

static void test_md_has_every_key(void **state)
{
	char *text = printed(conf_print_md);

	for (size_t i = 0; i < conf_n_keys; i++)
		assert_non_null(strstr(text, conf_keys[i].name));
	free(text);
}

static void test_values_read_back(void **state)
{
	struct conf c, again;
	char *text = NULL;
	size_t n;
	FILE *f = open_memstream(&text, &n);

	conf_init(&c);
	assert_int_equal(set(&c, "error-log", "/a \"b\" \\ # c"), 0);
	assert_int_equal(set(&c, "keep-alive", "1500ms"), 0);
	conf_print_values(f, &c);
	fclose(f);
	conf_init(&again);
	assert_int_equal(read_text(&again, text), 0);
	assert_memory_equal(&c, &again, sizeof(c));
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_defaults),
	    cmocka_unit_test(test_every_key_prints_what_it_reads),
	    cmocka_unit_test(test_values),
	    cmocka_unit_test(test_texts),
	    cmocka_unit_test(test_choices_and_booleans),
	    cmocka_unit_test(test_unknown_and_ignored),
	    cmocka_unit_test(test_file),
	    cmocka_unit_test(test_file_errors_change_nothing),
	    cmocka_unit_test(test_missing_file),
	    cmocka_unit_test(test_reload_keeps_what_is_fixed),
	    cmocka_unit_test(test_csv),
	    cmocka_unit_test(test_hand_over),
	    cmocka_unit_test(test_options),
	    cmocka_unit_test(test_actions),
	    cmocka_unit_test(test_wrong_options),
	    cmocka_unit_test(test_command_line_overrides_file),
	    cmocka_unit_test(test_help_fits_on_a_screen),
	    cmocka_unit_test(test_example_is_the_defaults),
	    cmocka_unit_test(test_md_has_every_key),
	    cmocka_unit_test(test_values_read_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
