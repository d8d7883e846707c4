/*
 * The chunked decoder: every case decoded whole, byte by byte, and split in two at every point,
 * always with the same content, trailers and verdict.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "worker/wire/h1_chunk.h"
#include "worker/wire/h1_write.h"

#define B(s)                          \
	{                             \
		("" s), sizeof(s) - 1 \
	}

struct chunk_case {
	const char *what;
	struct str in;
	const char *content;  /* NULL: refused */
	const char *trailers; /* "name=value;" of those kept; of a refusal: part of its text */
	size_t left;          /* bytes behind the message */
};

#define OK(what, in, content)               \
	{                                   \
		what, B(in), content, "", 0 \
	}
#define NO(what, in, why)                 \
	{                                 \
		what, B(in), NULL, why, 0 \
	}
#define X64 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"

/* clang-format off */
static const struct chunk_case cases[] = {
	OK("nothing", "0\r\n\r\n", ""),
	OK("one chunk", "5\r\nhello\r\n0\r\n\r\n", "hello"),
	OK("two chunks", "5\r\nhello\r\n1\r\n!\r\n0\r\n\r\n", "hello!"),
	OK("hex sizes in both cases", "a\r\n0123456789\r\nB\r\n0123456789a\r\n0\r\n\r\n", "01234567890123456789a"),
	OK("leading zeros", "0005\r\nhello\r\n0000\r\n\r\n", "hello"),
	OK("sixteen digits", "0000000000000005\r\nhello\r\n0\r\n\r\n", "hello"),
	OK("content that looks like framing", "7\r\n\r\n0\r\n\r\n\r\n0\r\n\r\n", "\r\n0\r\n\r\n"),
	OK("extension", "5;a\r\nhello\r\n0;b\r\n\r\n", "hello"),
	OK("extension with token", "5;a=b;c=d\r\nhello\r\n0\r\n\r\n", "hello"),
	OK("extension quoted", "5;a=\"b;c\\\"\t\xff\"\r\nhello\r\n0\r\n\r\n", "hello"),
	OK("extension empty quoted", "5;a=\"\"\r\nhello\r\n0\r\n\r\n", "hello"),
	OK("bad whitespace of the grammar", "5 \t; a = b ;c\r\nhello\r\n0\r\n\r\n", "hello"),
	{"the next message is left alone", B("1\r\na\r\n0\r\n\r\nGET / HTTP/1.1\r\n"), "a", "", 16},
	{"trailers", B("0\r\nX-Sum: abc\r\ny:\r\n\r\n"), "", "X-Sum=abc;y=;", 0},
	{"trailers and the next message", B("1\r\na\r\n0\r\nX: y\r\n\r\nGET"), "a", "X=y;", 3},
	{"forbidden trailers go", B("0\r\nContent-Length: 5\r\nHost: b\r\nAuthorization: c\r\nX: y\r\n"
		"Transfer-Encoding: chunked\r\nCookie: d\r\nX-Forwarded-For: 1\r\nConnection: X\r\n\r\n"), "", "X=y;", 0},
	{"underscore trailer goes", B("0\r\nContent_Length: 5\r\n\r\n"), "", "", 0},
	/* sizes */
	NO("empty size", "\r\n", "without a size"),
	NO("size of letters", "x\r\n", "without a size"),
	NO("minus", "-1\r\n", "without a size"),
	NO("plus", "+1\r\n", "without a size"),
	NO("blank first", " 5\r\nhello\r\n", "without a size"),
	NO("0x", "0x5\r\nhello\r\n", "syntax"),
	NO("underscore", "1_0\r\n", "syntax"),
	NO("NUL", "5\0\r\n", "syntax"),
	NO("seventeen digits", "00000000000000005\r\nhello\r\n", "63 bits"),
	NO("2^63", "8000000000000000\r\n", "63 bits"),
	NO("2^64", "10000000000000000\r\n", "63 bits"),
	NO("2^64-1", "ffffffffffffffff\r\n", "63 bits"),
	NO("2^32 wraps nowhere", "100000000000000005\r\nhello\r\n", "63 bits"),
	NO("comma", "5,5\r\n", "syntax"),
	NO("semicolon without size", ";a\r\n", "without a size"),
	/* line ends */
	NO("LF behind size", "5\nhello\r\n", "without CR"),
	NO("LF first", "\n5\r\n", "without CR"),
	NO("CR behind size", "5\rhello", "CR inside"),
	NO("CR CR LF", "5\r\r\nhello", "CR inside"),
	NO("LF in an extension (TERM.EXT)", "5;\nhello\r\n", "without CR"),
	NO("LF in an extension's name", "5;a\nhello\r\n", "without CR"),
	NO("LF in an extension's value", "5;a=b\nhello\r\n", "without CR"),
	NO("LF in quotes", "5;a=\"\n\"\r\nhello", "without CR"),
	NO("CR in quotes", "5;a=\"\r\n\"\r\nhello", "too early"),
	NO("escaped LF in quotes", "5;a=\"\\\n\"\r\nhello", "without CR"),
	NO("CR in an extension", "5;a\rb\r\nhello", "CR inside"),
	NO("LF behind content", "5\r\nhello\n0\r\n\r\n", "longer than"),
	NO("CR behind content", "5\r\nhello\r0\r\n\r\n", "not CRLF"),
	NO("LF CR behind content", "5\r\nhello\n\r0\r\n\r\n", "longer than"),
	NO("nothing behind content", "5\r\nhello0\r\n\r\n", "longer than"),
	NO("content longer", "5\r\nhello!\r\n0\r\n\r\n", "longer than"),
	NO("LF behind the last chunk's size", "0\n\r\n", "without CR"),
	NO("LF ends the message", "0\r\n\n", "without CR"),
	NO("CR, then another byte, ends the message", "0\r\n\rX", "not CRLF"),
	/* extensions */
	NO("extension without name", "5;\r\nhello", "too early"),
	NO("two semicolons", "5;;a\r\nhello", "syntax"),
	NO("name then nothing behind equals", "5;a=\r\nhello", "too early"),
	NO("equals first", "5;=a\r\nhello", "syntax"),
	NO("blank before the line end", "5 \r\nhello", "too early"),
	NO("blank behind an extension", "5;a \r\nhello", "too early"),
	NO("blank in an extension's name", "5;a b\r\nhello", "syntax"),
	NO("quotes not closed", "5;a=\"b\r\nhello", "too early"),
	NO("text behind quotes", "5;a=\"b\"c\r\nhello", "syntax"),
	NO("NUL in quotes", "5;a=\"\0\"\r\nhello", "syntax"),
	NO("size behind a blank", "5 5\r\nhello", "syntax"),
	NO("line over its limit", "5;" X64 X64 X64 X64 X64 X64 X64 X64 "\r\nhello", "over its limit"),
	/* trailers */
	NO("trailer with LF", "0\r\nX: y\n\r\n", "without CR"),
	NO("trailer folded", "0\r\nX: y\r\n z\r\n\r\n", "folding"),
	NO("trailer without colon", "0\r\nGET / HTTP/1.1\r\n\r\n", "blank between"),
	NO("trailer with blank before colon", "0\r\nX : y\r\n\r\n", "between"),
	NO("trailer with NUL", "0\r\nX: \0\r\n\r\n", "control"),
	NO("trailer empty name", "0\r\n: y\r\n\r\n", "empty name"),
	NO("trailers ended by LF", "0\r\nX: y\r\n\n", "without CR"),
};
/* clang-format on */
#define N_CASES (sizeof(cases) / sizeof(cases[0]))

struct result {
	char content[256], trailers[256];
	size_t content_n, used;
	enum h1_chunk_event last;
	const char *why;
};

static void note_trailers(struct result *r, const struct field *f, unsigned n)
{
	size_t at = 0;

	for (unsigned i = 0; i < n; i++)
		at += (size_t)snprintf(r->trailers + at, sizeof(r->trailers) - at, "%.*s=%.*s;",
				       (int)f[i].name_n, f[i].name, (int)f[i].value_n, f[i].value);
}

/* Give the decoder what has "arrived" up to `upto`; keep what it did not take. */
static void feed(struct h1_chunk *c, struct str in, size_t upto, struct result *r)
{
	struct field fields[8];
	uint16_t n_fields;
	struct str data;
	size_t used;

	do {
		if (r->last == H1_CHUNK_END || r->last == H1_CHUNK_BAD)
			return;
		r->last = h1_chunk_next(c, str_make(in.p + r->used, upto - r->used), &used, &data,
					fields, 8, &n_fields);
		assert_true(used <= upto - r->used);
		r->used += used;
		if (r->last == H1_CHUNK_DATA) {
			assert_true(data.n > 0 && r->content_n + data.n <= sizeof(r->content));
			memcpy(r->content + r->content_n, data.p, data.n);
			r->content_n += data.n;
		}
		if (r->last == H1_CHUNK_END)
			note_trailers(r, fields, n_fields);
	} while (r->last == H1_CHUNK_DATA);
	r->why = c->why;
}

static void check(const struct chunk_case *t, const struct result *r, const char *how)
{
	if (t->content == NULL) {
		if (r->last != H1_CHUNK_BAD || strstr(r->why, t->trailers) == NULL)
			fail_msg("%s (%s): event %d, %s", t->what, how, r->last,
				 r->why != NULL ? r->why : "");
		return;
	}
	if (r->last != H1_CHUNK_END || r->content_n != strlen(t->content) ||
	    memcmp(r->content, t->content, r->content_n) != 0 ||
	    strcmp(r->trailers, t->trailers) != 0 || r->used != t->in.n - t->left)
		fail_msg("%s (%s): event %d, %zu bytes, trailers %s, used %zu of %zu", t->what, how,
			 r->last, r->content_n, r->trailers, r->used, t->in.n);
}

static void test_whole(void **state)
{
	for (size_t i = 0; i < N_CASES; i++) {
		struct result r = {.last = H1_CHUNK_MORE};
		struct h1_chunk c;

		h1_chunk_init(&c);
		feed(&c, cases[i].in, cases[i].in.n, &r);
		check(&cases[i], &r, "whole");
	}
}

static void test_byte_by_byte(void **state)
{
	for (size_t i = 0; i < N_CASES; i++) {
		struct result r = {.last = H1_CHUNK_MORE};
		struct h1_chunk c;

		h1_chunk_init(&c);
		for (size_t n = 1; n <= cases[i].in.n; n++)
			feed(&c, cases[i].in, n, &r);
		check(&cases[i], &r, "bytes");
	}
}

static void test_every_split(void **state)
{
	for (size_t i = 0; i < N_CASES; i++)
		for (size_t at = 0; at <= cases[i].in.n; at++) {
			struct result r = {.last = H1_CHUNK_MORE};
			struct h1_chunk c;

			h1_chunk_init(&c);
			feed(&c, cases[i].in, at, &r);
			feed(&c, cases[i].in, cases[i].in.n, &r);
			check(&cases[i], &r, "split");
		}
}

/* Only an unfinished trailer section leaves bytes with the caller. */
static void test_more_takes_everything(void **state)
{
	struct str in = STR("5;a=\"b\"\r\nhello\r\n0\r\n");

	for (size_t at = 0; at <= in.n; at++) {
		struct result r = {.last = H1_CHUNK_MORE};
		struct h1_chunk c;

		h1_chunk_init(&c);
		feed(&c, in, at, &r);
		assert_int_equal(r.last, H1_CHUNK_MORE);
		assert_int_equal(r.used, at);
	}
}

/* A chunk of 1 byte under a line of 400 each: more framing than content is an attack. */
static void test_overhead(void **state)
{
	static char line[512];
	struct result r = {.last = H1_CHUNK_MORE};
	struct h1_chunk c;
	unsigned chunks = 0;
	int n = snprintf(line, sizeof(line), "1;%0400d\r\na\r\n", 0);

	h1_chunk_init(&c);
	for (; r.last != H1_CHUNK_BAD && chunks < 1000; chunks++) {
		r.used = r.content_n = 0;
		feed(&c, str_make(line, (size_t)n), (size_t)n, &r);
	}
	assert_int_equal(r.last, H1_CHUNK_BAD);
	assert_in_range(chunks, 30, 60);
}

/* Chunks of one byte without extensions are slow, not an attack. */
static void test_tiny_chunks(void **state)
{
	struct str in = STR("1\r\na\r\n");
	struct result r = {.last = H1_CHUNK_MORE};
	struct h1_chunk c;

	h1_chunk_init(&c);
	for (unsigned i = 0; i < 100000; i++) {
		r.used = r.content_n = 0;
		feed(&c, in, in.n, &r);
		assert_int_equal(r.last, H1_CHUNK_MORE);
	}
}

static void test_trailers_too_large(void **state)
{
	static char in[H1_TRAILERS_MAX + 100] = "0\r\nX: ";
	struct result r = {.last = H1_CHUNK_MORE};
	struct h1_chunk c;

	memset(in + 6, 'y', sizeof(in) - 6);
	h1_chunk_init(&c);
	for (size_t n = 100; n <= sizeof(in) && r.last == H1_CHUNK_MORE; n += 100)
		feed(&c, str_make(in, n), n, &r);
	assert_int_equal(r.last, H1_CHUNK_BAD);
}

static void test_more_trailers_than_room(void **state)
{
	struct str in = STR("0\r\na: 1\r\nb: 2\r\nc: 3\r\n\r\n"), data;
	struct field fields[2];
	struct h1_chunk c;
	uint16_t n;
	size_t used;

	h1_chunk_init(&c);
	assert_int_equal(h1_chunk_next(&c, in, &used, &data, fields, 2, &n), H1_CHUNK_END);
	assert_int_equal(n, 2);
	h1_chunk_init(&c);
	assert_int_equal(h1_chunk_next(&c, in, &used, &data, NULL, 0, &n), H1_CHUNK_END);
	assert_int_equal(n, 0);
	assert_int_equal(used, in.n);
}

static void test_line(void **state)
{
	static const struct {
		uint64_t n;
		const char *text;
	} t[] = {{1, "1\r\n"},
		 {15, "f\r\n"},
		 {16, "10\r\n"},
		 {16384, "4000\r\n"},
		 {UINT64_MAX, "ffffffffffffffff\r\n"}};
	char out[H1_CHUNK_SIZE_TEXT];

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++)
		assert_true(str_eq(str_make(out, h1_chunk_line(out, t[i].n)), str_from(t[i].text)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_whole),
	    cmocka_unit_test(test_byte_by_byte),
	    cmocka_unit_test(test_every_split),
	    cmocka_unit_test(test_more_takes_everything),
	    cmocka_unit_test(test_overhead),
	    cmocka_unit_test(test_tiny_chunks),
	    cmocka_unit_test(test_trailers_too_large),
	    cmocka_unit_test(test_more_trailers_than_room),
	    cmocka_unit_test(test_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
