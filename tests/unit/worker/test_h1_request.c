/*
 * Request heads: every case is run once whole and once for every point where the network may split
 * it; and what else the parser says of a head.
 */
#include "h1_request_cases.h"

#include "worker/wire/h1_write.h"

static void expect_canonical(const struct request_case *t, const struct head *h)
{
	char out[4096];
	ptrdiff_t n = h1_write_request(out, sizeof(out), h, H1_CONNECTION_NONE, false);

	assert_true(n >= 0);
	if ((size_t)n != strlen(t->text) || memcmp(out, t->text, (size_t)n) != 0)
		fail_msg("%s: got\n%.*s", t->what, (int)n, out);
}

static void test_cases(void **state)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct request_case *t = &cases[i];
		struct h1_scan scan = {0};
		struct h1_refusal refusal = {0};
		struct head h;
		size_t consumed = 0;
		enum h1_verdict v = parse(t->in, &scan, &h, &consumed, &refusal);

		if (v != (t->status != 0 ? H1_REFUSED : H1_DONE))
			fail_msg("%s: verdict %d %s", t->what, v,
				 v == H1_REFUSED ? refusal.why : "");
		if (t->status == 0) {
			assert_int_equal(consumed, t->in.n);
			expect_canonical(t, &h);
		} else if (refusal.status != t->status || strstr(refusal.why, t->text) == NULL) {
			fail_msg("%s: %u %s", t->what, refusal.status, refusal.why);
		}
	}
}

/* A head refused whole may stay incomplete until its line ends, never be accepted. */
static void split_once(const struct request_case *t, size_t at)
{
	char copy[2048];
	struct h1_scan scan = {0};
	struct h1_refusal refusal = {0};
	struct head h;
	size_t consumed = 0, n = t->in.n;
	enum h1_verdict v = parse(str_make(t->in.p, at), &scan, &h, &consumed, &refusal);

	assert_true(n + 2 <= sizeof(copy));
	memcpy(copy, t->in.p, n);
	memcpy(copy + n, "\r\n", 2);
	if (v == H1_INCOMPLETE)
		v = parse(str_make(copy, n), &scan, &h, &consumed, &refusal);
	if (v == H1_INCOMPLETE && t->status != 0)
		v = parse(str_make(copy, n + 2), &scan, &h, &consumed, &refusal);
	if (v != (t->status != 0 ? H1_REFUSED : H1_DONE))
		fail_msg("%s split at %zu: verdict %d", t->what, at, v);
	if (t->status == 0)
		expect_canonical(t, &h);
	else
		assert_int_equal(refusal.status, t->status);
}

static void test_every_split(void **state)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		for (size_t at = 0; at < cases[i].in.n; at++)
			split_once(&cases[i], at);
}

/* No proper prefix of an accepted head is anything but incomplete. */
static void test_incomplete(void **state)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		for (size_t at = 0; cases[i].status == 0 && at < cases[i].in.n; at++) {
			struct h1_scan scan = {0};
			struct h1_refusal refusal;
			struct head h;
			size_t consumed;

			assert_int_equal(
			    parse(str_make(cases[i].in.p, at), &scan, &h, &consumed, &refusal),
			    H1_INCOMPLETE);
		}
}

static void test_byte_by_byte(void **state)
{
	static const char in[] = POST1("Content-Length: 3\r\nX: y") "abc";
	struct h1_scan scan = {0};
	struct h1_refusal refusal;
	struct head h;
	size_t consumed = 0, head_n = sizeof(in) - 1 - 3;

	for (size_t n = 0; n < head_n; n++)
		assert_int_equal(parse(str_make(in, n), &scan, &h, &consumed, &refusal),
				 H1_INCOMPLETE);
	assert_int_equal(parse(str_make(in, head_n), &scan, &h, &consumed, &refusal), H1_DONE);
	assert_int_equal(consumed, head_n);
	assert_int_equal(h.framing, FRAMING_LENGTH);
	assert_int_equal(h.length, 3);
}

/* The bytes behind the head are not looked at. */
static void test_pipelined(void **state)
{
	static const char in[] = GET1("X: y") "\x00\x01garbage";
	struct h1_scan scan = {0};
	struct h1_refusal refusal;
	struct head h;
	size_t consumed = 0;

	assert_int_equal(parse(str_make(in, sizeof(in) - 1), &scan, &h, &consumed, &refusal),
			 H1_DONE);
	assert_int_equal(consumed, sizeof(GET1("X: y")) - 1);
}

static struct head accepted(const char *in)
{
	struct h1_scan scan = {0};
	struct h1_refusal refusal = {0};
	struct head h;
	size_t consumed;

	if (parse(str_from(in), &scan, &h, &consumed, &refusal) != H1_DONE)
		fail_msg("refused: %s: %s", in, refusal.why);
	return h;
}

static void test_keep_alive(void **state)
{
	static const struct {
		const char *in;
		bool alive;
	} t[] = {
	    {GET1("X: y"), true},
	    {GET1("Connection: close"), false},
	    {GET1("Connection: keep-alive, close"), false},
	    {GET1("Connection: CLOSE"), false},
	    {GET1("Connection: keep-alive\r\nConnection: close"), false},
	    {GET1("Connection: closed"), true},
	    {LINE("CONNECT b:443 HTTP/1.1"), false},
	    {"GET / HTTP/1.0\r\n\r\n", false},
	    {"GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", true},
	    {"GET / HTTP/1.0\r\nProxy-Connection: keep-alive\r\n\r\n", false},
	};

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++)
		assert_int_equal(accepted(t[i].in).keep_alive, t[i].alive);
}

static void test_upgrade(void **state)
{
	static const struct {
		const char *in, *proto;
	} t[] = {
	    {GET1("Connection: keep-alive, Upgrade\r\nUpgrade: websocket"), "websocket"},
	    {GET1("Connection: upgrade\r\nUpgrade: SPDY/3.1"), "SPDY/3.1"},
	    {POST1("Connection: upgrade\r\nUpgrade: SPDY/3.1\r\nContent-Length: 0"), "SPDY/3.1"},
	    {GET1("Connection: upgrade\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__"), NULL},
	    {GET1("Connection: upgrade\r\nUpgrade: websocket, h2c"), NULL},
	    {GET1("Connection: upgrade\r\nUpgrade: websocket\r\nUpgrade: h2c"), NULL},
	    {GET1("Connection: upgrade\r\nUpgrade: HTTP/2.0"), NULL},
	    {GET1("Connection: upgrade\r\nUpgrade:"), NULL},
	    {GET1("Connection: upgrade"), NULL},
	    {GET1("Upgrade: websocket"), NULL},
	    {POST1("Connection: upgrade\r\nUpgrade: websocket\r\nContent-Length: 1"), NULL},
	    {"GET / HTTP/1.0\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n", NULL},
	};

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		struct head h = accepted(t[i].in);

		assert_int_equal(h.upgrade, t[i].proto != NULL);
		assert_true(str_eq(h.upgrade_proto, str_from(t[i].proto)));
	}
}

static void test_members(void **state)
{
	struct head h =
	    accepted("GET http://Ex.com.:8080/p?q HTTP/1.1\r\nHost: z\r\nTE: trailers\r\n"
		     "Trailer: a\r\n\r\n");

	assert_int_equal(h.method, METHOD_GET);
	assert_int_equal(h.form, TARGET_ABSOLUTE);
	assert_true(str_eq(h.host, STR("Ex.com")));
	assert_true(str_eq(h.authority, STR("Ex.com.:8080")));
	assert_int_equal(h.port, 8080);
	assert_true(h.te_trailers && h.has_trailer_field);
	assert_int_equal(accepted("OPTIONS * HTTP/1.1\r\nHost: z\r\n\r\n").form, TARGET_ASTERISK);
	assert_int_equal(accepted("CONNECT a:1 HTTP/1.1\r\nHost: z\r\n\r\n").form,
			 TARGET_AUTHORITY);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_cases),      cmocka_unit_test(test_every_split),
	    cmocka_unit_test(test_incomplete), cmocka_unit_test(test_byte_by_byte),
	    cmocka_unit_test(test_pipelined),  cmocka_unit_test(test_keep_alive),
	    cmocka_unit_test(test_upgrade),    cmocka_unit_test(test_members),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
