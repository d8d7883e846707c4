/* test_proxyproto: PROXY headers of both versions, whole, cut at every byte, and broken. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "worker/accept/proxyproto.h"

#define SIG "\r\n\r\n\0\r\nQUIT\n"

/* Every beginning asks for more, the whole is done, and bytes behind it change nothing. */
static struct proxyproto whole(struct str bytes)
{
	struct proxyproto p = {.length = 1}, q;
	char more[300];

	for (size_t n = 0; n < bytes.n; n++)
		assert_int_equal(proxyproto_read(str_make(bytes.p, n), &p), PROXYPROTO_MORE);
	assert_int_equal(p.length, 1);
	assert_int_equal(proxyproto_read(bytes, &p), PROXYPROTO_DONE);
	memcpy(more, bytes.p, bytes.n);
	memcpy(more + bytes.n, "GET / HTTP/1.1\r\n", 16);
	assert_int_equal(proxyproto_read(str_make(more, bytes.n + 16), &q), PROXYPROTO_DONE);
	assert_int_equal(q.length, p.length);
	assert_true(addr_eq(&q.from, &p.from) && addr_eq(&q.to, &p.to) && q.local == p.local);
	return p;
}

static void claims(const struct proxyproto *p, const char *from, const char *to)
{
	char text[ADDR_TEXT_MAX];

	assert_false(p->local);
	(void)addr_text(&p->from, text);
	assert_string_equal(text, from);
	(void)addr_text(&p->to, text);
	assert_string_equal(text, to);
}

static void version_1(void **state)
{
	struct str longest = STR("PROXY TCP6 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff "
				 "ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe 65535 65534\r\n");
	struct proxyproto p = whole(STR("PROXY TCP4 192.0.2.1 10.0.0.1 56324 443\r\n"));

	claims(&p, "192.0.2.1:56324", "10.0.0.1:443");
	assert_int_equal(p.length, 41);
	p = whole(longest);
	claims(&p, "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535",
	       "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe]:65534");
	assert_true(p.length <= PROXYPROTO_V1_MAX);
	p = whole(STR("PROXY TCP6 ::1 ::2 0 1\r\n"));
	claims(&p, "[::1]:0", "[::2]:1");
}

static void unknown_speaks_for_itself(void **state)
{
	assert_true(whole(STR("PROXY UNKNOWN\r\n")).local);
	assert_true(whole(STR("PROXY UNKNOWN 1.2.3.4 whatever\r\n")).local);
}

static void broken_version_1(void **state)
{
	static const char *const bad[] = {
	    "GET / HTTP/1.1\r\n",
	    "PROXX",
	    "proxy TCP4 1.2.3.4 1.2.3.4 1 2\r\n",
	    "PROXY  TCP4 1.2.3.4 1.2.3.4 1 2\r\n",
	    "PROXY TCP4  1.2.3.4 1.2.3.4 1 2\r\n",
	    "PROXY TCP4 1.2.3.4 1.2.3.4 1 2 \r\n",
	    "PROXY TCP4 1.2.3.4 1.2.3.4 1 2 3\r\n",
	    "PROXY TCP4 1.2.3.4 1.2.3.4 1\r\n",
	    "PROXY TCP4 1.2.3.4 1.2.3.4\r\n",
	    "PROXY TCP4\r\n",
	    "PROXY \r\n",
	    "PROXY\r\n",
	    "PROXY TCP4 1.2.3.4 1.2.3.4 1 2\n",
	    "PROXY TCP4 1.2.3.4 1.2.3.4 1 2\r\r\n",
	    "PROXY TCP4 ::1 ::2 1 2\r\n",
	    "PROXY TCP6 1.2.3.4 1.2.3.4 1 2\r\n",
	    "PROXY TCP4 1.2.3.4 ::1 1 2\r\n",
	    "PROXY TCP4 1.2.3.4 1.2.3.4 01 2\r\n",
	    "PROXY TCP4 1.2.3.4 1.2.3.4 +1 2\r\n",
	    "PROXY TCP4 1.2.3.4 1.2.3.4 1 65536\r\n",
	    "PROXY TCP4 1.2.3.256 1.2.3.4 1 2\r\n",
	    "PROXY TCP4 1.2.3.4\t1.2.3.4 1 2\r\n",
	    "PROXY UDP4 1.2.3.4 1.2.3.4 1 2\r\n",
	    "PROXY UNKNOWNX\r\n",
	};
	struct proxyproto p;
	char line[200];

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (proxyproto_read(str_from(bad[i]), &p) != PROXYPROTO_BAD)
			fail_msg("taken: %s", bad[i]);
	memset(line, 'x', sizeof(line));
	memcpy(line, "PROXY UNKNOWN ", 14);
	assert_int_equal(proxyproto_read(str_make(line, 106), &p), PROXYPROTO_MORE);
	assert_int_equal(proxyproto_read(str_make(line, 107), &p), PROXYPROTO_BAD);
	memcpy(line + 106, "\r\n", 2);
	assert_int_equal(proxyproto_read(str_make(line, 108), &p), PROXYPROTO_BAD);
	memcpy(line + 105, "\r\n", 2);
	assert_int_equal(proxyproto_read(str_make(line, 107), &p), PROXYPROTO_DONE);
}

static void version_2(void **state)
{
	struct proxyproto p = whole(STR(SIG "\x21\x11\0\x0c\xc0\0\2\1\x0a\0\0\1\xdc\x04\x01\xbb"));

	claims(&p, "192.0.2.1:56324", "10.0.0.1:443");
	assert_int_equal(p.length, 28);
	p = whole(STR(SIG "\x21\x21\0\x24"
			  "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1"
			  "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\2"
			  "\0\1\0\2"));
	claims(&p, "[::1]:1", "[::2]:2");
}

/* What is appended is counted, and need not have come. */
static void tlvs_are_skipped(void **state)
{
	struct proxyproto p;
	struct str head = STR(SIG "\x21\x11\x0f\xf0\xc0\0\2\1\x0a\0\0\1\xdc\x04\x01\xbb");

	assert_int_equal(proxyproto_read(head, &p), PROXYPROTO_DONE);
	assert_int_equal(p.length, 16 + 0xff0);
	head = STR(SIG "\x21\x11\x0f\xf1\xc0\0\2\1\x0a\0\0\1\xdc\x04\x01\xbb");
	assert_int_equal(proxyproto_read(head, &p), PROXYPROTO_BAD);
}

static void local_and_others_of_version_2(void **state)
{
	assert_true(whole(STR(SIG "\x20\0\0\0")).local);
	assert_true(whole(STR(SIG "\x20\x11\0\0")).local); /* LOCAL: the rest does not matter */
	assert_true(whole(STR(SIG "\x21\0\0\0")).local);
	assert_true(whole(STR(SIG "\x21\x31\0\xd8")).local);
	assert_true(whole(STR(SIG "\x21\x12\0\x0c")).local);
}

static void broken_version_2(void **state)
{
	static const struct str bad[] = {
	    {SIG "\x11\x11\0\x0c", 16}, /* version */
	    {SIG "\x22\x11\0\x0c", 16}, /* command */
	    {SIG "\x21\x41\0\x0c", 16}, /* family */
	    {SIG "\x21\x13\0\x0c", 16}, /* transport */
	    {SIG "\x21\x11\0\x0b", 16}, /* shorter than its addresses */
	    {SIG "\x21\x21\0\x23", 16},   {SIG "\x21\x31\0\xd7", 16},
	    {"\r\n\r\n\0\r\nQUIT\r", 12}, {"\r\n\r\n\r", 5},
	};
	struct proxyproto p;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(proxyproto_read(bad[i], &p), PROXYPROTO_BAD);
}

static void written_is_read_again(void **state)
{
	static const char *const ips[] = {"1.2.3.4", "255.255.255.255", "::1",
					  "ffff:ffff:ffff:ffff:ffff:ffff:ffff:fff0"};
	char buf[PROXYPROTO_WRITE_MAX];

	for (unsigned i = 0; i < 32; i++) {
		unsigned version = 1 + i / 16;
		struct addr from, to;
		struct proxyproto p;

		assert_true(addr_parse(str_from(ips[i / 4 % 4]), 65535, &from));
		assert_true(addr_parse(str_from(ips[i % 4]), 443, &to));
		p = whole(str_make(buf, proxyproto_write(version, &from, &to, buf)));
		assert_int_equal(p.local, (i / 4 % 4 < 2) != (i % 4 < 2));
		if (!p.local)
			assert_true(addr_eq(&p.from, &from) && addr_eq(&p.to, &to));
	}
}

static void check_v2(const char *from_ip, const char *to_ip, const char *want, size_t n)
{
	static const char sig[] = "\x0D\x0A\x0D\x0A\x00\x0D\x0A\x51\x55\x49\x54\x0A";
	struct addr from = {.family = 0}, to = {.family = 0};
	char buf[PROXYPROTO_WRITE_MAX];

	if (from_ip != NULL)
		assert_true(addr_parse(str_from(from_ip), 0x1234, &from));
	if (to_ip != NULL)
		assert_true(addr_parse(str_from(to_ip), 443, &to));
	assert_int_equal(proxyproto_write(2, &from, &to, buf), 12 + n);
	assert_memory_equal(buf, sig, 12);
	assert_memory_equal(buf + 12, want, n);
}

/* proxy-protocol.txt §2.2, byte for byte. */
static void version_2_is_written(void **state)
{
	check_v2("192.0.2.1", "198.51.100.255",
		 "\x21\x11\x00\x0C"
		 "\xC0\x00\x02\x01\xC6\x33\x64\xFF\x12\x34\x01\xBB",
		 16);
	check_v2("2001:db8::1", "::1",
		 "\x21\x21\x00\x24"
		 "\x20\x01\x0D\xB8\0\0\0\0\0\0\0\0\0\0\0\x01"
		 "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\x12\x34\x01\xBB",
		 40);
	check_v2("192.0.2.1", "::1", "\x21\x00\x00\x00", 4);
	check_v2(NULL, NULL, "\x21\x00\x00\x00", 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(version_1),
	    cmocka_unit_test(unknown_speaks_for_itself),
	    cmocka_unit_test(broken_version_1),
	    cmocka_unit_test(version_2),
	    cmocka_unit_test(tlvs_are_skipped),
	    cmocka_unit_test(local_and_others_of_version_2),
	    cmocka_unit_test(broken_version_2),
	    cmocka_unit_test(written_is_read_again),
	    cmocka_unit_test(version_2_is_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
