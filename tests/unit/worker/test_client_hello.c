/* ClientHello: the name is found however the bytes are cut; what is malformed is nobody's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "worker/wire/client_hello.h"

#define MOST (160 * 1024)

struct hello {
	uint8_t message[MOST];
	size_t n;
	size_t all_at; /* where the length of the extensions lies */
};

static struct hello hello;
static char wire[2 * MOST];
static size_t wire_n;

static void put(size_t bytes, size_t v)
{
	while (bytes-- > 0)
		hello.message[hello.n++] = (uint8_t)(v >> 8 * bytes);
}

static void set(size_t at, size_t bytes, size_t v)
{
	for (size_t i = 0; i < bytes; i++)
		hello.message[at + i] = (uint8_t)(v >> 8 * (bytes - 1 - i));
}

/* Lengths are right from here on. */
static void finish(void)
{
	set(hello.all_at, 2, hello.n - hello.all_at - 2);
	set(1, 3, hello.n - 4);
}

static void begin(void)
{
	hello.n = 0;
	put(1, 1);
	put(3, 0);
	put(2, 0x0303);
	for (int i = 0; i < 32; i++)
		put(1, (size_t)i);
	put(1, 32);
	for (int i = 0; i < 32; i++)
		put(1, 7);
	put(2, 4);
	put(4, 0x13011302);
	put(2, 0x0100);
	hello.all_at = hello.n;
	put(2, 0);
	finish();
}

static void extension(size_t type, size_t n)
{
	put(2, type);
	put(2, n);
	for (size_t i = 0; i < n; i++)
		put(1, 0xa5);
	finish();
}

static void server_name(const char *name, size_t n)
{
	put(2, 0);
	put(2, n + 5);
	put(2, n + 3);
	put(1, 0);
	put(2, n);
	for (size_t i = 0; i < n; i++)
		put(1, (uint8_t)name[i]);
	finish();
}

/* In records of at most `size` bytes. */
static void in_records(size_t size)
{
	wire_n = 0;
	for (size_t at = 0; at < hello.n; at += size) {
		size_t part = hello.n - at < size ? hello.n - at : size;
		const uint8_t head[] = {22, 3, 1, (uint8_t)(part >> 8), (uint8_t)part};

		memcpy(wire + wire_n, head, sizeof(head));
		memcpy(wire + wire_n + sizeof(head), hello.message + at, part);
		wire_n += sizeof(head) + part;
	}
}

static void expect(enum client_hello_result want, const char *name)
{
	struct client_hello h;

	assert_int_equal(client_hello_read(str_make(wire, wire_n), &h), want);
	if (want == CLIENT_HELLO_NAME) {
		assert_int_equal(h.name_n, strlen(name));
		assert_memory_equal(h.name, name, h.name_n);
	}
}

/* Every beginning asks for more, for more than there is and never for more than the whole. */
static void expect_beginnings(enum client_hello_result want)
{
	struct client_hello h;
	enum client_hello_result got = CLIENT_HELLO_MORE;

	for (size_t n = 0; n <= wire_n; n++) {
		enum client_hello_result now = client_hello_read(str_make(wire, n), &h);

		if (got != CLIENT_HELLO_MORE)
			assert_int_equal(now, got);
		got = now;
		if (got == CLIENT_HELLO_MORE)
			assert_true(h.need > n && h.need <= wire_n);
	}
	assert_int_equal(got, want);
}

static void a_name(void **state)
{
	begin();
	extension(10, 8);
	server_name("pass.Example.test", 17);
	extension(43, 3);
	for (size_t size = 1; size <= hello.n; size = size * 2 + 1) {
		in_records(size);
		expect(CLIENT_HELLO_NAME, "pass.Example.test");
		expect_beginnings(CLIENT_HELLO_NAME);
	}
}

static void no_name(void **state)
{
	begin();
	in_records(16384);
	expect(CLIENT_HELLO_NONE, NULL);
	extension(10, 8);
	extension(51, 1200);
	in_records(100);
	expect(CLIENT_HELLO_NONE, NULL);
	expect_beginnings(CLIENT_HELLO_NONE);
	begin(); /* TLS 1.2 without extensions at all */
	hello.n = hello.all_at;
	set(1, 3, hello.n - 4);
	in_records(16384);
	expect(CLIENT_HELLO_NONE, NULL);
}

static void many_extensions(void **state)
{
	begin();
	for (size_t i = 0; i < 5000; i++)
		extension(1000 + i, 8);
	server_name("late.test", 9);
	in_records(16384);
	expect(CLIENT_HELLO_NAME, "late.test");
	in_records(3);
	expect(CLIENT_HELLO_NAME, "late.test");
}

static void bad_names(void **state)
{
	static char large[65000];
	static const char *const odd[] = {"a b",   "a\x01",         "a/b",
					  "a:443", "\xc3\xa4.test", "*.test"};

	memset(large, 'a', sizeof(large));
	begin();
	server_name(large, sizeof(large));
	in_records(16384);
	expect(CLIENT_HELLO_BAD, NULL);
	begin();
	server_name(large, 256);
	in_records(16384);
	expect(CLIENT_HELLO_BAD, NULL);
	begin();
	server_name("", 0);
	in_records(16384);
	expect(CLIENT_HELLO_BAD, NULL);
	begin();
	server_name("nul\0.test", 9);
	in_records(16384);
	expect(CLIENT_HELLO_BAD, NULL);
	for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
		begin();
		server_name(odd[i], strlen(odd[i]));
		in_records(16384);
		expect(CLIENT_HELLO_BAD, NULL);
	}
}

/* One wrong number each. */
static void bad_lengths(void **state)
{
	static const struct {
		size_t at, bytes, value;
	} wrong[] = {
	    {0, 1, 2},       /* another message */
	    {4, 1, 2},       /* another version */
	    {38, 1, 33},     /* session id */
	    {71, 2, 3},      /* odd number of bytes of ciphers */
	    {71, 2, 0},      /* none */
	    {71, 2, 0xfffe}, /* behind the end */
	    {77, 1, 0},      /* no compression */
	    {1, 3, 60},      /* the message ends in the middle */
	    {79, 2, 3},      /* extensions end in the middle */
	    {79, 2, 0xffff}, /* ... behind the message */
	    {83, 2, 200},    /* the one extension does */
	    {85, 2, 8},      /* the list of names */
	    {87, 1, 1},      /* a name of another type */
	    {88, 2, 3},      /* the name */
	};

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		begin();
		server_name("a.test", 6);
		set(wrong[i].at, wrong[i].bytes, wrong[i].value);
		in_records(16384);
		expect(CLIENT_HELLO_BAD, NULL);
	}
}

static void not_tls(void **state)
{
	static const char *const other[] = {"GET / HTTP/1.1\r\n", "\x80\x2e\x01\x03\x01",
					    "PROXY TCP4 ", "\x15\x03\x01\x00\x02\x02\x28",
					    "\x16\x02"};

	for (size_t i = 0; i < sizeof(other) / sizeof(other[0]); i++) {
		wire_n = i == 3 ? 7 : strlen(other[i]);
		memcpy(wire, other[i], wire_n);
		expect(CLIENT_HELLO_BAD, NULL);
	}
	begin();
	server_name("a.test", 6);
	in_records(16384);
	wire[3] = wire[4] = 0; /* an empty record */
	expect(CLIENT_HELLO_BAD, NULL);
	wire[3] = 0x40; /* one that is too long */
	wire[4] = 1;
	expect(CLIENT_HELLO_BAD, NULL);
	in_records(50); /* another kind of record in between */
	wire[55] = 23;
	expect(CLIENT_HELLO_BAD, NULL);
	wire_n = 0;
	expect(CLIENT_HELLO_MORE, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_name),          cmocka_unit_test(no_name),
	    cmocka_unit_test(many_extensions), cmocka_unit_test(bad_names),
	    cmocka_unit_test(bad_lengths),     cmocka_unit_test(not_tls),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
