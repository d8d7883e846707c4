/* answer, ask: what a check sends, and what it makes of what comes back, in pieces of any size. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "master/check/answer.h"
#include "master/check/ask.h"

#define SETTINGS "\0\0\0\4\0\0\0\0\0"
#define HEADERS  "\0\0\3\1\4\0\0\0\1xyz"
#define END      "\0\0\0\1\5\0\0\0\1"
#define BYTES(s) s, sizeof(s) - 1

static void feed(struct answer *a, bool grpc, const char *p, size_t n, size_t piece)
{
	answer_begin(a, grpc, 200, 399);
	for (size_t at = 0; at < n; at += piece)
		answer_take(a, p + at, n - at < piece ? n - at : piece);
}

/* The verdict is the same however the bytes come; NULL when good. */
static const char *verdict(bool grpc, const char *p, size_t n)
{
	const char *why = NULL;
	struct answer a;

	for (size_t piece = 1; piece <= n + 1; piece++) {
		feed(&a, grpc, p, n, piece);
		if (piece > 1)
			assert_ptr_equal(why, answer_end(&a, "nothing"));
		why = answer_end(&a, "nothing");
		if (piece > 1 && piece < n)
			piece += n / 7;
	}
	return why;
}

static void http_status_line(void **state)
{
	assert_null(verdict(false, BYTES("HTTP/1.1 200 OK\r\n\r\n")));
	assert_null(verdict(false, BYTES("HTTP/1.0 399")));
	assert_non_null(strstr(verdict(false, BYTES("HTTP/1.1 400 X\r\n")), "status"));
	assert_non_null(strstr(verdict(false, BYTES("HTTP/1.1  20 X\r\n")), "not HTTP/1"));
	assert_non_null(strstr(verdict(false, BYTES("HTTP/2.0 200 X\r\n")), "not HTTP/1"));
	assert_string_equal(verdict(false, BYTES("HTTP/1.1 20")), "nothing");
}

static void grpc_serving(void **state)
{
	static const char whole[] = SETTINGS HEADERS "\0\0\7\0\0\0\0\0\1\0\0\0\0\2\x08\1" END;
	static const char padded[] = SETTINGS HEADERS "\0\0\7\0\x8\0\0\0\1\3\0\0\0\1\1\1"
						      "\0\0\4\0\0\0\0\0\1\0\2\x08\1" END;
	struct answer a;

	assert_null(verdict(true, whole, sizeof(whole) - 1));
	assert_null(verdict(true, padded, sizeof(padded) - 1));
	feed(&a, true, whole, sizeof(whole) - 1, 100);
	assert_true(a.whole);
	assert_int_equal(a.send_n, 9);
	assert_memory_equal(a.send, "\0\0\0\4\1\0\0\0\0", 9);
	feed(&a, true, whole, sizeof(whole) - 1 - 9, 100);
	assert_true(a.judged && !a.whole);
}

static void grpc_not_serving(void **state)
{
	assert_non_null(
	    strstr(verdict(true, BYTES(SETTINGS HEADERS "\0\0\7\0\0\0\0\0\1\0\0\0\0\2\x08\2")),
		   "not serving"));
	assert_non_null(strstr(
	    verdict(true, BYTES(SETTINGS HEADERS "\0\0\5\0\0\0\0\0\1\0\0\0\0\0")), "not serving"));
	assert_non_null(strstr(verdict(true, BYTES(SETTINGS END)), "no gRPC health status"));
	assert_non_null(
	    strstr(verdict(true, BYTES(SETTINGS "\0\0\4\3\0\0\0\0\1\0\0\0\1")), "reset the call"));
	/* The message of another stream is nobody's. */
	assert_string_equal(verdict(true, BYTES(SETTINGS "\0\0\7\0\0\0\0\0\3\0\0\0\0\2\x08\1")),
			    "nothing");
}

static void grpc_nonsense(void **state)
{
	assert_non_null(strstr(verdict(true, BYTES("HTTP/1.1 200 OK\r\n\r\n")), "not HTTP/2"));
	assert_non_null(strstr(verdict(true, BYTES(HEADERS)), "not HTTP/2"));
	assert_non_null(strstr(verdict(true, BYTES(SETTINGS "\1\0\0\0\0\0\0\0\1")), "not HTTP/2"));
	assert_non_null(
	    strstr(verdict(true, BYTES(SETTINGS "\0\0\7\0\0\0\0\0\1\0\0\0\0\x40\x08\1")),
		   "no gRPC health"));
	assert_non_null(strstr(verdict(true, BYTES(SETTINGS "\0\0\7\0\0\0\0\0\1\2\0\0\0\2\x08\1")),
			       "compressed"));
}

/* However often an endpoint pings, what is sent stays bounded. */
static void pings_are_acknowledged(void **state)
{
	struct answer a;

	feed(&a, true, BYTES(SETTINGS "\0\0\x8\6\0\0\0\0\0ABCDEFGH"), 3);
	assert_int_equal(a.send_n, 9 + 17);
	assert_memory_equal(a.send + 9, "\0\0\x8\6\1\0\0\0\0ABCDEFGH", 17);
	for (int i = 0; i < 100; i++)
		answer_take(&a, BYTES("\0\0\x8\6\0\0\0\0\0ABCDEFGH"));
	assert_true(a.send_n <= ANSWER_SEND_MAX);
}

static void what_is_asked(void **state)
{
	struct check_spec s = {.kind = CHECK_HTTP, .path = "/up", .host = "a.test"};
	char buf[ASK_MAX + 1];
	size_t n = ask_make(&s, buf);

	buf[n] = '\0';
	assert_string_equal(buf, "GET /up HTTP/1.1\r\nHost: a.test\r\nUser-Agent: silex-health\r\n"
				 "Accept: */*\r\nConnection: close\r\n\r\n");
	s.kind = CHECK_TCP;
	assert_int_equal(ask_make(&s, buf), 0);
	/* The longest there can be. */
	s.kind = CHECK_GRPCS;
	memset(s.host, 'h', sizeof(s.host) - 1);
	memset(s.service, 's', sizeof(s.service) - 1);
	n = ask_make(&s, buf);
	assert_true(n > 24 + 9 + 255 + 127 && n <= ASK_MAX);
	assert_memory_equal(buf, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0", 33);
	assert_memory_equal(buf + n - 127 - 2 - 5, "\0\0\0\0\x81\x0a\x7f", 7);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(http_status_line),       cmocka_unit_test(grpc_serving),
	    cmocka_unit_test(grpc_not_serving),       cmocka_unit_test(grpc_nonsense),
	    cmocka_unit_test(pings_are_acknowledged), cmocka_unit_test(what_is_asked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
