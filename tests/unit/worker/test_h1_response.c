/*
 * Response heads of origins: refused ones never reach a client, accepted ones have exactly one
 * end. Each case is run whole and once for every point where it may be split.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "worker/wire/h1_parse.h"
#include "worker/wire/h1_write.h"

#define B(s)                          \
	{                             \
		("" s), sizeof(s) - 1 \
	}

struct response_case {
	const char *what;
	struct str in;
	enum method asked;
	const char *why; /* part of the refusal's text, or NULL */
	enum framing framing;
	uint64_t length;
	bool has_length, keep_alive;
};

#define NO(what, in, why)                                \
	{                                                \
		what, B(in), METHOD_GET, why, 0, 0, 0, 0 \
	}
#define OK(what, in, asked, framing, length, has, alive)                                 \
	{                                                                                \
		what, B(in), METHOD_##asked, NULL, FRAMING_##framing, length, has, alive \
	}
#define R(lines) "HTTP/1.1 200 OK\r\n" lines "\r\n"

/* clang-format off */
static const struct response_case cases[] = {
	/* status line */
	OK("length", R("Content-Length: 5\r\n"), GET, LENGTH, 5, true, true),
	OK("without phrase", "HTTP/1.1 200 \r\nContent-Length: 0\r\n\r\n", GET, NONE, 0, true, true),
	OK("without phrase and blank", "HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n", GET, NONE, 0, true, true),
	OK("phrase above ASCII", "HTTP/1.1 200 \xc3\xa4\r\nContent-Length: 0\r\n\r\n", GET, NONE, 0, true, true),
	OK("phrase with tab", "HTTP/1.1 200 a\tb\r\nContent-Length: 0\r\n\r\n", GET, NONE, 0, true, true),
	OK("1.0 closes", "HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\n", GET, LENGTH, 5, true, false),
	OK("1.0 keeps alive", "HTTP/1.0 200 OK\r\nContent-Length: 5\r\nConnection: keep-alive\r\n\r\n", GET, LENGTH, 5, true, true),
	OK("status 599", "HTTP/1.1 599 x\r\nContent-Length: 0\r\n\r\n", GET, NONE, 0, true, true),
	OK("status 299", "HTTP/1.1 299 x\r\nContent-Length: 0\r\n\r\n", GET, NONE, 0, true, true),
	NO("status 600", "HTTP/1.1 600 x\r\n\r\n", "100..599"),
	NO("status 099", "HTTP/1.1 099 x\r\n\r\n", "100..599"),
	NO("status 000", "HTTP/1.1 000 x\r\n\r\n", "100..599"),
	NO("status of two digits", "HTTP/1.1 20 OK\r\n\r\n", "status line"),
	NO("status of four digits", "HTTP/1.1 2000 OK\r\n\r\n", "status line"),
	NO("status signed", "HTTP/1.1 +20 OK\r\n\r\n", "status line"),
	NO("status hex", "HTTP/1.1 0x2 OK\r\n\r\n", "status line"),
	NO("two blanks before status", "HTTP/1.1  200 OK\r\n\r\n", "status line"),
	NO("tab before status", "HTTP/1.1\t200 OK\r\n\r\n", "status line"),
	NO("tab behind status", "HTTP/1.1 200\tOK\r\n\r\n", "status line"),
	NO("version 0.9", "HTTP/0.9 200 OK\r\n\r\n", "version"),
	NO("version 1.2", "HTTP/1.2 200 OK\r\n\r\n", "version"),
	NO("version 2.0", "HTTP/2.0 200 OK\r\n\r\n", "version"),
	NO("version lower case", "http/1.1 200 OK\r\n\r\n", "status line"),
	NO("no version", "200 OK\r\n\r\n", "status line"),
	NO("HTTP/0.9 answer", "<html></html>", "status line"),
	NO("ICY", "ICY 200 OK\r\n\r\n", "status line"),
	NO("SSH banner", "SSH-2.0-OpenSSH_9.2\r\n", "status line"),
	NO("TLS alert", "\x15\x03\x01\x00\x02\x02\x0a", "status line"),
	NO("empty line first", "\r\nHTTP/1.1 200 OK\r\n\r\n", "status line"),
	NO("blank first", " HTTP/1.1 200 OK\r\n\r\n", "status line"),
	NO("NUL in phrase", "HTTP/1.1 200 O\0K\r\n\r\n", "status line"),
	NO("CR in phrase", "HTTP/1.1 200 O\rK\r\n\r\n", "CR that"),
	NO("LF ends status line", "HTTP/1.1 200 OK\nContent-Length: 0\r\n\r\n", "without CR"),
	NO("LF behind status", "HTTP/1.1 200\nContent-Length: 0\r\n\r\n", "without CR"),
	/* field lines: the scanner is the requests', a few stand for all */
	NO("LF ends a field", "HTTP/1.1 200 OK\r\nA: b\nC: d\r\n\r\n", "without CR"),
	NO("folded", R("A: b\r\n c\r\n"), "folding"),
	NO("blank before colon", R("Content-Length : 5\r\n"), "between"),
	NO("empty name", R(": 5\r\n"), "empty name"),
	NO("no colon", R("garbage\r\n"), "without colon"),
	NO("NUL in value", R("A: \0\r\n"), "control"),
	NO("CR in value", R("A: b\rSet-Cookie: c\r\n"), "CR that"),
	OK("underscore is an origin's own business", R("X_Y: 1\r\nContent-Length: 1\r\n"), GET, LENGTH, 1, true, true),
	/* length */
	NO("two lengths", R("Content-Length: 5\r\nContent-Length: 6\r\n"), "more than one Content"),
	NO("two equal lengths", R("Content-Length: 5\r\nContent-Length: 5\r\n"), "more than one Content"),
	NO("length list", R("Content-Length: 5, 5\r\n"), "Content-Length"),
	NO("length negative", R("Content-Length: -1\r\n"), "Content-Length"),
	NO("length not a number", R("Content-Length: abc\r\n"), "Content-Length"),
	NO("length empty", R("Content-Length:\r\n"), "Content-Length"),
	NO("length 2^64", R("Content-Length: 18446744073709551616\r\n"), "Content-Length"),
	NO("length and chunked", R("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n"), "beside"),
	NO("chunked and length", R("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n"), "beside"),
	NO("bad length in an answer to HEAD is bad", R("Content-Length: 5x\r\n"), "Content-Length"),
	OK("chunked", R("Transfer-Encoding: chunked\r\n"), GET, CHUNKED, 0, false, true),
	OK("chunked in any case", R("transfer-encoding: CHUNKED\r\n"), GET, CHUNKED, 0, false, true),
	OK("chunked, then close", R("Transfer-Encoding: chunked\r\nConnection: close\r\n"), GET, CHUNKED, 0, false, false),
	NO("chunked in 1.0", "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "1.0"),
	NO("gzip, chunked", R("Transfer-Encoding: gzip, chunked\r\n"), "other than chunked"),
	NO("gzip", R("Transfer-Encoding: gzip\r\n"), "other than chunked"),
	NO("identity", R("Transfer-Encoding: identity\r\n"), "other than chunked"),
	NO("chunked twice", R("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"), "more than one Transfer"),
	NO("chunked, chunked", R("Transfer-Encoding: chunked, chunked\r\n"), "other than chunked"),
	NO("coding empty", R("Transfer-Encoding:\r\n"), "not a transfer coding"),
	OK("until close", R("A: b\r\n"), GET, CLOSE, 0, false, false),
	OK("until close, whatever it says", R("Connection: keep-alive\r\n"), GET, CLOSE, 0, false, false),
	/* no content, whatever the fields say: RFC 9112 §6.3 */
	OK("HEAD with length", R("Content-Length: 5\r\n"), HEAD, NONE, 5, true, true),
	OK("HEAD chunked", R("Transfer-Encoding: chunked\r\n"), HEAD, NONE, 0, false, true),
	OK("HEAD without length", R(""), HEAD, NONE, 0, false, true),
	OK("204", "HTTP/1.1 204 No Content\r\n\r\n", GET, NONE, 0, false, true),
	OK("204 that announces content", "HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n", GET, NONE, 5, false, false),
	OK("204 of length 0", "HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n", GET, NONE, 0, false, true),
	OK("204 chunked", "HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n", GET, NONE, 0, false, false),
	OK("304 with length", "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", GET, NONE, 5, true, true),
	OK("304 without", "HTTP/1.1 304 Not Modified\r\n\r\n", GET, NONE, 0, false, true),
	OK("100", "HTTP/1.1 100 Continue\r\n\r\n", POST, NONE, 0, false, true),
	OK("103 with length", "HTTP/1.1 103 Early Hints\r\nContent-Length: 5\r\n\r\n", GET, NONE, 5, false, false),
	OK("101", "HTTP/1.1 101 x\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n", GET, NONE, 0, false, true),
	OK("205 has content", "HTTP/1.1 205 Reset\r\nContent-Length: 1\r\n\r\n", GET, LENGTH, 1, true, true),
	OK("close", R("Content-Length: 5\r\nConnection: close\r\n"), GET, LENGTH, 5, true, false),
};
/* clang-format on */
#define N_CASES (sizeof(cases) / sizeof(cases[0]))

static struct field fields[64];

static enum h1_verdict parse(struct str in, struct h1_scan *scan, enum method asked, struct head *h,
			     struct h1_refusal *refusal)
{
	struct h1_limits limits = H1_LIMITS_DEFAULT;
	size_t consumed = 0;
	enum h1_verdict v;

	h->fields = fields;
	h->cap_fields = 64;
	v = h1_parse_response(in, &limits, scan, asked, h, &consumed, refusal);
	if (v == H1_DONE)
		assert_int_equal(consumed, in.n);
	return v;
}

static void check(const struct response_case *t, enum h1_verdict v, const struct head *h,
		  const struct h1_refusal *r)
{
	if (v != (t->why != NULL ? H1_REFUSED : H1_DONE))
		fail_msg("%s: verdict %d %s", t->what, v, v == H1_REFUSED ? r->why : "");
	if (t->why != NULL) {
		assert_int_equal(r->status, 502);
		assert_int_equal(r->reason, REASON_UP_BAD_HEAD);
		if (strstr(r->why, t->why) == NULL)
			fail_msg("%s: %s", t->what, r->why);
		return;
	}
	if (h->framing != t->framing || h->length != t->length || h->has_length != t->has_length ||
	    h->keep_alive != t->keep_alive)
		fail_msg("%s: framing %u length %lu has %d alive %d", t->what, h->framing,
			 (unsigned long)h->length, h->has_length, h->keep_alive);
}

static void test_cases(void **state)
{
	for (size_t i = 0; i < N_CASES; i++) {
		struct h1_scan scan = {0};
		struct h1_refusal r = {0};
		struct head h;

		check(&cases[i], parse(cases[i].in, &scan, cases[i].asked, &h, &r), &h, &r);
	}
}

static void test_every_split(void **state)
{
	char copy[512];

	for (size_t i = 0; i < N_CASES; i++)
		for (size_t at = 0; at < cases[i].in.n; at++) {
			const struct response_case *t = &cases[i];
			struct h1_scan scan = {0};
			struct h1_refusal r = {0};
			struct head h;
			enum h1_verdict v = parse(str_make(t->in.p, at), &scan, t->asked, &h, &r);

			memcpy(copy, t->in.p, t->in.n);
			memcpy(copy + t->in.n, "\r\n", 2);
			assert_true(v != H1_DONE);
			if (v == H1_INCOMPLETE)
				v = parse(t->in, &scan, t->asked, &h, &r);
			if (v == H1_INCOMPLETE)
				v = parse(str_make(copy, t->in.n + 2), &scan, t->asked, &h, &r);
			check(t, v, &h, &r);
		}
}

static void test_too_large(void **state)
{
	static char in[40000] = "HTTP/1.1 200 ";
	struct h1_scan scan = {0};
	struct h1_refusal r = {0};
	struct head h;

	memset(in + 13, 'x', sizeof(in) - 13);
	assert_int_equal(parse(str_make(in, sizeof(in)), &scan, METHOD_GET, &h, &r), H1_REFUSED);
	assert_int_equal(r.status, 502);
	assert_int_equal(r.reason, REASON_UP_HEAD_TOO_LARGE);
}

static void test_upgrade_members(void **state)
{
	struct h1_scan scan = {0};
	struct h1_refusal r = {0};
	struct head h;

	parse(STR("HTTP/1.1 101 Switching\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"),
	      &scan, METHOD_GET, &h, &r);
	assert_int_equal(h.status, 101);
	assert_true(h.upgrade);
	assert_true(str_eq(h.upgrade_proto, STR("websocket")));
	assert_true(str_eq(h.reason_phrase, STR("Switching")));
	scan = (struct h1_scan){0};
	parse(STR("HTTP/1.1 101 Switching\r\n\r\n"), &scan, METHOD_GET, &h, &r);
	assert_false(h.upgrade);
}

static void test_connection_names(void **state)
{
	struct h1_scan scan = {0};
	struct h1_refusal r = {0};
	struct head h;

	parse(STR("HTTP/1.1 200 OK\r\nConnection: x, Set-Cookie\r\nX: 1\r\nSet-Cookie: a\r\n"
		  "Content-Length: 0\r\nKeep-Alive: 5\r\n\r\n"),
	      &scan, METHOD_GET, &h, &r);
	assert_int_equal(h.n_fields, 2);
	assert_true(h.fields[0].drop);
	assert_non_null(head_find(&h, FIELD_SET_COOKIE));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_cases),
	    cmocka_unit_test(test_every_split),
	    cmocka_unit_test(test_too_large),
	    cmocka_unit_test(test_upgrade_members),
	    cmocka_unit_test(test_connection_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
