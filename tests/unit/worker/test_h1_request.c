/*
 * Request heads: each case is bytes and either the status of the refusal or the canonical bytes
 * that the serialiser makes of the parsed head, which says everything about what was understood.
 * Every case is run once whole and once for every point where the network may split it.
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

#define FIELDS 300
#define B(s)                          \
	{                             \
		("" s), sizeof(s) - 1 \
	}

struct request_case {
	const char *what;
	struct str in;
	unsigned status;  /* of the refusal; 0 = accepted */
	const char *text; /* canonical form, or a part of the refusal's text */
};

#define OK(what, in, canon)           \
	{                             \
		what, B(in), 0, canon \
	}
#define NO(what, in, status, why)        \
	{                                \
		what, B(in), status, why \
	}
#define GET1(line)  "GET / HTTP/1.1\r\nHost: a\r\n" line "\r\n\r\n"
#define POST1(line) "POST / HTTP/1.1\r\nHost: a\r\n" line "\r\n\r\n"
#define CANON(line) "GET / HTTP/1.1\r\nHost: a\r\n" line "\r\n"
#define HOST(h)     "GET / HTTP/1.1\r\nHost: " h "\r\n\r\n"
#define LINE(l)     l "\r\nHost: a\r\n\r\n"

/* clang-format off */
static const struct request_case cases[] = {
	/* start line */
	OK("simplest", GET1("X: y"), CANON("X: y\r\n")),
	OK("one empty line first", "\r\n" GET1("X: y"), CANON("X: y\r\n")),
	OK("two empty lines first", "\r\n\r\n" GET1("X: y"), CANON("X: y\r\n")),
	NO("three empty lines first", "\r\n\r\n\r\n" GET1("X: y"), 400, "empty lines"),
	NO("bare LF first", "\n" GET1("X: y"), 400, "without CR"),
	NO("blank first", " GET / HTTP/1.1\r\nHost: a\r\n\r\n", 400, "method"),
	OK("unknown method", LINE("PURGE / HTTP/1.1"), "PURGE / HTTP/1.1\r\nHost: a\r\n\r\n"),
	OK("lower-case method", LINE("get / HTTP/1.1"), "get / HTTP/1.1\r\nHost: a\r\n\r\n"),
	OK("odd token as method", LINE("!#$%&'*+-.^_`|~ / HTTP/1.1"), "!#$%&'*+-.^_`|~ / HTTP/1.1\r\nHost: a\r\n\r\n"),
	NO("method with colon", LINE("GE:T / HTTP/1.1"), 400, "method"),
	NO("method with NUL", LINE("GE\0T / HTTP/1.1"), 400, "method"),
	NO("method above ASCII", LINE("G\xc3\x89T / HTTP/1.1"), 400, "method"),
	NO("empty method", LINE(" / HTTP/1.1"), 400, "method"),
	NO("TLS client hello", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400, "method"),
	NO("two blanks before target", LINE("GET  / HTTP/1.1"), 400, "request line"),
	NO("two blanks before version", LINE("GET /  HTTP/1.1"), 400, "request line"),
	NO("tab before target", LINE("GET\t/ HTTP/1.1"), 400, "method"),
	NO("tab before version", LINE("GET /\tHTTP/1.1"), 400, "request target"),
	NO("blank in target", LINE("GET /a b HTTP/1.1"), 400, "request line"),
	NO("blank behind version", LINE("GET / HTTP/1.1 "), 400, "request line"),
	NO("text behind version", LINE("GET / HTTP/1.1x"), 400, "request line"),
	NO("HTTP/0.9", "GET /\r\n", 400, "without HTTP version"),
	NO("HTTP/0.9 with LF", "GET /\n", 400, "without HTTP version"),
	NO("version 0.9 named", LINE("GET / HTTP/0.9"), 505, "version"),
	NO("version 2.0", LINE("GET / HTTP/2.0"), 505, "version"),
	NO("HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505, "version"),
	NO("version 3.0", LINE("GET / HTTP/3.0"), 505, "version"),
	OK("version 1.2 is read as 1.1", LINE("GET / HTTP/1.2"), CANON("")),
	NO("version without minor", LINE("GET / HTTP/1"), 400, "request line"),
	NO("version with three digits", LINE("GET / HTTP/1.10"), 400, "request line"),
	NO("version 01.1", LINE("GET / HTTP/01.1"), 400, "request line"),
	NO("version 1,1", LINE("GET / HTTP/1,1"), 400, "request line"),
	NO("version lower case", LINE("GET / http/1.1"), 400, "request line"),
	NO("version HTTPS/1.1", LINE("GET / HTTPS/1.1"), 400, "request line"),
	NO("version of another protocol", LINE("GET / ICY/1.1"), 400, "request line"),
	NO("LF behind version", "GET / HTTP/1.1\nHost: a\r\n\r\n", 400, "without CR"),
	NO("CR behind version", "GET / HTTP/1.1\rHost: a\r\n\r\n", 400, "CR that"),
	NO("CR CR LF behind version", "GET / HTTP/1.1\r\r\nHost: a\r\n\r\n", 400, "CR that"),
	/* target */
	OK("query", LINE("GET /a?b=c&d HTTP/1.1"), "GET /a?b=c&d HTTP/1.1\r\nHost: a\r\n\r\n"),
	OK("bytes nginx takes", LINE("GET /a\"<>\\^`{|}\xff HTTP/1.1"), "GET /a\"<>\\^`{|}\xff HTTP/1.1\r\nHost: a\r\n\r\n"),
	OK("path not normalised", LINE("GET //a/../b%2e HTTP/1.1"), "GET //a/../b%2e HTTP/1.1\r\nHost: a\r\n\r\n"),
	NO("fragment", LINE("GET /a#b HTTP/1.1"), 400, "fragment"),
	NO("fragment in query", LINE("GET /a?b#c HTTP/1.1"), 400, "fragment"),
	NO("NUL in target", LINE("GET /\0 HTTP/1.1"), 400, "target"),
	NO("DEL in target", LINE("GET /\x7f HTTP/1.1"), 400, "target"),
	NO("control in target", LINE("GET /\x01 HTTP/1.1"), 400, "target"),
	NO("CR in target", LINE("GET /\ra HTTP/1.1"), 400, "version"),
	NO("no slash", LINE("GET a HTTP/1.1"), 400, "four forms"),
	NO("query only", LINE("GET ?a HTTP/1.1"), 400, "four forms"),
	NO("authority form with GET", LINE("GET a:80 HTTP/1.1"), 400, "four forms"),
	OK("star with OPTIONS", LINE("OPTIONS * HTTP/1.1"), "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n"),
	NO("star with GET", LINE("GET * HTTP/1.1"), 400, "OPTIONS"),
	NO("star with more", LINE("OPTIONS *a HTTP/1.1"), 400, "four forms"),
	OK("absolute form replaces Host", LINE("GET http://b/c?d HTTP/1.1"), "GET /c?d HTTP/1.1\r\nHost: b\r\n\r\n"),
	OK("absolute form, https, port, case", LINE("GET HTTPS://B.c:8443/ HTTP/1.1"), "GET / HTTP/1.1\r\nHost: B.c:8443\r\n\r\n"),
	OK("absolute form without path", LINE("GET http://b HTTP/1.1"), "GET / HTTP/1.1\r\nHost: b\r\n\r\n"),
	OK("absolute form without path, with query", LINE("GET http://b?c HTTP/1.1"), "GET /?c HTTP/1.1\r\nHost: b\r\n\r\n"),
	OK("OPTIONS of a whole server", LINE("OPTIONS http://b HTTP/1.1"), "OPTIONS * HTTP/1.1\r\nHost: b\r\n\r\n"),
	NO("absolute form, no authority", LINE("GET http:///a HTTP/1.1"), 400, "host"),
	NO("absolute form, userinfo", LINE("GET http://u@b/ HTTP/1.1"), 400, "userinfo"),
	NO("absolute form, userinfo with port", LINE("GET http://u:80@b/ HTTP/1.1"), 400, "userinfo"),
	NO("absolute form, backslash", LINE("GET http://b\\c/ HTTP/1.1"), 400, "host"),
	NO("absolute form, fragment", LINE("GET http://b#/ HTTP/1.1"), 400, "fragment"),
	NO("absolute form, other scheme", LINE("GET ftp://b/ HTTP/1.1"), 400, "four forms"),
	NO("absolute form, one slash", LINE("GET http:/b HTTP/1.1"), 400, "four forms"),
	NO("absolute form without Host", "GET http://b/ HTTP/1.1\r\n\r\n", 400, "without Host"),
	NO("absolute form, Host invalid", "GET http://b/ HTTP/1.1\r\nHost: a b\r\n\r\n", 400, "host"),
	OK("CONNECT", LINE("CONNECT b:443 HTTP/1.1"), "CONNECT b:443 HTTP/1.1\r\nHost: b:443\r\n\r\n"),
	NO("CONNECT without port", LINE("CONNECT b HTTP/1.1"), 400, "host"),
	NO("CONNECT with path", LINE("CONNECT /a HTTP/1.1"), 400, "host"),
	/* Host */
	NO("no Host", "GET / HTTP/1.1\r\n\r\n", 400, "without Host"),
	OK("no Host in 1.0", "GET / HTTP/1.0\r\n\r\n", "GET / HTTP/1.1\r\n\r\n"),
	NO("two Hosts", GET1("Host: b"), 400, "more than one Host"),
	NO("two equal Hosts", GET1("hOST: a"), 400, "more than one Host"),
	NO("two Hosts in 1.0", "GET / HTTP/1.0\r\nHost: a\r\nHost: a\r\n\r\n", 400, "more than one Host"),
	NO("empty Host", HOST(""), 400, "host"),
	OK("Host with port", HOST("a.b:80"), "GET / HTTP/1.1\r\nHost: a.b:80\r\n\r\n"),
	OK("Host with empty port", HOST("a:"), CANON("")),
	OK("Host with final dot", HOST("a.b."), "GET / HTTP/1.1\r\nHost: a.b.\r\n\r\n"),
	OK("Host with underscore", HOST("a_b"), "GET / HTTP/1.1\r\nHost: a_b\r\n\r\n"),
	OK("Host IPv4", HOST("127.0.0.1:1"), "GET / HTTP/1.1\r\nHost: 127.0.0.1:1\r\n\r\n"),
	OK("Host IPv6", HOST("[::1]:8080"), "GET / HTTP/1.1\r\nHost: [::1]:8080\r\n\r\n"),
	OK("Host IPv6 with IPv4", HOST("[::ffff:1.2.3.4]"), "GET / HTTP/1.1\r\nHost: [::ffff:1.2.3.4]\r\n\r\n"),
	NO("Host IPv6 without brackets", HOST("::1"), 400, "host"),
	NO("Host IPv6 malformed", HOST("[:::1]"), 400, "host"),
	NO("Host IPv6 open", HOST("[::1"), 400, "host"),
	NO("Host IPv6 zone", HOST("[fe80::1%25eth0]"), 400, "host"),
	NO("Host IPvFuture", HOST("[v1.a]"), 400, "host"),
	NO("Host IPv6 and more", HOST("[::1]a"), 400, "host"),
	NO("Host with userinfo", HOST("u@a"), 400, "userinfo"),
	NO("Host with path", HOST("a/b"), 400, "host"),
	NO("Host with query", HOST("a?b"), 400, "host"),
	NO("Host with fragment", HOST("a#b"), 400, "host"),
	NO("Host with backslash", HOST("a\\b"), 400, "host"),
	NO("Host with blank", HOST("a b"), 400, "host"),
	NO("Host with tab", HOST("a\tb"), 400, "host"),
	NO("Host list", HOST("a,b"), 400, "host"),
	NO("Host escaped", HOST("%61"), 400, "host"),
	NO("Host with scheme", HOST("http://a"), 400, "host"),
	NO("Host above ASCII", HOST("\xc3\xa4"), 400, "host"),
	NO("Host dot first", HOST(".a"), 400, "host"),
	NO("Host two dots", HOST("a..b"), 400, "host"),
	NO("Host only a port", HOST(":80"), 400, "host"),
	NO("Host port 0", HOST("a:0"), 400, "host"),
	NO("Host port too large", HOST("a:65536"), 400, "host"),
	NO("Host port wraps", HOST("a:4294967376"), 400, "host"),
	NO("Host port not a number", HOST("a:8o"), 400, "host"),
	NO("Host port signed", HOST("a:+80"), 400, "host"),
	NO("Host two ports", HOST("a:80:80"), 400, "host"),
	/* field lines */
	OK("blanks around a value", GET1("X: \t y z\t "), CANON("X: y z\r\n")),
	OK("no blank before a value", GET1("X:y"), CANON("X: y\r\n")),
	OK("empty value", GET1("X:"), CANON("X: \r\n")),
	OK("value of blanks", GET1("X: \t "), CANON("X: \r\n")),
	OK("tab inside a value", GET1("X: a\tb"), CANON("X: a\tb\r\n")),
	OK("long value with tabs", GET1("X: 0123456789\t0123456789\t\tabcdefghij"), CANON("X: 0123456789\t0123456789\t\tabcdefghij\r\n")),
	OK("value above ASCII", GET1("X: \x80\xff\xc3\xa4"), CANON("X: \x80\xff\xc3\xa4\r\n")),
	OK("colon in value", GET1("X: a:b: c"), CANON("X: a:b: c\r\n")),
	OK("same name twice keeps order", GET1("X: 1\r\nY: 2\r\nx: 3"), CANON("X: 1\r\nY: 2\r\nx: 3\r\n")),
	NO("no colon", GET1("X"), 400, "without colon"),
	NO("empty name", GET1(": y"), 400, "empty name"),
	NO("blank before colon", GET1("X : y"), 400, "between"),
	NO("tab before colon", GET1("X\t: y"), 400, "between"),
	NO("blank before colon of framing", POST1("Content-Length : 1"), 400, "between"),
	NO("folded value", GET1("X: a\r\n b"), 400, "folding"),
	NO("folded with tab", GET1("X: a\r\n\tb"), 400, "folding"),
	NO("folded first line", "GET / HTTP/1.1\r\n Host: a\r\n\r\n", 400, "folding"),
	NO("LF ends a line", GET1("X: a\nY: b"), 400, "without CR"),
	NO("LF ends the head", "GET / HTTP/1.1\r\nHost: a\r\n\n", 400, "without CR"),
	NO("CR in a value", GET1("X: a\rb"), 400, "CR that"),
	NO("CR CR LF", GET1("X: a\r\r\nY: b"), 400, "CR that"),
	NO("NUL in a value", GET1("X: a\0b"), 400, "control"),
	NO("NUL in a long value", GET1("X: aaaaaaaaaaaaaaaa\0b"), 400, "control"),
	NO("DEL in a value", GET1("X: a\x7f" "b"), 400, "control"),
	NO("vertical tab in a value", GET1("X: a\vb"), 400, "control"),
	NO("escape in a value", GET1("X: a\x1b[0m"), 400, "control"),
	NO("NUL in a name", GET1("X\0Y: b"), 400, "token"),
	NO("parenthesis in a name", GET1("X(: b"), 400, "token"),
	NO("name above ASCII", GET1("X\xc3\xa4: b"), 400, "token"),
	NO("CR in a name", GET1("X\rY: b"), 400, "colon"),
	NO("LF in a name", GET1("X\nY: b"), 400, "without CR"),
	OK("underscore dropped", GET1("X_Y: 1\r\nZ: 2"), CANON("Z: 2\r\n")),
	OK("underscore twin of framing dropped", GET1("Content_Length: 5"), CANON("")),
	OK("dot in a name dropped", GET1("X.Real.IP: 1"), CANON("")),
	/* Content-Length */
	OK("length", POST1("Content-Length: 5"), "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n"),
	OK("length 0", POST1("Content-Length: 0"), "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n"),
	OK("length with leading zeros", POST1("Content-Length: 0005"), "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n"),
	OK("largest length", POST1("Content-Length: 9223372036854775807"), "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9223372036854775807\r\n\r\n"),
	OK("length in 1.0", "POST / HTTP/1.0\r\nContent-Length: 5\r\n\r\n", "POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\n"),
	NO("length 2^63", POST1("Content-Length: 9223372036854775808"), 400, "Content-Length"),
	NO("length 2^64", POST1("Content-Length: 18446744073709551616"), 400, "Content-Length"),
	NO("length 2^64+5", POST1("Content-Length: 18446744073709551621"), 400, "Content-Length"),
	NO("length with 20 zeros", POST1("Content-Length: 00000000000000000000"), 400, "Content-Length"),
	NO("length empty", POST1("Content-Length:"), 400, "Content-Length"),
	NO("length signed +", POST1("Content-Length: +5"), 400, "Content-Length"),
	NO("length signed -", POST1("Content-Length: -5"), 400, "Content-Length"),
	NO("length hex", POST1("Content-Length: 0x5"), 400, "Content-Length"),
	NO("length fraction", POST1("Content-Length: 5.0"), 400, "Content-Length"),
	NO("length list", POST1("Content-Length: 5, 5"), 400, "Content-Length"),
	NO("length list differing", POST1("Content-Length: 5,6"), 400, "Content-Length"),
	NO("length blank inside", POST1("Content-Length: 1 0"), 400, "Content-Length"),
	NO("length quoted", POST1("Content-Length: \"5\""), 400, "Content-Length"),
	NO("length above ASCII digit", POST1("Content-Length: \xd9\xa5"), 400, "Content-Length"),
	NO("two lengths", POST1("Content-Length: 5\r\nContent-Length: 6"), 400, "more than one Content"),
	NO("two equal lengths", POST1("Content-Length: 5\r\ncontent-length: 5"), 400, "more than one Content"),
	NO("length, then an empty one", POST1("Content-Length: 5\r\nContent-Length:"), 400, "more than one Content"),
	/* Transfer-Encoding */
	OK("chunked", POST1("Transfer-Encoding: chunked"), "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"),
	OK("chunked in any case", POST1("transfer-encoding: \tChUnKeD "), "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"),
	NO("chunked and length", POST1("Transfer-Encoding: chunked\r\nContent-Length: 5"), 400, "beside"),
	NO("length and chunked", POST1("Content-Length: 5\r\nTransfer-Encoding: chunked"), 400, "beside"),
	NO("length and identity", POST1("Content-Length: 5\r\nTransfer-Encoding: identity"), 400, "beside"),
	NO("chunked in 1.0", "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 400, "1.0"),
	NO("two codings", POST1("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked"), 400, "more than one Transfer"),
	NO("two codings, one odd", POST1("Transfer-Encoding: x\r\nTransfer-Encoding: chunked"), 400, "more than one Transfer"),
	NO("gzip, chunked", POST1("Transfer-Encoding: gzip, chunked"), 501, "other than chunked"),
	NO("chunked, chunked", POST1("Transfer-Encoding: chunked, chunked"), 501, "other than chunked"),
	NO("chunked, identity", POST1("Transfer-Encoding: chunked, identity"), 501, "other than chunked"),
	NO("identity", POST1("Transfer-Encoding: identity"), 501, "other than chunked"),
	NO("xchunked", POST1("Transfer-Encoding: xchunked"), 501, "other than chunked"),
	NO("chunked with parameter", POST1("Transfer-Encoding: chunked;a=b"), 501, "other than chunked"),
	NO("coding empty", POST1("Transfer-Encoding:"), 400, "not a transfer coding"),
	NO("coding comma first", POST1("Transfer-Encoding: , chunked"), 400, "not a transfer coding"),
	NO("coding comma last", POST1("Transfer-Encoding: chunked,"), 400, "not a transfer coding"),
	NO("coding quoted", POST1("Transfer-Encoding: \"chunked\""), 400, "not a transfer coding"),
	NO("coding with blank", POST1("Transfer-Encoding: chu nked"), 400, "not a transfer coding"),
	NO("coding with vertical tab", POST1("Transfer-Encoding: \vchunked"), 400, "control"),
	NO("coding with form feed behind", POST1("Transfer-Encoding: chunked\f"), 400, "control"),
	NO("coding above ASCII", POST1("Transfer-Encoding: chunked\xff"), 400, "not a transfer coding"),
	NO("coding colon twice", POST1("Transfer-Encoding:: chunked"), 400, "not a transfer coding"),
	NO("blank before the name", "POST / HTTP/1.1\r\nHost: a\r\n Transfer-Encoding: chunked\r\n\r\n", 400, "folding"),
	/* Expect */
	OK("expectation", POST1("Content-Length: 1\r\nExpect: 100-Continue"), "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nExpect: 100-continue\r\n\r\n"),
	OK("expectation without content", POST1("Expect: 100-continue"), "POST / HTTP/1.1\r\nHost: a\r\n\r\n"),
	OK("expectation of no bytes", POST1("Expect: 100-continue\r\nContent-Length: 0"), "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n"),
	OK("expectation in 1.0 ignored", "POST / HTTP/1.0\r\nContent-Length: 1\r\nExpect: x\r\n\r\n", "POST / HTTP/1.1\r\nContent-Length: 1\r\n\r\n"),
	NO("expectation unknown", POST1("Expect: 200-ok"), 417, "100-continue"),
	NO("expectation empty", POST1("Expect:"), 417, "100-continue"),
	NO("expectation twice", POST1("Expect: 100-continue\r\nExpect: 100-continue"), 417, "100-continue"),
	NO("expectation list", POST1("Expect: 100-continue, x"), 417, "100-continue"),
	NO("expectation folded", POST1("Expect:\r\n 100-continue"), 400, "folding"),
	/* Connection and what it names */
	OK("close is not forwarded", GET1("Connection: close"), CANON("")),
	OK("named fields go", GET1("Connection: X, keep-alive,y\r\nX: 1\r\nY: 2\r\nZ: 3"), CANON("Z: 3\r\n")),
	OK("named before it", GET1("X: 1\r\nZ: 3\r\nConnection: x"), CANON("Z: 3\r\n")),
	OK("named twice", GET1("Connection: X\r\nX: 1\r\nConnection: ,Z,\r\nZ: 3"), CANON("")),
	OK("protected names stay", GET1("Connection: X-Forwarded-For, Authorization, Cookie, X-Real-IP, Content-Type\r\n"
		"X-Forwarded-For: 1\r\nAuthorization: 2\r\nCookie: 3\r\nX-Real-IP: 4\r\nContent-Type: 5"),
		CANON("X-Forwarded-For: 1\r\nAuthorization: 2\r\nCookie: 3\r\nX-Real-IP: 4\r\nContent-Type: 5\r\n")),
	OK("Host and length cannot be named away", POST1("Connection: Host, Content-Length\r\nContent-Length: 3"),
		"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\n"),
	OK("Keep-Alive and Proxy-Connection go", GET1("Keep-Alive: timeout=5\r\nProxy-Connection: keep-alive"), CANON("")),
	OK("empty Connection", GET1("Connection:"), CANON("")),
	NO("Connection not tokens", GET1("Connection: a b"), 400, "list of tokens"),
	NO("Connection quoted", GET1("Connection: \"close\""), 400, "list of tokens"),
	NO("Connection of 33 options", GET1("Connection: a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a"), 400, "too many"),
	NO("five naming Connections", GET1("Connection: a\r\nConnection: b\r\nConnection: c\r\nConnection: d\r\nConnection: e"), 400, "too many"),
	/* TE, Trailer, Upgrade */
	OK("TE trailers", GET1("TE: gzip, Trailers"), CANON("TE: trailers\r\nConnection: te\r\n")),
	OK("other TE", GET1("TE: gzip;q=1"), CANON("")),
	OK("Trailer is kept", POST1("Transfer-Encoding: chunked\r\nTrailer: X"), "POST / HTTP/1.1\r\nHost: a\r\nTrailer: X\r\nTransfer-Encoding: chunked\r\n\r\n"),
	OK("Upgrade without Connection", GET1("Upgrade: websocket"), CANON("")),
	/* incomplete heads never end, they are no refusals: see test_incomplete */
};
/* clang-format on */

static const struct h1_limits limits = H1_LIMITS_DEFAULT;

static enum h1_verdict parse(struct str in, struct h1_scan *scan, struct head *h, size_t *consumed,
			     struct h1_refusal *refusal)
{
	static struct field fields[FIELDS];

	h->fields = fields;
	h->cap_fields = FIELDS;
	return h1_parse_request(in, &limits, scan, h, consumed, refusal);
}

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
	    cmocka_unit_test(test_cases),
	    cmocka_unit_test(test_every_split),
	    cmocka_unit_test(test_incomplete),
	    cmocka_unit_test(test_byte_by_byte),
	    cmocka_unit_test(test_pipelined),
	    cmocka_unit_test(test_keep_alive),
	    cmocka_unit_test(test_upgrade),
	    cmocka_unit_test(test_members),
	    cmocka_unit_test(test_request_line_limit),
	    cmocka_unit_test(test_unfinished_over_limit),
	    cmocka_unit_test(test_unfinished_request_line),
	    cmocka_unit_test(test_field_limits),
	    cmocka_unit_test(test_name_lengths),
	    cmocka_unit_test(test_name_settings),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
