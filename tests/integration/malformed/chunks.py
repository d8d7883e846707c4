"""Chunk lines, extensions and trailers: RFC 9112 §7.1."""

from malformed import Case, forwarded, post, refused

SMUGGLED = b"GET /evil HTTP/1.1\r\nHost: silex.test\r\n\r\n"


def chunked(body, *fields):
    return post(b"Transfer-Encoding: chunked", *fields) + body


BAD = [
    ("empty size", b"\r\n", ""),
    ("size of letters", b"xyz\r\nhello\r\n0\r\n\r\n", ""),
    ("size with minus", b"-5\r\nhello\r\n0\r\n\r\n", ""),
    ("size with plus", b"+5\r\nhello\r\n0\r\n\r\n", ""),
    ("size with 0x", b"0x5\r\nhello\r\n0\r\n\r\n", ""),
    ("size with underscore", b"0_5\r\nhello\r\n0\r\n\r\n", ""),
    ("size with blank first", b" 5\r\nhello\r\n0\r\n\r\n", ""),
    ("size with tab first", b"\t5\r\nhello\r\n0\r\n\r\n", ""),
    ("size with blank last", b"5 \r\nhello\r\n0\r\n\r\n",
     "RFC 9112 §7.1.1: BWS only before an extension"),
    ("size with comma", b"5,5\r\nhello\r\n0\r\n\r\n", ""),
    ("size with NUL", b"5\0\r\nhello\r\n0\r\n\r\n", ""),
    ("size quoted", b"\"5\"\r\nhello\r\n0\r\n\r\n", ""),
    ("size 2^63", b"8000000000000000\r\nhello\r\n0\r\n\r\n", "overflow"),
    ("size 2^64", b"10000000000000000\r\nhello\r\n0\r\n\r\n", "overflow"),
    ("size 2^64+5", b"10000000000000005\r\nhello\r\n0\r\n\r\n", "overflow: would wrap to 5"),
    ("size 2^32+5 in 17 digits", b"00000000100000005\r\nhello\r\n0\r\n\r\n", "overflow"),
    ("size of 100 digits", b"0" * 99 + b"5\r\nhello\r\n0\r\n\r\n", "overflow"),
    ("size fffffffffffffffe", b"fffffffffffffffe\r\nhello\r\n0\r\n\r\n", "overflow with +2"),
    ("LF behind the size", b"5\nhello\r\n0\r\n\r\n", "Go CVE-2025-22871"),
    ("CR behind the size", b"5\rhello\r\n0\r\n\r\n", ""),
    ("CR CR LF behind the size", b"5\r\r\nhello\r\n0\r\n\r\n", ""),
    ("LF CR behind the size", b"5\n\rhello\r\n0\r\n\r\n", ""),
    ("LF behind the content", b"5\r\nhello\n0\r\n\r\n", "varnish CVE-2025-47905"),
    ("CR behind the content", b"5\r\nhello\r0\r\n\r\n", ""),
    ("nothing behind the content", b"5\r\nhello0\r\n\r\n", ""),
    ("two bytes that are no CRLF behind the content", b"5\r\nhelloXX0\r\n\r\n", "SPILL"),
    ("content one too long", b"5\r\nhello!\r\n0\r\n\r\n", ""),
    ("content one too short", b"6\r\nhello\r\n0\r\n\r\n", ""),
    ("LF behind the last size", b"0\n\r\n", "Go CVE-2025-22871"),
    ("LF ends the message", b"0\r\n\n", ""),
    ("CR X ends the message", b"0\r\n\rX", ""),
    ("extension without name", b"5;\r\nhello\r\n0\r\n\r\n", ""),
    ("extension of LF (TERM.EXT)", b"5;\nhello\r\n0\r\n\r\n",
     "Kestrel CVE-2025-55315; haproxy 2.6, nginx 1.22"),
    ("extension name, then LF", b"5;a\nhello\r\n0\r\n\r\n", "TERM.EXT, 2025"),
    ("extension value, then LF", b"5;a=b\nhello\r\n0\r\n\r\n", "TERM.EXT, 2025"),
    ("extension hides a request behind LF",
     b"2;\nxx\r\n" + b"%x\r\n%s\r\n0\r\n\r\n" % (len(SMUGGLED), SMUGGLED), "EXT.TERM, 2025"),
    ("extension with CR", b"5;a\rb\r\nhello\r\n0\r\n\r\n", "Netty CVE-2025-58056"),
    ("extension with NUL", b"5;a\0\r\nhello\r\n0\r\n\r\n", ""),
    ("extension, LF in quotes", b"5;a=\"\n\"\r\nhello\r\n0\r\n\r\n", "RFC 9110 §5.6.4"),
    ("extension, CRLF in quotes", b"5;a=\"\r\n\"\r\nhello\r\n0\r\n\r\n", "RFC 9110 §5.6.4"),
    ("extension, quotes not closed", b"5;a=\"b\r\nhello\r\n0\r\n\r\n", ""),
    ("extension, text behind quotes", b"5;a=\"b\"c\r\nhello\r\n0\r\n\r\n", ""),
    ("extension, no value", b"5;a=\r\nhello\r\n0\r\n\r\n", ""),
    ("extension, no name", b"5;=b\r\nhello\r\n0\r\n\r\n", ""),
    ("extension, two semicolons", b"5;;\r\nhello\r\n0\r\n\r\n", ""),
    ("extension, blank last", b"5;a \r\nhello\r\n0\r\n\r\n", ""),
    ("extension over its limit", b"5;" + b"a" * 5000 + b"\r\nhello\r\n0\r\n\r\n", ""),
    ("extensions flood", b"1;" + b"a" * 200 + b"\r\nx\r\n"
     + (b"1;" + b"a" * 200 + b"\r\nx\r\n") * 200,
     "CVE-2023-39326 class"),
    ("trailer folded", b"0\r\nX-T: 1\r\n 2\r\n\r\n", "RFC 9112 §5.2"),
    ("trailer with LF", b"0\r\nX-T: 1\n\r\n", ""),
    ("trailers ended by LF", b"0\r\nX-T: 1\r\n\n", "http4s CVE-2025-59822"),
    ("trailer without colon", b"0\r\nXT\r\n\r\n", "http4s CVE-2025-59822"),
    ("trailer empty name", b"0\r\n: 1\r\n\r\n", ""),
    ("trailer blank before colon", b"0\r\nX-T : 1\r\n\r\n", ""),
    ("trailer with NUL", b"0\r\nX-T: \0\r\n\r\n", ""),
    ("trailer that is a request line", b"0\r\nGET /evil HTTP/1.1\r\nHost: silex.test\r\n\r\n", ""),
    ("trailers over their limit", b"0\r\n" + b"X-T: %s\r\n" % (b"x" * 1000) * 40 + b"\r\n", ""),
    ("trailers, too many", b"0\r\n" + b"X-T: 1\r\n" * 500 + b"\r\n", ""),
]

GOOD = [
    ("sizes in both cases", b"A\r\n0123456789\r\na\r\n0123456789\r\n0\r\n\r\n",
     b"01234567890123456789"),
    ("leading zeros", b"0005\r\nhello\r\n000\r\n\r\n", b"hello"),
    ("extension", b"5;a;b=c;d=\"e;f\\\"\"\r\nhello\r\n0;z\r\n\r\n", b"hello"),
    ("bad whitespace of the grammar", b"5 ; a = b\r\nhello\r\n0\r\n\r\n", b"hello"),
    ("content that looks like framing", b"c\r\n" + b"\r\n0\r\n\r\n\r\n0\r\n" + b"\r\n0\r\n\r\n",
     b"\r\n0\r\n\r\n\r\n0\r\n"),
    ("no content", b"0\r\n\r\n", b""),
    ("one byte a chunk", b"1\r\nx\r\n" * 300 + b"0\r\n\r\n", b"x" * 300),
]

FORBIDDEN_TRAILERS = ("Content-Length", "Transfer-Encoding", "Host", "Connection", "Authorization",
                      "Cookie",
                      "X-Forwarded-For", "X-Real-IP", "Content-Type", "Expect", "TE", "Set-Cookie",
                      "Trailer",
                      "Max-Forwards", "Content_Length")


def split(name, body, content):
    """The same chunks, cut at three places."""
    whole = chunked(body)
    at = len(whole) - len(body)
    cuts = [at + 1, at + 2, at + len(body) // 2]
    parts = [whole[i:j] for i, j in zip([0, *cuts], [*cuts, None])]
    return forwarded(f"chunks in pieces: {name}", parts, seen="POST /x", body=content)


CASES = [
    *(refused(f"chunk: {n}", chunked(b), f"RFC 9112 §7.1. {ref}") for n, b, ref in BAD),
    *(forwarded(f"chunks: {n}", chunked(b), "RFC 9112 §7.1", seen="POST /x", body=c,
                has={"Transfer-Encoding": "chunked"}) for n, b, c in GOOD),
    *(split(n, b, c) for n, b, c in GOOD),
    forwarded("trailer", chunked(b"5\r\nhello\r\n0\r\nX-T: 1\r\n\r\n"), "RFC 9110 §6.5",
              seen="POST /x", body=b"hello",
              trailers=[("X-T", "1")]),
    forwarded("trailer in pieces", [chunked(b"5\r\nhello\r\n0\r\nX-"), b"T: 1\r", b"\n\r", b"\n"],
              seen="POST /x",
              body=b"hello", trailers=[("X-T", "1")]),
    *(forwarded(f"trailer {n} is dropped", chunked(b"5\r\nhello\r\n0\r\n%s: 5\r\nX-T: 1\r\n\r\n"
                                                   % n.encode()),
                "RFC 9110 §6.5.1; haproxy 2.6", seen="POST /x", body=b"hello", has={"X-T": None},
                trailers=[("X-T", "1")])
      for n in FORBIDDEN_TRAILERS),
    Case("bad chunk, then a request", [chunked(b"5\r\nhelloXX" + SMUGGLED)], (400,),
         ref="facts §B pipelined leftovers: nothing behind a refusal is read"),
    Case("bad chunk in a second piece", [chunked(b"5\r\nhello\r\n"), b"zz\r\n" + SMUGGLED], (400,)),
    Case("size line cut, then LF", [chunked(b"5"), b"\nhello\r\n0\r\n\r\n"], (400,)),
    Case("CR cut from LF, then X", [chunked(b"5\r"), b"Xhello\r\n0\r\n\r\n"], (400,)),
]
