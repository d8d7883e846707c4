/* Heads as bytes: exact, canonical, and never beyond the caller's room. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "worker/wire/h1_write.h"

#define DATE STR("Sun, 06 Nov 1994 08:49:37 GMT")

static struct field fields[8];

static struct head answer(unsigned status, enum framing framing, uint64_t length)
{
	return (struct head){.status = (uint16_t)status,
			     .framing = (uint8_t)framing,
			     .length = length,
			     .has_length = framing == FRAMING_LENGTH,
			     .fields = fields,
			     .cap_fields = 8};
}

static void expect_answer(const struct head *h, enum h1_connection conn, struct str date,
			  const char *want)
{
	char out[512];
	ptrdiff_t n = h1_write_response(out, sizeof(out), h, conn, date);

	assert_int_equal(n, strlen(want));
	assert_memory_equal(out, want, strlen(want));
	for (size_t cap = 0; cap < strlen(want); cap++)
		assert_int_equal(h1_write_response(out, cap, h, conn, date), -1);
	assert_int_equal(h1_write_response(out, strlen(want), h, conn, date), n);
}

static void test_framing(void **state)
{
	struct head h = answer(200, FRAMING_LENGTH, UINT64_MAX);

	expect_answer(&h, H1_CONNECTION_NONE, STR_NONE,
		      "HTTP/1.1 200 OK\r\nContent-Length: 18446744073709551615\r\n\r\n");
	h = answer(200, FRAMING_CHUNKED, 7);
	expect_answer(
	    &h, H1_CONNECTION_KEEP_ALIVE, STR_NONE,
	    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: keep-alive\r\n\r\n");
	h = answer(200, FRAMING_CLOSE, 7);
	expect_answer(&h, H1_CONNECTION_CLOSE, STR_NONE,
		      "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n");
	h = answer(304, FRAMING_NONE, 7);
	h.has_length = true;
	expect_answer(&h, H1_CONNECTION_NONE, STR_NONE,
		      "HTTP/1.1 304 Not Modified\r\nContent-Length: 7\r\n\r\n");
	h = answer(204, FRAMING_LENGTH, 7);
	expect_answer(&h, H1_CONNECTION_NONE, STR_NONE, "HTTP/1.1 204 No Content\r\n\r\n");
	h = answer(100, FRAMING_CHUNKED, 7);
	expect_answer(&h, H1_CONNECTION_NONE, DATE, "HTTP/1.1 100 Continue\r\n\r\n");
}

static void test_phrase_and_date(void **state)
{
	struct head h = answer(299, FRAMING_NONE, 0);

	expect_answer(&h, H1_CONNECTION_NONE, DATE,
		      "HTTP/1.1 299 Status\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n\r\n");
	h.reason_phrase = STR("Own words");
	head_add(&h, FIELD_DATE, STR("date"), STR("x"));
	expect_answer(&h, H1_CONNECTION_NONE, DATE, "HTTP/1.1 299 Own words\r\ndate: x\r\n\r\n");
	head_drop(&h, FIELD_DATE);
	expect_answer(&h, H1_CONNECTION_NONE, STR_NONE, "HTTP/1.1 299 Own words\r\n\r\n");
}

static void test_upgrade(void **state)
{
	struct head h = answer(101, FRAMING_NONE, 0);

	h.upgrade_proto = STR("websocket");
	expect_answer(&h, H1_CONNECTION_UPGRADE, STR_NONE,
		      "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\n"
		      "Upgrade: websocket\r\n\r\n");
	h.status = 426;
	expect_answer(&h, H1_CONNECTION_CLOSE, STR_NONE,
		      "HTTP/1.1 426 Upgrade Required\r\nUpgrade: websocket\r\n"
		      "Connection: close, upgrade\r\n\r\n");
}

/* Framing fields that a step left among the others never go out twice. */
static void test_left_over_framing(void **state)
{
	struct head h = answer(200, FRAMING_LENGTH, 3);

	head_add(&h, FIELD_CONTENT_LENGTH, STR("Content-Length"), STR("4"));
	head_add(&h, FIELD_TRANSFER_ENCODING, STR("Transfer-Encoding"), STR("chunked"));
	head_add(&h, FIELD_OTHER, STR("A"), STR(""));
	expect_answer(&h, H1_CONNECTION_NONE, STR_NONE,
		      "HTTP/1.1 200 OK\r\nA: \r\nContent-Length: 3\r\n\r\n");
}

static void test_request(void **state)
{
	struct head h = {.method_text = STR("PUT"),
			 .target = STR("?a"),
			 .authority = STR("h:1"),
			 .framing = FRAMING_CHUNKED,
			 .expect_continue = true,
			 .te_trailers = true,
			 .upgrade_proto = STR("x"),
			 .fields = fields,
			 .cap_fields = 8};
	char out[512];
	ptrdiff_t n;

	static const char want[] = "PUT /?a HTTP/1.1\r\nHost: h:1\r\nTransfer-Encoding: chunked\r\n"
				   "Expect: 100-continue\r\nTE: trailers\r\nConnection: te\r\n\r\n";

	n = h1_write_request(out, sizeof(out), &h, H1_CONNECTION_NONE, false);
	assert_int_equal(n, sizeof(want) - 1);
	assert_memory_equal(out, want, sizeof(want) - 1);
	for (size_t cap = 0; cap < sizeof(want) - 1; cap++)
		assert_int_equal(h1_write_request(out, cap, &h, H1_CONNECTION_NONE, false), -1);
}

static void test_trailers(void **state)
{
	struct head h = answer(200, FRAMING_CHUNKED, 0);
	static const char want[] = "0\r\nSum: 1\r\n\r\n";
	char out[64];

	head_add(&h, FIELD_OTHER, STR("Sum"), STR("1"));
	head_add(&h, FIELD_HOST, STR("Host"), STR("b"));
	assert_int_equal(h1_write_trailers(out, sizeof(out), fields, h.n_fields), sizeof(want) - 1);
	assert_memory_equal(out, want, sizeof(want) - 1);
	assert_int_equal(h1_write_trailers(out, sizeof(want) - 2, fields, h.n_fields), -1);
	assert_int_equal(h1_write_trailers(out, sizeof(out), NULL, 0), 5);
	assert_memory_equal(out, "0\r\n\r\n", 5);
}

static void test_head(void **state)
{
	struct head h = answer(200, FRAMING_NONE, 0);

	for (int i = 0; i < 8; i++)
		assert_int_equal(head_add(&h, FIELD_VARY, STR("Vary"), STR("a")), 0);
	assert_int_equal(head_add(&h, FIELD_VARY, STR("Vary"), STR("a")), -1);
	assert_ptr_equal(head_find(&h, FIELD_VARY), fields);
	head_drop(&h, FIELD_VARY);
	assert_null(head_find(&h, FIELD_VARY));
	assert_true(method_is_idempotent(METHOD_DELETE));
	assert_false(method_is_idempotent(METHOD_POST));
	assert_false(method_is_idempotent(METHOD_OTHER));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_framing), cmocka_unit_test(test_phrase_and_date),
	    cmocka_unit_test(test_upgrade), cmocka_unit_test(test_left_over_framing),
	    cmocka_unit_test(test_request), cmocka_unit_test(test_trailers),
	    cmocka_unit_test(test_head),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
