/*
 * test_access_log: what a line says, and what happens when its sink is full, slow or gone.
 *
 * The JSON lines are read back by a small strict parser of RFC 8259: every line has to be one
 * whole object, whatever bytes a client sent.
 */
#include "access_fixture.h"

/* ---- a strict reader of JSON ---- */

static const char *json_value(const char *p);

static const char *json_string(const char *p)
{
	assert_int_equal(*p++, '"');
	while (*p != '"') {
		assert_true((unsigned char)*p >= 0x20);
		if (*p == '\\') {
			p++;
			assert_non_null(strchr("\"\\/bfnrtu", *p));
			if (*p == 'u') {
				for (int i = 0; i < 4; i++)
					assert_non_null(strchr("0123456789abcdefABCDEF", *++p));
			}
		}
		p++;
	}
	return p + 1;
}

static const char *json_list(const char *p, char close, bool keys)
{
	if (*++p == close)
		return p + 1;
	for (;; p++) {
		if (keys) {
			p = json_string(p);
			assert_int_equal(*p++, ':');
		}
		p = json_value(p);
		if (*p == close)
			return p + 1;
		assert_int_equal(*p, ',');
	}
}

static const char *json_value(const char *p)
{
	size_t n;

	if (*p == '"')
		return json_string(p);
	if (*p == '{')
		return json_list(p, '}', true);
	if (*p == '[')
		return json_list(p, ']', false);
	if (strncmp(p, "true", 4) == 0)
		return p + 4;
	if (strncmp(p, "false", 5) == 0)
		return p + 5;
	n = strspn(p, "0123456789");
	assert_true(n > 0 && (n == 1 || *p != '0'));
	p += n;
	if (*p == '.') {
		n = strspn(++p, "0123456789");
		assert_true(n > 0);
		p += n;
	}
	return p;
}

static void is_json_line(const char *line)
{
	assert_int_equal(*line, '{');
	assert_string_equal(json_value(line), "\n");
}

/* ---- what a line says ---- */

static void upstreaminfo_of_a_simple_request(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(head_add(&f->r.in, FIELD_USER_AGENT, STR("User-Agent"), STR("curl/8")), 0);
	assert_string_equal(
	    text_line(f), "192.0.2.7 - - [23/Nov/2026:17:23:37 +0000] \"GET /a?b=c HTTP/1.1\" 200 "
			  "128 \"-\" \"curl/8\" 82 0.005 [default-echo-80] [] 10.0.0.1:8080 128 "
			  "0.003 200 0123456789abcdef0123456789abcdef\n");
}

static void upstreaminfo_of_several_tries(void **state)
{
	struct fixture *f = *state;

	f->r.n_tries = 3;
	f->r.tries[1] = f->r.tries[2] = f->r.tries[0];
	f->r.tries[0].status = 0;
	f->r.tries[0].bytes = 0;
	f->r.tries[0].reason = REASON_CONNECT_FAILED;
	f->r.tries[1].status = 0;
	f->r.tries[1].bytes = 0;
	f->r.tries[1].reason = REASON_UP_READ_TIMEOUT;
	assert_true(addr_parse(STR("2001:db8::1"), 80, &f->r.tries[1].addr));
	assert_non_null(strstr(text_line(f), "] 10.0.0.1:8080, [2001:db8::1]:80, 10.0.0.1:8080 "
					     "0, 0, 128 0.003, 0.003, 0.003 502, 504, 200 "));
}

/* The client left while the origin was thinking: no status of the origin, time until now. */
static void upstreaminfo_of_a_try_cut_short(void **state)
{
	struct fixture *f = *state;

	f->r.status = 499;
	f->r.reason = REASON_CLIENT_GONE;
	f->r.tries[0] = (struct try_record){.addr = f->r.tries[0].addr, .start_us = 10003000};
	assert_non_null(strstr(text_line(f), " 10.0.0.1:8080 0 0.002 - "));
}

static void upstreaminfo_of_a_refused_head(void **state)
{
	struct fixture *f = *state;

	f->r = (struct request){.w = &f->w, .status = 400, .reason = REASON_BAD_REQUEST};
	assert_true(addr_parse(STR("::1"), 1, &f->r.peer));
	assert_string_equal(text_line(f),
			    "::1 - - [23/Nov/2026:17:23:37 +0000] \"-\" 400 0 \"-\" \"-\" 0 "
			    "0.000 [-] [] - - - - -\n");
}

static void user_of_basic(struct fixture *f, struct str value, const char *want)
{
	char expected[128];

	f->r.in.n_fields = 0;
	assert_int_equal(head_add(&f->r.in, FIELD_AUTHORIZATION, STR("Authorization"), value), 0);
	(void)snprintf(expected, sizeof(expected), "192.0.2.7 - %s [", want);
	assert_int_equal(strncmp(text_line(f), expected, strlen(expected)), 0);
}

static void remote_user(void **state)
{
	struct fixture *f = *state;

	user_of_basic(f, STR("Basic YWxpY2U6c2VjcmV0"), "alice"); /* alice:secret */
	user_of_basic(f, STR("basic  YWxpY2U6"), "alice");
	user_of_basic(f, STR("Basic YSJiOng="), "a\\x22b"); /* a"b:x */
	user_of_basic(f, STR("Basic OnNlY3JldA=="), "-");   /* :secret */
	user_of_basic(f, STR("Basic YWxpY2U="), "-");       /* no colon */
	user_of_basic(f, STR("Basic !!!"), "-");
	user_of_basic(f, STR("Basic"), "-");
	user_of_basic(f, STR("Bearer YWxpY2U6c2VjcmV0"), "-");
}

static void json_of_a_simple_request(void **state)
{
	struct fixture *f = *state;

	assert_string_equal(
	    json_line(f),
	    "{\"time\":\"2026-11-23T17:23:37.123Z\",\"remote_addr\":\"192.0.2.7\",\"method\":"
	    "\"GET\","
	    "\"host\":\"silex.local\",\"uri\":\"/a?b=c\",\"protocol\":\"HTTP/1.1\",\"request_id\":"
	    "\"0123456789abcdef0123456789abcdef\",\"status\":200,\"reason\":\"done\","
	    "\"body_bytes_sent\":128,\"bytes_sent\":300,\"request_length\":82,\"request_time\":"
	    "0.005000,\"upstream\":\"default-echo-80\",\"tries\":[{\"addr\":\"10.0.0.1:8080\","
	    "\"status\":200,\"bytes\":128,\"time\":0.003000,\"reused\":false}]}\n");
	is_json_line(json_line(f));
	f->r = (struct request){.w = &f->w, .status = 400, .reason = REASON_BAD_REQUEST};
	is_json_line(json_line(f));
}

static void every_byte_is_escaped(void **state)
{
	struct fixture *f = *state;
	char all[256];

	for (int i = 0; i < 256; i++)
		all[i] = (char)i;
	f->r.in.target = f->r.in.host = str_make(all, 256);
	assert_int_equal(
	    head_add(&f->r.in, FIELD_USER_AGENT, STR("User-Agent"), str_make(all, 256)), 0);
	assert_int_equal(head_add(&f->r.in, FIELD_REFERER, STR("Referer"), str_make(all, 256)), 0);
	is_json_line(json_line(f));
	for (const char *p = text_line(f); *p != '\n'; p++)
		assert_true(*p >= 0x20 && *p <= 0x7e);
}

/* The longest of everything still is one whole line. */
static void the_largest_line_fits(void **state)
{
	struct fixture *f = *state;
	static char big[70000];
	struct str s = str_make(big, sizeof(big));

	memset(big, '\n', sizeof(big));
	f->r.in.target = f->r.in.host = f->r.in.method_text = f->r.cluster = f->r.request_id = s;
	s.n = UINT16_MAX;
	assert_int_equal(head_add(&f->r.in, FIELD_USER_AGENT, STR("User-Agent"), s), 0);
	assert_int_equal(head_add(&f->r.in, FIELD_REFERER, STR("Referer"), s), 0);
	assert_true(addr_parse(STR("1111:2222:3333:4444:5555:6666:7777:8888"), 65535, &f->r.peer));
	f->r.rx_bytes = f->r.tx_bytes = f->r.tx_content = now.us = UINT64_MAX;
	f->r.status = UINT16_MAX;
	f->r.reason = REASON_UP_HEAD_TOO_LARGE;
	for (int i = 0; i < REQUEST_TRIES_MAX; i++)
		f->r.tries[i] = (struct try_record){.addr = f->r.peer,
						    .status = UINT16_MAX,
						    .reason = REASON_UP_HEAD_TOO_LARGE,
						    .start_us = 1,
						    .bytes = UINT64_MAX};
	for (uint16_t n = 0; n <= REQUEST_TRIES_MAX; n++) {
		f->r.n_tries = n;
		is_json_line(json_line(f));
		assert_int_equal(text_line(f)[strlen(text_line(f)) - 1], '\n');
	}
	now.us = 10005000;
}

static void times_of_a_second(void **state)
{
	char local[MOMENT_LOCAL_LEN + 1], iso[MOMENT_ISO_LEN + 1];

	moment_local(1795454617, local);
	moment_iso(1795454617, iso);
	assert_string_equal(local, "23/Nov/2026:17:23:37 +0000");
	assert_string_equal(iso, "2026-11-23T17:23:37");
}

/* ---- the way out ---- */

static void one_write_a_turn(void **state)
{
	struct fixture *f = *state;

	open_log(f);
	for (int i = 0; i < 10; i++)
		access_log_request(f->log, &f->r);
	assert_int_equal(read_lines(f), 0);
	assert_true(access_log_pending(f->log) > 0);
	access_log_flush(f->log);
	assert_int_equal(access_log_pending(f->log), 0);
	assert_int_equal(read_lines(f), 10);
	assert_int_equal(stat_of(f, STAT_LOG_LINES), 10);
	assert_int_equal(stat_of(f, STAT_LOG_LOST), 0);
}

static void off_and_not_wanted(void **state)
{
	struct fixture *f = *state;

	access_log_request(NULL, &f->r);
	access_log_flush(NULL);
	access_log_reopen(NULL);
	assert_int_equal(access_log_pending(NULL), 0);
	open_log(f);
	f->policy.flags = POLICY_NO_ACCESS_LOG;
	access_log_request(f->log, &f->r);
	f->policy.flags = 0;
	f->r.role = ROLE_HEALTHZ;
	access_log_request(f->log, &f->r);
	assert_int_equal(access_log_pending(f->log), 0);
}

/* Nobody reads: the pipe fills, the buffer fills, then lines are lost and counted; what is read
 * later is whole lines, and every line was either written or lost. */
static void a_full_sink_costs_lines_not_time(void **state)
{
	struct fixture *f = *state;
	uint64_t seen;

	open_log(f);
	for (int i = 0; i < 3000; i++) {
		access_log_request(f->log, &f->r);
		if (i % 7 == 0)
			access_log_flush(f->log);
	}
	assert_true(stat_of(f, STAT_LOG_LOST) > 0);
	assert_true(access_log_pending(f->log) > 0);
	seen = read_lines(f);
	access_log_flush(f->log);
	seen += read_lines(f);
	while (access_log_pending(f->log) > 0) {
		access_log_flush(f->log);
		seen += read_lines(f);
	}
	assert_int_equal(seen, stat_of(f, STAT_LOG_LINES));
	assert_int_equal(seen + stat_of(f, STAT_LOG_LOST), 3000);
	access_log_request(f->log, &f->r);
	access_log_flush(f->log);
	assert_int_equal(read_lines(f), 1);
}

/* Two workers, one pipe that is always nearly full: no line is ever torn. */
static void writers_that_share_a_pipe(void **state)
{
	struct fixture *f = *state;
	struct access_log *other;
	uint64_t seen = 0;

	open_log(f);
	other = access_log_new(f->ends[1], "node-1", f->slot);
	assert_true(fcntl(f->ends[1], F_SETPIPE_SZ, 8192) > 0);
	for (int i = 0; i < 2000; i++) {
		access_log_request(f->log, &f->r);
		access_log_request(other, &f->r);
		if (i % 50 != 0)
			continue;
		access_log_flush(f->log);
		access_log_flush(other);
		seen += read_lines(f);
	}
	while (access_log_pending(f->log) + access_log_pending(other) > 0) {
		access_log_flush(f->log);
		access_log_flush(other);
		seen += read_lines(f);
	}
	access_log_free(other);
	assert_true(seen > 1000);
	assert_int_equal(seen, stat_of(f, STAT_LOG_LINES));
	assert_int_equal(seen + stat_of(f, STAT_LOG_LOST), 4000);
}

static void a_reader_that_is_gone(void **state)
{
	struct fixture *f = *state;

	open_log(f);
	for (int i = 0; i < 5; i++)
		access_log_request(f->log, &f->r);
	(void)close(f->ends[0]);
	f->ends[0] = -1;
	access_log_flush(f->log);
	assert_int_equal(access_log_pending(f->log), 0);
	assert_int_equal(stat_of(f, STAT_LOG_LOST), 5);
	assert_int_equal(stat_of(f, STAT_LOG_LINES), 0);
}

/* A file that may not grow any more takes a part of a line: the next line does not stick to it,
 * wherever it goes. */
static void a_torn_line_is_ended(void **state)
{
	struct fixture *f = *state;
	int fd = memfd_create("log", MFD_CLOEXEC);
	struct rlimit old, small;
	char buf[4096];
	ssize_t n;

	(void)signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	small = (struct rlimit){.rlim_cur = 100, .rlim_max = old.rlim_max};
	f->log = access_log_new(fd, "node-1", f->slot);
	access_log_request(f->log, &f->r);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	access_log_flush(f->log);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
	assert_int_equal(lseek(fd, 0, SEEK_END), 100);
	assert_int_equal(stat_of(f, STAT_LOG_LINES), 0);
	assert_int_equal(stat_of(f, STAT_LOG_LOST), 1);

	assert_int_equal(dup2(f->ends[1], fd), fd);
	access_log_reopen(f->log);
	access_log_request(f->log, &f->r);
	access_log_flush(f->log);
	n = read(f->ends[0], buf, sizeof(buf));
	assert_true(n > 100);
	assert_int_equal(buf[0], '\n');
	assert_int_equal(buf[1], '1');
	assert_int_equal(buf[n - 1], '\n');
	assert_int_equal(stat_of(f, STAT_LOG_LINES), 1);
	assert_int_equal(stat_of(f, STAT_LOG_LOST), 1);
	access_log_free(f->log);
	f->log = NULL;
	(void)close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    CASE(upstreaminfo_of_a_simple_request),
	    CASE(upstreaminfo_of_several_tries),
	    CASE(upstreaminfo_of_a_try_cut_short),
	    CASE(upstreaminfo_of_a_refused_head),
	    CASE(remote_user),
	    CASE(json_of_a_simple_request),
	    CASE(every_byte_is_escaped),
	    CASE(the_largest_line_fits),
	    CASE(times_of_a_second),
	    CASE(one_write_a_turn),
	    CASE(off_and_not_wanted),
	    CASE(a_full_sink_costs_lines_not_time),
	    CASE(writers_that_share_a_pipe),
	    CASE(a_reader_that_is_gone),
	    CASE(a_torn_line_is_ended),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
