"""Field lines, Host, Connection and the headers a client must not forge: RFC 9112 §5, facts §B."""

from malformed import Case, forwarded, get, head, post, refused

BAD_LINES = [
    ("no colon", b"X-A", "RFC 9112 §5"),
    ("empty name", b": 1", "haproxy CVE-2023-25725"),
    ("empty name before Content-Length", b": x\r\nContent-Length: 5", "haproxy CVE-2023-25725"),
    ("blank before colon", b"X-A : 1", "RFC 9112 §5.1"),
    ("tab before colon", b"X-A\t: 1", "RFC 9112 §5.1"),
    ("blank in the name", b"X A: 1", "RFC 9110 §5.1"),
    ("folded", b"X-A: 1\r\n 2", "RFC 9112 §5.2"),
    ("folded with tab", b"X-A: 1\r\n\t2", "RFC 9112 §5.2"),
    ("folded nothing", b"X-A: 1\r\n \r\nX-B: 2", "RFC 9112 §5.2"),
    ("LF ends it", b"X-A: 1\nX-B: 2", "RFC 9112 §2.2"),
    ("LF then a request", b"X-A: 1\n\nGET /evil HTTP/1.1", "RFC 9112 §2.2"),
    ("CR in the value", b"X-A: 1\rX-B: 2", "RFC 9110 §5.5"),
    ("CR CR LF", b"X-A: 1\r\r\nX-B: 2", "RFC 9112 §2.2"),
    ("CR first", b"\rX-A: 1", "RFC 9112 §2.2"),
    ("NUL in the value", b"X-A: 1\x002", "RFC 9110 §5.5; haproxy 2.6"),
    ("NUL first in the value", b"X-A: \0", "RFC 9110 §5.5"),
    ("NUL in the name", b"X\0A: 1", "RFC 9110 §5.1"),
    ("vertical tab in the value", b"X-A: 1\v2", "RFC 9110 §5.5"),
    ("form feed in the value", b"X-A: 1\f", "RFC 9110 §5.5"),
    ("backspace in the value", b"X-A: 1\b", "RFC 9110 §5.5"),
    ("escape in the value", b"X-A: \x1b]0;x\x07", "RFC 9110 §5.5: log injection"),
    ("DEL in the value", b"X-A: \x7f", "RFC 9110 §5.5"),
    ("DEL in the name", b"X\x7fA: 1", "RFC 9110 §5.1"),
    ("parenthesis in the name", b"X(A): 1", "RFC 9110 §5.1"),
    ("quote in the name", b"\"X\": 1", "RFC 9110 §5.1"),
    ("slash in the name", b"X/A: 1", "RFC 9110 §5.1"),
    ("at sign in the name", b"X@A: 1", "RFC 9110 §5.1"),
    ("above ASCII in the name", b"X-\xc3\xa4: 1", "RFC 9110 §5.1"),
    ("semicolon for colon", b"X-A; 1", "RFC 9112 §5"),
    ("request line as a field", b"GET /evil HTTP/1.1", "RFC 9112 §5"),
]

BAD_HOSTS = [
    b"", b" ", b"silex.test, other.test", b"silex.test,silex.test", b"silex test", b"silex\ttest",
    b"u@silex.test", b"silex.test@other.test", b"http://silex.test", b"silex.test/x", b"silex.test?x",
    b"silex.test#x", b"silex.test\\x", b"silex.test;x", b"%73ilex.test", b"silex.test%00",
    b"\xc3\xa4.test", b".silex.test", b"silex..test", b":80", b"silex.test:", b"silex.test:0",
    b"silex.test:65536", b"silex.test:80x", b"silex.test:+80", b"silex.test:-1", b"silex.test:80:80",
    b"silex.test:4294967376", b"silex.test: 80", b"::1", b"[::1", b"[::1]x", b"[:::1]", b"[]",
    b"[fe80::1%25eth0]", b"[v1.x]", b"[127.0.0.1]", b"<script>", b"silex.test'", b"silex.test\"",
    b"{silex.test}", b"*", b"*.test", b"silex!test",
]


def spoofed(name, value):
    return forwarded(f"spoofed {name}", get(f"{name}: {value}".encode()),
                     "facts §B header trust; envoy CVE-2024-45806", has=SPOOF_RESULT.get(name, {}))


SPOOF_RESULT = {
    "X-Forwarded-For": {"X-Forwarded-For": "127.0.0.1", "X-Original-Forwarded-For": "6.6.6.6"},
    "X-Real-IP": {"X-Real-IP": "127.0.0.1"},
    "X-Forwarded-Host": {"X-Forwarded-Host": "silex.test"},
    "X-Forwarded-Proto": {"X-Forwarded-Proto": "http"},
    "X-Forwarded-Scheme": {"X-Forwarded-Scheme": "http"},
    "X-Scheme": {"X-Scheme": "http"},
    "Proxy": {"Proxy": None},
}

CASES = [
    *(refused(f"field: {n}", get(t), ref) for n, t, ref in BAD_LINES),
    refused("field: folded first line", b"GET /x HTTP/1.1\r\n Host: silex.test\r\n\r\n", "RFC 9112 §2.2"),
    refused("field: blank first line", b"GET /x HTTP/1.1\r\n \r\nHost: silex.test\r\n\r\n", "RFC 9112 §2.2"),
    refused("field: LF ends the head", b"GET /x HTTP/1.1\r\nHost: silex.test\r\n\n", "RFC 9112 §2.2"),
    refused("field: CR ends the head", b"GET /x HTTP/1.1\r\nHost: silex.test\r\n\rGET", "RFC 9112 §2.2"),
    # Host: RFC 9112 §3.2
    *(refused(f"host: {h!r}", b"GET /x HTTP/1.1\r\nHost: " + h + b"\r\n\r\n", "RFC 9112 §3.2")
      for h in BAD_HOSTS if h != b"silex.test:"),
    forwarded("host: empty port", b"GET /x HTTP/1.1\r\nHost: silex.test:\r\n\r\n",
              "RFC 3986 §3.2.3", has={"Host": "silex.test"}),
    forwarded("host: any case", b"GET /x HTTP/1.1\r\nhOsT:\tSILEX.Test\t\r\n\r\n",
              has={"Host": "SILEX.Test"}),
    forwarded("host: final dot", b"GET /x HTTP/1.1\r\nHost: silex.test.\r\n\r\n", "facts routing §3"),
    refused("host: none", b"GET /x HTTP/1.1\r\n\r\n", "RFC 9112 §3.2; haproxy 2.6"),
    refused("host: none, absolute form", b"GET http://silex.test/x HTTP/1.1\r\n\r\n", "RFC 9112 §3.2"),
    refused("host: two", get(b"Host: other.test"), "RFC 9112 §3.2"),
    refused("host: two equal", get(b"Host: silex.test"), "RFC 9112 §3.2"),
    refused("host: two in any case", get(b"HOST: silex.test"), "RFC 9112 §3.2"),
    refused("host: second empty", get(b"Host:"), "RFC 9112 §3.2"),
    refused("host: two with absolute form",
            head(b"GET http://silex.test/x HTTP/1.1", b"Host: other.test"), "RFC 9112 §3.2"),
    refused("host: folded", b"GET /x HTTP/1.1\r\nHost:\r\n silex.test\r\n\r\n", "RFC 9112 §5.2"),
    refused("host: blank before colon", b"GET /x HTTP/1.1\r\nHost : silex.test\r\n\r\n", "RFC 9112 §5.1"),
    Case("host: none in HTTP/1.0", [b"GET /x HTTP/1.0\r\n\r\n"], (404,), ref="facts routing §3: catch-all"),
    # values that are fine
    forwarded("field: empty value", get(b"X-A:"), has={"X-A": ""}),
    forwarded("field: blanks around", get(b"X-A: \t 1 2\t "), has={"X-A": "1 2"}),
    forwarded("field: tab inside", get(b"X-A: 1\t2"), has={"X-A": "1\t2"}),
    forwarded("field: above ASCII", get(b"X-A: \xc3\xa4\xff"), has={"X-A": "\xc3\xa4\xff"}),
    forwarded("field: colons", get(b"X-A: a:b: c"), has={"X-A": "a:b: c"}),
    forwarded("field: 90 of them", get(*(b"X-%d: 1" % i for i in range(90))), has={"X-89": "1"}),
    # names that gateway interfaces confuse
    forwarded("name: underscore", get(b"X_A: 1", b"X-Forwarded_For: 6.6.6.6"),
              "nginx underscores_in_headers", has={"X_A": None, "X-Forwarded_For": None}),
    forwarded("name: underscore twin of Content-Length", get(b"Content_Length: 5"), "WSGI spoofing",
              has={"Content_Length": None, "Content-Length": None}),
    forwarded("name: underscore twin of Transfer-Encoding", get(b"Transfer_Encoding: chunked"),
              "WSGI spoofing", has={"Transfer_Encoding": None}),
    forwarded("name: dot", get(b"X.Real.IP: 6.6.6.6"), "ignore-invalid-headers", has={"X.Real.IP": None}),
    # Connection: RFC 9110 §7.6.1
    refused("connection: not tokens", get(b"Connection: a b"), "RFC 9110 §7.6.1"),
    refused("connection: quoted", get(b"Connection: \"close\""), "RFC 9110 §7.6.1"),
    refused("connection: 100 options", get(b"Connection: " + b",".join([b"x"] * 100)), "RFC 9110 §7.6.1"),
    forwarded("connection: names a field", get(b"Connection: X-A", b"X-A: 1", b"X-B: 2"),
              "RFC 9110 §7.6.1", has={"X-A": None, "X-B": "2"}),
    forwarded("connection: named before", get(b"X-A: 1", b"Connection: keep-alive, x-a"), has={"X-A": None}),
    forwarded("connection: two fields", get(b"Connection: X-A", b"Connection: ,X-B,", b"X-A: 1", b"X-B: 2"),
              has={"X-A": None, "X-B": None}),
    *(forwarded(f"connection: cannot remove {n}", get(b"Connection: close, " + n, n + b": 1"),
                "Apache CVE-2022-31813; varnish CVE-2022-45059", close=True, has={n.decode(): "1"})
      for n in (b"Authorization", b"Cookie", b"Content-Type", b"Cache-Control", b"X-Request-ID", b"Range")),
    *(forwarded(f"connection: cannot remove our {n}", get(b"Connection: " + n.encode()),
                "Apache CVE-2022-31813", has={n: v})
      for n, v in (("Host", "silex.test"), ("X-Forwarded-For", "127.0.0.1"), ("X-Real-IP", "127.0.0.1"),
                   ("X-Forwarded-Host", "silex.test"), ("X-Forwarded-Proto", "http"))),
    forwarded("connection: cannot remove Content-Length",
              post(b"Connection: Content-Length", b"Content-Length: 3") + b"abc", seen="POST /x",
              has={"Content-Length": "3"}, body=b"abc", ref="varnish CVE-2022-45059"),
    forwarded("connection: cannot remove Transfer-Encoding",
              post(b"Connection: Transfer-Encoding", b"Transfer-Encoding: chunked") + b"3\r\nabc\r\n0\r\n\r\n",
              seen="POST /x", body=b"abc"),
    forwarded("hop by hop goes", get(b"Keep-Alive: timeout=5", b"Proxy-Connection: keep-alive"),
              "RFC 9110 §7.6.1", has={"Keep-Alive": None, "Proxy-Connection": None}),
    forwarded("te trailers", get(b"TE: trailers, gzip;q=0.5"), "RFC 9110 §10.1.4", has={}),
    # what the client says about itself
    spoofed("X-Forwarded-For", "6.6.6.6"), spoofed("X-Real-IP", "6.6.6.6"),
    spoofed("X-Forwarded-Host", "evil.test"), spoofed("X-Forwarded-Proto", "https"),
    spoofed("X-Forwarded-Scheme", "https"), spoofed("X-Scheme", "https"), spoofed("Proxy", "http://evil/"),
    forwarded("spoofed twice in two cases", get(b"X-Forwarded-For: 6.6.6.6", b"x-forwarded-for: 7.7.7.7",
              b"X-REAL-IP: 6.6.6.6"), has={"X-Forwarded-For": "127.0.0.1", "X-Real-IP": "127.0.0.1"}),
    # upgrades: only one protocol, never to HTTP/2
    forwarded("upgrade: h2c", get(b"Connection: Upgrade, HTTP2-Settings", b"Upgrade: h2c",
              b"HTTP2-Settings: AAMAAABkAAQAAP__"), "h2c smuggling",
              has={"Upgrade": None, "HTTP2-Settings": None}),
    forwarded("upgrade: h2c in a list", get(b"Connection: upgrade", b"Upgrade: websocket, h2c"),
              "h2c smuggling", has={"Upgrade": None}),
    forwarded("upgrade: two fields", get(b"Connection: upgrade", b"Upgrade: websocket", b"Upgrade: h2c"),
              "h2c smuggling", has={"Upgrade": None}),
    forwarded("upgrade: without Connection", get(b"Upgrade: websocket"), "RFC 9110 §7.8", has={"Upgrade": None}),
    forwarded("upgrade: HTTP/2.0", get(b"Connection: upgrade", b"Upgrade: HTTP/2.0"), has={"Upgrade": None}),
    forwarded("upgrade: with content", post(b"Connection: upgrade", b"Upgrade: websocket",
              b"Content-Length: 3") + b"abc", seen="POST /x", has={"Upgrade": None}, body=b"abc"),
    forwarded("upgrade: in HTTP/1.0", b"GET /x HTTP/1.0\r\nHost: silex.test\r\nConnection: upgrade\r\n"
              b"Upgrade: websocket\r\n\r\n", "RFC 9110 §7.8", close=True, has={"Upgrade": None}),
    # Max-Forwards: RFC 9110 §7.6.2
    forwarded("max-forwards counts down", head(b"OPTIONS /x HTTP/1.1", b"Max-Forwards: 5"),
              "RFC 9110 §7.6.2", seen="OPTIONS /x", has={"Max-Forwards": "4"}),
    Case("max-forwards 0 ends here", [head(b"OPTIONS /x HTTP/1.1", b"Max-Forwards: 0")], ({200, 204},),
         close=False, ref="RFC 9110 §7.6.2"),
]
