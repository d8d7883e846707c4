/* One event is one line that nobody can forge, and writing it never blocks for ever. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/log/log.h"
#include "common/log/log_line.h"

static char out[LOG_LINE_MAX + 1];

static const struct log_head head = {.at_ms = 1700000000123,
				     .pid = 42,
				     .level = LOG_LEVEL_WARN,
				     .role = "master",
				     .what = "it broke"};

static const char *line(enum log_format format, const struct log_field *f)
{
	out[log_line(out, format, &head, f)] = '\0';
	return out;
}

#define FIELDS(...) ((const struct log_field[]){__VA_ARGS__, {.type = LOG_T_END}})

static void test_text(void **state)
{
	struct addr a = {.family = 4, .port = 80, .ip = {127, 0, 0, 1}};

	assert_string_equal(
	    line(LOG_FORMAT_TEXT, FIELDS(LOG_U64("n", 7), LOG_I64("i", -1), LOG_Z("plain", "a/b:c"),
					 LOG_ADDR("at", &a), LOG_Z("empty", ""))),
	    "2023-11-14T22:13:20.123Z warn master[42] it broke: n=7 i=-1 "
	    "plain=a/b:c at=127.0.0.1:80 empty=\"\"\n");
}

static void test_text_cannot_be_forged(void **state)
{
	assert_string_equal(
	    line(LOG_FORMAT_TEXT,
		 FIELDS(LOG_Z("h", "a\n2023 error master[1] x: y=\"z\" \\ \xc3\xa9"))),
	    "2023-11-14T22:13:20.123Z warn master[42] it broke: h=\"a\\u000a2023 error master[1] "
	    "x: y=\\\"z\\\" \\\\ \\u00c3\\u00a9\"\n");
	assert_non_null(strstr(line(LOG_FORMAT_TEXT, FIELDS(LOG_Z("h", "a=b"))), "h=\"a=b\"\n"));
}

static void test_json(void **state)
{
	assert_string_equal(
	    line(LOG_FORMAT_JSON, FIELDS(LOG_U64("n", UINT64_MAX), LOG_Z("h", "a\"b\x1f"))),
	    "{\"time\":\"2023-11-14T22:13:20.123Z\",\"level\":\"warn\",\"role\":\"master\","
	    "\"pid\":42,\"msg\":\"it broke\",\"n\":18446744073709551615,"
	    "\"h\":\"a\\\"b\\u001f\"}\n");
}

/* Whatever the length of the value, a cut line is one line, and cut JSON is still JSON. */
static void test_cut(void **state)
{
	static char big[LOG_LINE_MAX * 2];

	memset(big, 'x', sizeof(big));
	for (size_t n = LOG_LINE_MAX - 200; n < LOG_LINE_MAX + 4; n++) {
		struct str s = str_make(big, n);
		const char *l = line(LOG_FORMAT_JSON, FIELDS(LOG_STR("k", s), LOG_U64("n", 123456),
							     LOG_Z("z", "end")));
		size_t len = strlen(l), quotes = 0;

		assert_true(len <= LOG_LINE_MAX);
		assert_string_equal(l + len - 2, "}\n");
		for (const char *p = l; *p != '\0'; p++)
			quotes += *p == '"';
		assert_int_equal(quotes % 2, 0);
		assert_true(l[len - 3] == '"' || (l[len - 3] >= '0' && l[len - 3] <= '9'));

		l = line(LOG_FORMAT_TEXT, FIELDS(LOG_STR("k", s), LOG_Z("z", "end")));
		len = strlen(l);
		assert_true(len <= LOG_LINE_MAX && l[len - 1] == '\n');
		assert_null(memchr(l, '\n', len - 1));
		assert_true(strstr(l, "z=end\n") != NULL || strstr(l, "...") != NULL);
	}
}

/* --- writing ---------------------------------------------------------------------------- */

static size_t count_lines(int fd)
{
	static char buf[1 << 17];
	ssize_t n = read(fd, buf, sizeof(buf));
	size_t lines = 0;

	for (ssize_t i = 0; i < n; i++)
		lines += buf[i] == '\n';
	return lines;
}

static void nonblocking_pipe(int p[2])
{
	assert_int_equal(pipe2(p, O_CLOEXEC), 0);
	assert_int_equal(fcntl(p[0], F_SETFL, O_NONBLOCK), 0);
}

static void test_level(void **state)
{
	int p[2];

	nonblocking_pipe(p);
	log_setup("worker 3", LOG_LEVEL_WARN, LOG_FORMAT_TEXT);
	log_use_fd(p[1]);
	log_info("quiet");
	log_debug("quiet", LOG_U64("n", 1));
	assert_int_equal(count_lines(p[0]), 0);
	log_warn("heard");
	log_error("heard", LOG_U64("n", 1));
	assert_int_equal(count_lines(p[0]), 2);
	log_use_fd(STDERR_FILENO);
	close(p[0]);
	close(p[1]);
}

static uint64_t clock_now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

static void test_repeats_are_counted_not_written(void **state)
{
	int p[2];
	struct log_site site = {0};
	const struct log_field none = {.type = LOG_T_END};
	char buf[LOG_LINE_MAX];
	ssize_t n;

	nonblocking_pipe(p);
	log_use_fd(p[1]);
	for (int i = 0; i < 1000; i++) {
		log_event(&site, LOG_LEVEL_ERROR, "again", &none);
		site.window_ms = clock_now_ms(); /* all of this within one second */
	}
	(void)count_lines(p[0]);
	assert_int_equal(site.in_window, LOG_BURST);
	assert_int_equal(site.suppressed, 1000 - LOG_BURST);
	site.window_ms = 0; /* long ago: the next line opens a new window and tells */
	log_event(&site, LOG_LEVEL_ERROR, "again", &none);
	n = read(p[0], buf, sizeof(buf) - 1);
	assert_true(n > 0);
	buf[n] = '\0';
	assert_non_null(strstr(buf, "again: suppressed=990\n"));
	assert_int_equal(site.suppressed, 0);
	log_use_fd(STDERR_FILENO);
	close(p[0]);
	close(p[1]);
}

/* A blocking pipe nobody reads: the line is lost and counted, the process lives on. */
static void test_full_pipe(void **state)
{
	int p[2];
	static char block[4096];
	uint64_t before = log_lost();

	nonblocking_pipe(p);
	assert_int_equal(fcntl(p[1], F_SETFL, O_NONBLOCK), 0);
	while (write(p[1], block, sizeof(block)) > 0)
		;
	assert_int_equal(fcntl(p[1], F_SETFL, 0), 0);
	log_use_fd(p[1]);
	log_error("nobody reads this");
	assert_int_equal(log_lost(), before + 1);
	log_use_fd(STDERR_FILENO);
	close(p[0]);
	close(p[1]);
}

static void test_reopen(void **state)
{
	char dir[] = "/tmp/silex-test-log-XXXXXX", path[64], moved[64];

	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/e.log", dir);
	snprintf(moved, sizeof(moved), "%s/e.log.1", dir);
	assert_int_equal(log_open(path), 0);
	log_error("first");
	assert_int_equal(rename(path, moved), 0);
	assert_int_equal(log_reopen(), 0);
	log_error("second");
	assert_int_equal(access(path, F_OK), 0);
	assert_int_equal(log_open("/nonexistent/e.log"), -1);
	log_error("third, still in the old log");
	assert_int_equal(log_open("stderr"), 0);
	assert_int_equal(log_fd(), STDERR_FILENO);
	assert_int_equal(log_reopen(), 0);

	int fd = open(path, O_RDONLY);
	assert_int_equal(count_lines(fd), 2);
	close(fd);
	unlink(path);
	unlink(moved);
	rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_text),
	    cmocka_unit_test(test_text_cannot_be_forged),
	    cmocka_unit_test(test_json),
	    cmocka_unit_test(test_cut),
	    cmocka_unit_test(test_level),
	    cmocka_unit_test(test_repeats_are_counted_not_written),
	    cmocka_unit_test(test_full_pipe),
	    cmocka_unit_test(test_reopen),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
