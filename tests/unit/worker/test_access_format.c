/* test_access_format: formats of one's own, what leaves no line, and syslog. */
#include "access_fixture.h"

/* ---- formats ---- */

static const char *formatted(struct fixture *f, const char *template, bool json, bool none)
{
	static char buf[ACCESS_LINE_MAX + 1];
	static struct access_format format;
	struct conf *conf = calloc(1, sizeof(*conf));
	struct text t;

	conf_init(conf);
	strncpy(conf->log_format_upstream, template, sizeof(conf->log_format_upstream) - 1);
	conf->log_format_escape_json = json;
	conf->log_format_escape_none = none;
	access_format_set(&format, conf);
	free(conf);
	text_fixed(&t, buf, ACCESS_LINE_MAX);
	access_format_write(&format, &f->r, &now, &t);
	assert_false(t.full);
	buf[t.n] = '\0';
	return buf;
}

/* The line written by hand and the default template, walked, are the same bytes. The template is
 * altered by a trailing blank, so that it is not taken for the default. */
static void default_is_the_template(struct fixture *f)
{
	char by_hand[ACCESS_LINE_MAX + 1];

	strcpy(by_hand, text_line(f));
	assert_string_equal(formatted(f, LOG_FORMAT_DEFAULT " ", false, false), by_hand);
	assert_string_equal(formatted(f, LOG_FORMAT_DEFAULT, false, false), by_hand);
	assert_string_equal(formatted(f, "", false, false), by_hand);
}

static void the_default_format_is_the_template(void **state)
{
	struct fixture *f = *state;
	struct request *r = &f->r;

	default_is_the_template(f);
	assert_int_equal(
	    head_add(&r->in, FIELD_USER_AGENT, STR("User-Agent"), STR("a\"\\\x01\xff")), 0);
	assert_int_equal(head_add(&r->in, FIELD_REFERER, STR("Referer"), STR("")), 0);
	assert_int_equal(head_add(&r->in, FIELD_AUTHORIZATION, STR("Authorization"),
				  STR("Basic YWxpY2U6c2VjcmV0")),
			 0);
	default_is_the_template(f);
	r->n_tries = 2;
	r->tries[1] = r->tries[0];
	r->tries[0] = (struct try_record){
	    .reason = REASON_CONNECT_FAILED, .start_us = 10000500, .end_us = 10000900};
	r->tries[1].end_us = 0;
	default_is_the_template(f);
	r->n_tries = 0;
	r->in = (struct head){.version = 11};
	r->cluster = r->request_id = STR_NONE;
	default_is_the_template(f);
}

static void own_formats(void **state)
{
	struct fixture *f = *state;

	assert_string_equal(formatted(f, "$remote_addr|${status}|$request_uri", false, false),
			    "192.0.2.7|200|/a?b=c\n");
	/* As it stands in nginx.conf: \" is a quote. Line ends do not end the line. */
	assert_string_equal(
	    formatted(f, "\n  {\\\"a\\\":\"$host\",\n\"b\": $status}\n", true, false),
	    "{\"a\":\"silex.local\", \"b\": 200}\n");
	assert_int_equal(head_add(&f->r.in, FIELD_USER_AGENT, STR("User-Agent"), STR("x\"\n{y}")),
			 0);
	assert_string_equal(
	    formatted(f, "{\"ua\":\"$http_user_agent\",\"n\":\"$http_nothing\"}", true, false),
	    "{\"ua\":\"x\\\"\\n{y}\",\"n\":\"\"}\n");
	assert_string_equal(formatted(f, "$http_user_agent|$http_nothing", false, true),
			    "x\" {y}|\n");
	assert_string_equal(formatted(f, "$nobody", false, false), "-\n");
	/* What cannot be read is the default. */
	assert_string_equal(formatted(f, "${", false, false), text_line(f));
}

/* Values are cut before a line is lost. */
static void long_values_are_cut(void **state)
{
	struct fixture *f = *state;
	static char large[8001];
	const char *line;

	memset(large, 'x', sizeof(large) - 1);
	f->r.in.target = str_from(large);
	line =
	    formatted(f, "$request_uri $request_uri $request_uri $request_uri $request_uri $status",
		      false, false);
	assert_true(strlen(line) <= ACCESS_LINE_MAX);
	assert_non_null(strstr(line, "... 200\n"));
}

static void configure(struct fixture *f, const char *key, const char *value)
{
	struct conf *conf = calloc(1, sizeof(*conf));
	char err[CONF_ERROR_MAX];

	conf_init(conf);
	assert_int_equal(conf_set(conf, str_from(key), str_from(value), err), 0);
	if (f->w.regexes == NULL)
		f->w.regexes = regexes_new();
	access_log_configure(f->log, conf, f->w.regexes);
	free(conf);
}

static bool leaves_a_line(struct fixture *f)
{
	size_t before = access_log_pending(f->log);

	access_log_request(f->log, &f->r);
	return access_log_pending(f->log) > before;
}

static void skipped_urls(void **state)
{
	struct fixture *f = *state;

	open_log(f);
	configure(f, "skip-access-log-urls", "/healthz,~^/status/,~*\\.PNG$,~(");
	assert_true(leaves_a_line(f));
	f->r.in.target = STR("/HealthZ");
	assert_false(leaves_a_line(f));
	f->r.in.target = STR("/healthz?x");
	assert_true(leaves_a_line(f));
	f->r.in.target = STR("/status/1");
	assert_false(leaves_a_line(f));
	f->r.in.target = STR("/STATUS/1");
	assert_true(leaves_a_line(f));
	f->r.in.target = STR("/a.png");
	assert_false(leaves_a_line(f));
	configure(f, "skip-access-log-urls", "");
	assert_true(leaves_a_line(f));
	regexes_free(f->w.regexes);
	f->w.regexes = NULL;
}

static void default_backend_and_off(void **state)
{
	struct fixture *f = *state;

	open_log(f);
	f->r.route.flags = ROUTE_CATCH_ALL;
	assert_false(leaves_a_line(f));
	f->r.route.group = 7; /* an Ingress without host */
	assert_true(leaves_a_line(f));
	f->r.route.group = 0;
	configure(f, "enable-access-log-for-default-backend", "true");
	assert_true(leaves_a_line(f));
	configure(f, "access-log", "off");
	assert_false(leaves_a_line(f));
	f->r.route.policy = NULL;
	configure(f, "access-log", "stdout");
	assert_true(leaves_a_line(f)); /* refused before it was routed */
	regexes_free(f->w.regexes);
	f->w.regexes = NULL;
}

/* ---- syslog ---- */

static void open_syslog(struct fixture *f, int type)
{
	(void)close(f->ends[0]);
	(void)close(f->ends[1]);
	assert_int_equal(socketpair(AF_UNIX, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, f->ends), 0);
	open_log(f);
}

static void a_line_is_a_message(void **state)
{
	struct fixture *f = *state;
	char buf[4096];
	ssize_t n;

	open_syslog(f, SOCK_DGRAM);
	access_log_request(f->log, &f->r);
	access_log_request(f->log, &f->r);
	access_log_flush(f->log);
	for (int i = 0; i < 2; i++) {
		n = read(f->ends[0], buf, sizeof(buf) - 1);
		assert_true(n > 0);
		buf[n] = '\0';
		assert_int_equal(strncmp(buf, "<190>", 5), 0); /* local7, info */
		assert_non_null(strstr(buf, " node-1 silex: 192.0.2.7 - - ["));
		assert_null(strchr(buf, '\n'));
	}
	assert_int_equal(read(f->ends[0], buf, sizeof(buf)), -1);
	assert_int_equal(stat_of(f, STAT_LOG_LINES), 2);
}

/* Nobody reads the socket: as with a pipe, lines wait, then are lost; every one is counted. */
static void a_full_socket_costs_lines_not_time(void **state)
{
	struct fixture *f = *state;
	uint64_t seen = 0;
	char buf[4096];

	open_syslog(f, SOCK_DGRAM);
	for (int i = 0; i < 3000; i++) {
		access_log_request(f->log, &f->r);
		if (i % 7 == 0)
			access_log_flush(f->log);
	}
	assert_true(stat_of(f, STAT_LOG_LOST) > 0);
	assert_true(access_log_pending(f->log) > 0);
	do {
		while (read(f->ends[0], buf, sizeof(buf)) > 0)
			seen++;
		access_log_flush(f->log);
	} while (access_log_pending(f->log) > 0);
	while (read(f->ends[0], buf, sizeof(buf)) > 0)
		seen++;
	assert_int_equal(seen, stat_of(f, STAT_LOG_LINES));
	assert_int_equal(seen + stat_of(f, STAT_LOG_LOST), 3000);
}

static void a_server_that_is_gone(void **state)
{
	struct fixture *f = *state;

	open_syslog(f, SOCK_DGRAM);
	(void)close(f->ends[0]);
	f->ends[0] = -1;
	access_log_request(f->log, &f->r);
	access_log_request(f->log, &f->r);
	access_log_flush(f->log);
	assert_int_equal(access_log_pending(f->log), 0);
	assert_int_equal(stat_of(f, STAT_LOG_LOST), 2);
	assert_int_equal(stat_of(f, STAT_LOG_LINES), 0);
}

/* A journal's stream is no syslog: lines as in a file. */
static void a_stream_is_no_syslog(void **state)
{
	struct fixture *f = *state;

	open_syslog(f, SOCK_STREAM);
	access_log_request(f->log, &f->r);
	access_log_flush(f->log);
	assert_int_equal(read_lines(f), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    CASE(the_default_format_is_the_template),
	    CASE(own_formats),
	    CASE(long_values_are_cut),
	    CASE(skipped_urls),
	    CASE(default_backend_and_off),
	    CASE(a_line_is_a_message),
	    CASE(a_full_socket_costs_lines_not_time),
	    CASE(a_server_that_is_gone),
	    CASE(a_stream_is_no_syslog),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
