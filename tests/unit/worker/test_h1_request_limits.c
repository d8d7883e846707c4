/* Request heads: how long a line, a name and a head may be, and which names settings let through.
 */
#include "h1_request.h"

/* Build "GET /aaa HTTP/1.1 Host: a" with a target of n bytes and run it. */
static unsigned status_of_target(size_t n)
{
	static char in[40000];
	struct h1_scan scan = {0};
	struct h1_refusal refusal = {0};
	struct head h;
	size_t consumed;
	int len = snprintf(in, sizeof(in), "GET /");

	memset(in + len, 'a', n - 1);
	n = (size_t)len + n - 1;
	n += (size_t)snprintf(in + n, sizeof(in) - n, " HTTP/1.1\r\nHost: a\r\n\r\n");
	return parse(str_make(in, n), &scan, &h, &consumed, &refusal) == H1_DONE ? 0
										 : refusal.status;
}

static void test_request_line_limit(void **state)
{
	size_t fits = 8192 - (sizeof("GET  HTTP/1.1\r\n") - 1);

	assert_int_equal(status_of_target(fits), 0);
	assert_int_equal(status_of_target(fits + 1), 414);
	assert_int_equal(status_of_target(30000), 414);
}

/* An unfinished line is refused as soon as it is over its limit, not when it ends. */
static void test_unfinished_over_limit(void **state)
{
	static char in[20000];
	struct h1_scan scan = {0};
	struct h1_refusal refusal = {0};
	struct head h;
	size_t consumed, n = 0;
	enum h1_verdict v = H1_INCOMPLETE;

	memset(in, 'a', sizeof(in));
	while (n < sizeof(in) && v == H1_INCOMPLETE)
		v = parse(str_make(in, n += 100), &scan, &h, &consumed, &refusal);
	assert_int_equal(v, H1_REFUSED);
	assert_int_equal(refusal.status, 414);
	assert_in_range(n, 8192, 8400);

	memcpy(in, "GET / HTTP/1.1\r\nX: ", 19);
	scan = (struct h1_scan){0};
	for (n = 0, v = H1_INCOMPLETE; n < sizeof(in) && v == H1_INCOMPLETE;)
		v = parse(str_make(in, n += 100), &scan, &h, &consumed, &refusal);
	assert_int_equal(v, H1_REFUSED);
	assert_int_equal(refusal.status, 400);
	assert_int_equal(refusal.reason, REASON_HEAD_TOO_LARGE);
	assert_in_range(n, 8192, 8500);
}

/* The request line's limit holds for a line that never ends, also where it is the smaller one. */
static void test_unfinished_request_line(void **state)
{
	static struct field fields[8];
	static char in[9000];
	struct h1_limits l = H1_LIMITS_DEFAULT;
	struct head h = {.fields = fields, .cap_fields = 8};
	struct h1_scan scan = {0};
	struct h1_refusal r = {0};
	enum h1_verdict v = H1_INCOMPLETE;
	size_t consumed, n = 0;

	l.start_line_max = 1000;
	memset(in, 'a', sizeof(in));
	while (n < sizeof(in) && v == H1_INCOMPLETE)
		v = h1_parse_request(str_make(in, n += 50), &l, &scan, &h, &consumed, &r);
	assert_int_equal(v, H1_REFUSED);
	assert_int_equal(r.status, 414);
	assert_in_range(n, 1000, 1100);
}

/* Lines of `line` bytes each, `lines` of them. */
static enum h1_verdict many_lines(size_t line, size_t lines, struct h1_refusal *refusal)
{
	static char in[70000];
	struct h1_scan scan = {0};
	struct head h;
	size_t consumed;
	size_t n = (size_t)snprintf(in, sizeof(in), "GET / HTTP/1.1\r\nHost: a\r\n");

	for (size_t i = 0; i < lines; i++) {
		memset(in + n, 'x', line);
		in[n + 1] = ':';
		memcpy(in + n + line - 2, "\r\n", 2);
		n += line;
	}
	memcpy(in + n, "\r\n", 2);
	return parse(str_make(in, n + 2), &scan, &h, &consumed, refusal);
}

static void test_field_limits(void **state)
{
	struct h1_refusal r = {0};

	assert_int_equal(many_lines(8192, 3, &r), H1_DONE);
	assert_int_equal(many_lines(8193, 1, &r), H1_REFUSED);
	assert_int_equal(r.status, 400);
	assert_int_equal(r.reason, REASON_HEAD_TOO_LARGE);
	assert_int_equal(many_lines(8192, 4, &r), H1_REFUSED);
	assert_int_equal(r.reason, REASON_HEAD_TOO_LARGE);
	assert_int_equal(many_lines(6, 255, &r), H1_DONE);
	assert_int_equal(many_lines(6, 256, &r), H1_REFUSED);
	assert_int_equal(r.reason, REASON_HEAD_TOO_LARGE);
}

/* CVE-2021-40346: no length of a name may wrap into another meaning. */
static void test_name_lengths(void **state)
{
	static char in[70000];
	static const size_t lens[] = {254,  255,  256,  257,   270,  1024,
				      1025, 4096, 8100, 65535, 65536};

	for (size_t i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
		struct h1_scan scan = {0};
		struct h1_refusal refusal = {0};
		struct head h;
		size_t consumed,
		    n = (size_t)snprintf(in, sizeof(in), "GET / HTTP/1.1\r\nHost: a\r\n");
		enum h1_verdict v;

		memset(in + n, 'n', lens[i]);
		n += lens[i];
		n += (size_t)snprintf(in + n, sizeof(in) - n, ": v\r\n\r\n");
		v = parse(str_make(in, n), &scan, &h, &consumed, &refusal);
		assert_int_equal(v, lens[i] <= 1024 ? H1_DONE : H1_REFUSED);
		if (v == H1_DONE)
			assert_int_equal(h.fields[0].name_n, lens[i]);
	}
}

static void test_name_settings(void **state)
{
	static struct field fields[8];
	struct h1_limits l = H1_LIMITS_DEFAULT;
	struct h1_scan scan = {0};
	struct h1_refusal refusal;
	struct head h = {.fields = fields, .cap_fields = 8};
	size_t consumed;
	struct str in = STR(GET1("a_b: 1\r\na.b: 2"));

	l.underscores = true;
	assert_int_equal(h1_parse_request(in, &l, &scan, &h, &consumed, &refusal), H1_DONE);
	assert_int_equal(h.n_fields, 1);
	l.odd_names = true;
	scan = (struct h1_scan){0};
	assert_int_equal(h1_parse_request(in, &l, &scan, &h, &consumed, &refusal), H1_DONE);
	assert_int_equal(h.n_fields, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_request_line_limit),
	    cmocka_unit_test(test_unfinished_over_limit),
	    cmocka_unit_test(test_unfinished_request_line),
	    cmocka_unit_test(test_field_limits),
	    cmocka_unit_test(test_name_lengths),
	    cmocka_unit_test(test_name_settings),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
