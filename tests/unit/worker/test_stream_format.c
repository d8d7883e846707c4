/* test_stream_format: log-format-stream: what each variable says, of sessions of every kind. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "common/version.h"
#include "worker/log/access_log.h"
#include "worker/log/stream_format.h"

static const struct moment now = {
    .us = 12500000,
    .unix_ms = 1795454617123,
    .local = {"23/Nov/2026:17:23:37 +0000", 26},
    .iso_secs = {"2026-11-23T17:23:37", 19},
};

static struct addr tries[2];
static struct slot *slot;

static struct stream_record session(void)
{
	struct stream_record r = {.protocol = "TCP",
				  .tries = tries,
				  .n_tries = 2,
				  .port = 5432,
				  .cluster = STR("default-db-5432"),
				  .reason = REASON_S_DONE,
				  .received = 12,
				  .sent = 345,
				  .start_us = 10000000};

	assert_true(addr_parse(STR("192.0.2.7"), 4711, &r.client));
	assert_true(addr_parse(STR("10.0.0.1"), 80, &tries[0]));
	assert_true(addr_parse(STR("fd00::2"), 80, &tries[1]));
	return r;
}

static const char *line(const char *template, const struct stream_record *r,
			enum conf_access_format builtin)
{
	static char buf[ACCESS_LINE_MAX + 1];
	struct conf *conf = calloc(1, sizeof(*conf));
	struct stream_format f = {.builtin = builtin};
	struct text t;

	conf_init(conf);
	conf->access_log_format = (uint8_t)builtin;
	strncpy(conf->log_format_stream, template, sizeof(conf->log_format_stream) - 1);
	stream_format_set(&f, conf, "node-1", slot);
	free(conf);
	text_fixed(&t, buf, ACCESS_LINE_MAX);
	stream_format_write(&f, r, &now, &t);
	stream_format_free(&f);
	if (t.full)
		return NULL;
	assert_true(t.n > 0 && buf[t.n - 1] == '\n');
	buf[t.n - 1] = '\0';
	return buf;
}

static void check(const struct stream_record *r, const char *template, const char *want)
{
	assert_string_equal(line(template, r, CONF_ACCESS_UPSTREAMINFO), want);
}

static void every_variable(void **state)
{
	struct stream_record r = session();

	check(&r, "[$remote_addr] $remote_port $binary_remote_addr", "[192.0.2.7] 4711 c0000207");
	check(&r, "$protocol $status $bytes_sent $bytes_received $session_time",
	      "TCP 200 345 12 2.500");
	check(&r, "$server_port $upstream_addr", "5432 10.0.0.1:80, [fd00::2]:80");
	check(&r, "$upstream_bytes_sent $upstream_bytes_received", "12 345");
	check(&r, "$proxy_upstream_name $silex_reason", "tcp-default-db-5432 stream_done");
	check(&r, "$time_local|$time_iso8601|$msec",
	      "23/Nov/2026:17:23:37 +0000|2026-11-23T17:23:37+00:00|1795454617.123");
	check(&r, "$pid $hostname $nginx_version", "77 node-1 " SILEX_VERSION);
	check(&r, "$server_addr $request $connection", "- - -");
}

static void a_session_that_came_to_nothing(void **state)
{
	struct stream_record r = session();

	r.protocol = "UDP";
	r.n_tries = 0;
	r.reason = REASON_S_NO_SERVICE;
	assert_true(addr_parse(STR("2001:db8::1"), 9, &r.client));
	check(&r, "$remote_addr $binary_remote_addr $status",
	      "2001:db8::1 20010db8000000000000000000000001 502");
	check(&r, "$upstream_addr $upstream_bytes_sent $upstream_bytes_received", "- - -");
	check(&r, "$proxy_upstream_name", "udp-default-db-5432");
	r.cluster = STR_NONE;
	check(&r, "$proxy_upstream_name", "-");
}

/* The line written by hand and ingress-nginx' default template say the same. */
static void the_default(void **state)
{
	static const char template[] = "[$remote_addr] [$time_local] $protocol $status $bytes_sent "
				       "$bytes_received $session_time";
	struct stream_record r = session();
	char by_hand[200];

	strcpy(by_hand, line("", &r, CONF_ACCESS_UPSTREAMINFO));
	check(&r, template, by_hand);
	assert_int_equal(line("", &r, CONF_ACCESS_JSON)[0], '{');
	assert_string_equal(line("own $protocol", &r, CONF_ACCESS_JSON), "own TCP");
	assert_int_equal(line("bad ${", &r, CONF_ACCESS_JSON)[0], '{');
}

static void a_line_that_does_not_fit(void **state)
{
	struct stream_record r = session();
	char template[2001];

	assert_true(addr_parse(STR("2001:db8:1111:2222:3333:4444:5555:6666"), 80, &tries[0]));
	for (unsigned i = 0; i < 125; i++)
		memcpy(template + i * 16, "$upstream_addr  ", 16);
	template[2000] = '\0';
	assert_null(line(template, &r, CONF_ACCESS_UPSTREAMINFO));
}

static int set_up(void **state)
{
	slot = calloc(1, sizeof(*slot));
	atomic_store(&slot->pid, 77);
	return slot == NULL;
}

static int tear_down(void **state)
{
	free(slot);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_variable),
	    cmocka_unit_test(a_session_that_came_to_nothing),
	    cmocka_unit_test(the_default),
	    cmocka_unit_test(a_line_that_does_not_fit),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
