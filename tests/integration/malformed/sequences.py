"""Several messages on one connection: what is behind a message belongs to the next one, exactly.
RFC 9112 §9.3; facts §B pipelined leftovers, §C early answer, error without close."""

from malformed import Case, HOST, get, head, post

CHUNKED = b"Transfer-Encoding: chunked"


def at(target, *fields):
    return head(b"GET " + target + b" HTTP/1.1", *fields)


UNKNOWN = b"GET /x HTTP/1.1\r\nHost: nobody.test\r\n\r\n"
UNKNOWN_POST = b"POST /x HTTP/1.1\r\nHost: nobody.test\r\nContent-Length: %d\r\n\r\n%s"

CASES = [
    Case("three at once", [at(b"/1") + at(b"/2") + at(b"/3")], (200, 200, 200),
         ("GET /1", "GET /2", "GET /3"),
         close=False),
    Case("three, cut in the middle of the second",
         [at(b"/1") + at(b"/2")[:20], at(b"/2")[20:] + at(b"/3")],
         (200, 200, 200), ("GET /1", "GET /2", "GET /3"), close=False,
         ref="varnish CVE-2026-40396"),
    Case("fifty at once", [b"".join(at(b"/%d" % i) for i in range(50))], (200,) * 50,
         tuple(f"GET /{i}" for i in range(50)), close=False),
    Case("pause, then a burst", [at(b"/1"), at(b"/2") + at(b"/3") + at(b"/4")], (200,) * 4,
         ("GET /1", "GET /2", "GET /3", "GET /4"), close=False, ref="varnish CVE-2026-40396"),
    Case("good, then bad", [at(b"/1") + b"GET /2 HTTP/1.1\r\nHost : silex.test\r\n\r\n"
                            + at(b"/3")], (200, 400),
         ("GET /1",)),
    Case("good, then nonsense", [at(b"/1") + b"\0\1\2\3" * 20], (200, 400), ("GET /1",)),
    Case("good, then close, then ignored", [at(b"/1", b"Connection: close") + at(b"/2")], (200,),
         ("GET /1",),
         ref="RFC 9112 §9.6"),
    Case("good 1.0, then ignored", [b"GET /1 HTTP/1.0\r\n" + HOST + b"\r\n" + at(b"/2")], (200,),
         ("GET /1",),
         ref="RFC 9112 §9.3"),
    Case("1.0 keep-alive, then another", [b"GET /1 HTTP/1.0\r\n" + HOST
                                          + b"Connection: keep-alive\r\n\r\n" + at(b"/2")],
         (200, 200), ("GET /1", "GET /2"), close=False, ref="RFC 9112 §9.3"),
    Case("close and keep-alive: close wins", [at(b"/1", b"Connection: keep-alive, close")
                                              + at(b"/2")], (200,),
         ("GET /1",), ref="RFC 9112 §9.3"),
    Case("content, then another", [post(b"Content-Length: 5") + b"hello" + at(b"/2")], (200, 200),
         ("POST /x", "GET /2"), close=False),
    Case("content with CRLF behind it, then another",
         [post(b"Content-Length: 5") + b"hello\r\n" + at(b"/2")],
         (200, 200), ("POST /x", "GET /2"), close=False, ref="RFC 9112 §2.2"),
    Case("content one byte too long", [post(b"Content-Length: 5") + b"hello!" + at(b"/2")],
         (200, 200),
         ("POST /x", "!GET /2"), close=False,
         ref="the sixth byte is the next method: ! is a token"),
    Case("content one NUL too long", [post(b"Content-Length: 5") + b"hello\0" + at(b"/2")],
         (200, 400), ("POST /x",)),
    Case("content one byte too short", [post(b"Content-Length: 6") + b"hello" + at(b"/2")],
         (200, 200),
         ("POST /x", "ET /2"), close=False, ref="the G of GET is content; ET is another method"),
    Case("chunked, then another", [post(CHUNKED) + b"5\r\nhello\r\n0\r\n\r\n" + at(b"/2")],
         (200, 200),
         ("POST /x", "GET /2"), close=False),
    Case("chunked with trailer, then another", [post(CHUNKED) + b"0\r\nX: y\r\n\r\n" + at(b"/2")],
         (200, 200),
         ("POST /x", "GET /2"), close=False),
    Case("chunked that ends early for a careless reader",
         [post(CHUNKED) + b"0\r\n\r\n" + at(b"/2")], (200, 200),
         ("POST /x", "GET /2"), close=False),
    Case("length 0, then another", [post(b"Content-Length: 0") + at(b"/2")], (200, 200),
         ("POST /x", "GET /2"),
         close=False),
    Case("content cut at its end", [post(b"Content-Length: 5") + b"hell", b"o" + at(b"/2")],
         (200, 200),
         ("POST /x", "GET /2"), close=False),
    Case("HEAD, then GET", [head(b"HEAD /1 HTTP/1.1") + at(b"/2")], (200, 200),
         ("HEAD /1", "GET /2"), close=False,
         methods=("HEAD", "GET"), ref="RFC 9110 §9.3.2: the answer to HEAD has no content"),
    Case("HEAD with content, then GET", [head(b"HEAD /1 HTTP/1.1", b"Content-Length: 5") + b"hello"
                                         + at(b"/2")],
         (200, 200), ("HEAD /1", "GET /2"), close=False, methods=("HEAD", "GET")),
    Case("404, then another", [UNKNOWN + at(b"/2")], (404, 200), ("GET /2",), close=False),
    Case("404 with content, then another", [UNKNOWN_POST % (5, b"hello") + at(b"/2")],
         (404, {200, None}),
         ("GET /2",), close=None,
         ref="Apache CVE-2022-22720: an error must read the content, or close"),
    Case("404 with content that is a request", [UNKNOWN_POST % (len(at(b"/evil")), at(b"/evil"))],
         (404,), (),
         close=None, ref="Apache CVE-2022-22720; nginx CVE-2019-20372"),
    Case("404 with chunked content that is a request",
         [b"POST /x HTTP/1.1\r\nHost: nobody.test\r\nTransfer-Encoding: chunked\r\n\r\n"
          b"%x\r\n%s\r\n0\r\n\r\n" % (len(at(b"/evil")), at(b"/evil"))], (404,), (), close=None, ref="nginx CVE-2019-20372"),
    Case("400 of the path, then another", [at(b"/../x") + at(b"/2")], (400, {200, None}),
         ("GET /2",), close=None),
    Case("400 of the path with content that is a request",
         [head(b"POST /../x HTTP/1.1", b"Content-Length: %d" % len(at(b"/evil"))) + at(b"/evil")],
         (400,), (),
         close=None, ref="Apache CVE-2022-22720"),
    Case("content too large, then a request in it",
         [post(b"Content-Length: 2000000") + at(b"/evil")], (413,), (),
         ref="facts routing §6: 413 at once"),
    Case("chunked content too large", [post(CHUNKED) + b"200000\r\n" + b"x" * 0x200000
                                       + b"\r\n0\r\n\r\n"], (413,),
         (), ref="facts routing §6: 413 when exceeded"),
    Case("bad chunk, then a good request", [post(CHUNKED) + b"5\nhello\r\n0\r\n\r\n" + at(b"/2")],
         (400,), ()),
    Case("both framings, then a good request",
         [post(b"Content-Length: 4", CHUNKED) + b"0\r\n\r\n" + at(b"/2")], (400,), (), ref="CL.TE"),
    Case("both framings, the other way",
         [post(CHUNKED, b"Content-Length: 4") + b"5c\r\n" + at(b"/evil") + b"\r\n0\r\n\r\n"],
         (400,), (), ref="TE.CL"),
    Case("two obscured codings (TE.TE)",
         [post(CHUNKED, b"Transfer-encoding: cow") + b"5c\r\n" + at(b"/evil") + b"\r\n0\r\n\r\n"],
         (400,), (), ref="TE.TE"),
    Case("0.CL with an expectation", [get(b"Expect: 100-continue", b"Content-Length: 0")
                                      + at(b"/2")], (200, 200),
         ("GET /x", "GET /2"), close=False, ref="HTTP/1.1 must die, 2025"),
    Case("expectation, content after 100", [post(b"Expect: 100-continue", b"Content-Length: 5"),
                                            b"hello" + at(b"/2")],
         (200, 200), ("POST /x", "GET /2"), close=False, ref="RFC 9110 §10.1.1"),
    Case("h2c upgrade, then HTTP/2 frames",
         [get(b"Connection: Upgrade, HTTP2-Settings", b"Upgrade: h2c",
              b"HTTP2-Settings: AAMAAABkAAQAAP__")
          + b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0\0\0\4\0\0\0\0\0"], (200, {400, 505}),
          ("GET /x",),
         ref="h2c smuggling"),
    Case("upgrade the origin does not take, then a request",
         [get(b"Connection: upgrade", b"Upgrade: websocket"), at(b"/2")], (200, {200, None}),
         ("GET /x", "GET /2"),
         close=None, ref="RFC 9110 §7.8"),
    Case("CONNECT, then a request", [b"CONNECT silex.test:80 HTTP/1.1\r\n" + HOST + b"\r\n"
                                     + at(b"/2")],
         ({400, 405, 501},), (), ref="envoy CVE-2025-64763"),
    Case("only empty lines, then silence", [b"\r\n\r\n"], (), (), shut=True),
]
