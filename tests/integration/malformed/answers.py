"""What origins send wrongly: RFC 9112 §6, facts §B response side, §C response parsing."""

from malformed import OriginAnswer, pieces

OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n"
SMUGGLED = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-Evil: 1\r\n\r\nevil!"


WEBSOCKET = (("Connection", "upgrade"), ("Upgrade", "websocket"))


def bad(name, data, ref="RFC 9112 §4, §6.3", **how):
    """Nothing of it may reach the client: 502."""
    return OriginAnswer(name, pieces(data), 502, body=b"", ref=ref, **how)


def switched(*lines):
    return b"HTTP/1.1 101 Switching Protocols\r\n" + b"".join(x + b"\r\n" for x in lines) + b"\r\n"


def cut(name, data, ref="RFC 9112 §8", close=False):
    """The head went out already: the client must see that the content is not whole."""
    return OriginAnswer(name, pieces(data), 200, body=None, ref=ref, close=close)


def good(name, data, body=b"hello", status=200, ref="", poison=False, **how):
    return OriginAnswer(name, pieces(data), status, body, poison=poison, ref=ref, **how)


def with_length(*lines):
    return OK + b"".join(x + b"\r\n" for x in lines) + b"\r\nhello"


STATUS_LINES = [
    b"HTTP/1.1  200 OK", b"HTTP/1.1\t200 OK", b"HTTP/1.1 20 OK", b"HTTP/1.1 2000 OK",
    b"HTTP/1.1 +20 OK",
    b"HTTP/1.1 0x2 OK", b"HTTP/1.1 2OO OK", b"HTTP/1.1 -00 OK", b"HTTP/1.1 600 OK",
    b"HTTP/1.1 999 OK",
    b"HTTP/1.1 099 OK", b"HTTP/1.1 000 OK", b"HTTP/1.1", b"HTTP/1.1 ", b"HTTP/1.1 OK 200",
    b"HTTP/1.1 200\tOK",
    b"HTTP/1.1200 OK", b"HTTP/1,1 200 OK", b"HTTP/1 200 OK", b"HTTP/1.10 200 OK",
    b"HTTP/2.0 200 OK",
    b"HTTP/0.9 200 OK", b"HTTP/9.1 200 OK", b"http/1.1 200 OK", b"HTTPS/1.1 200 OK", b"ICY 200 OK",
    b"RTSP/1.0 200 OK",
    b" HTTP/1.1 200 OK", b"\r\nHTTP/1.1 200 OK", b"\0HTTP/1.1 200 OK", b"200 OK", b"GET / HTTP/1.1",
    b"HTTP/1.1 200 O\0K", b"HTTP/1.1 200 O\x7fK", b"HTTP/1.1 200 \x1b[0m", b"HTTP/1.1 200 O\rK",
    b"HTTP/1.1 200 OK\rX-Evil: 1", b"<html>hello</html>",
]

FIELDS = [
    ("no colon", b"garbage"), ("empty name", b": 1"), ("blank before colon", b"X : 1"),
    ("folded", b"X: 1\r\n 2"), ("folded with tab", b"X: 1\r\n\t2"), ("LF ends it", b"X: 1\nY: 2"),
    ("CR in the value", b"X: 1\rSet-Cookie: evil=1"), ("CR CR LF", b"X: 1\r\r\nY: 2"),
    ("NUL in the value", b"X: \0"),
    ("control in the value", b"X: \x01"), ("DEL in the value", b"X: \x7f"),
    ("NUL in the name", b"X\0: 1"),
    ("blank in the name", b"X Y: 1"), ("above ASCII in the name", b"X\xc3\xa4: 1"),
    ("quote in the name", b"\"X\": 1"),
    ("status line as a field", b"HTTP/1.1 200 OK"), ("blank first", b" X: 1"),
]

LENGTHS = [
    b"", b"-5", b"+5", b"5.0", b"0x5", b"5 5", b"5,5", b"5, 5", b"5,6", b"five", b"\"5\"", b"5;",
    b"5\xa0",
    b"9223372036854775808", b"18446744073709551616", b"18446744073709551621",
    b"340282366920938463463374607431768211456", b"0" * 40 + b"5",
]

CODINGS = [
    b"", b"identity", b"gzip", b"gzip, chunked", b"chunked, chunked", b"chunked, identity",
    b"xchunked", b"chunkedx",
    b"\"chunked\"", b"chunked;q=1", b"chunked,", b",chunked", b"chu nked", b"\vchunked",
    b"chunked\0", b"*",
]

BAD_CHUNKS = [
    ("no size", b"\r\n"), ("letters", b"xyz\r\nhello\r\n0\r\n\r\n"),
    ("minus", b"-5\r\nhello\r\n0\r\n\r\n"),
    ("0x", b"0x5\r\nhello\r\n0\r\n\r\n"), ("2^64", b"10000000000000005\r\nhello\r\n0\r\n\r\n"),
    ("LF behind the size", b"5\nhello\r\n0\r\n\r\n"),
    ("CR behind the size", b"5\rhello\r\n0\r\n\r\n"),
    ("LF in an extension", b"5;\nhello\r\n0\r\n\r\n"),
    ("content too long", b"5\r\nhello!\r\n0\r\n\r\n"),
    ("content too short", b"6\r\nhello\r\n0\r\n\r\n"),
    ("LF behind the content", b"5\r\nhello\n0\r\n\r\n"),
    ("LF behind the last size", b"5\r\nhello\r\n0\n\r\n"),
    ("bad trailer", b"5\r\nhello\r\n0\r\nX : y\r\n\r\n"),
    ("folded trailer", b"5\r\nhello\r\n0\r\nX: y\r\n z\r\n\r\n"),
    ("blank first", b" 5\r\nhello\r\n0\r\n\r\n"),
    ("blank last", b"5 \r\nhello\r\n0\r\n\r\n"), ("an answer for a chunk line", SMUGGLED),
]

ANSWERS = [
    *(bad(f"status line {s!r}", s + b"\r\nContent-Length: 5\r\n\r\nhello") for s in STATUS_LINES),
    *(bad(f"field: {n}", OK + f + b"\r\nContent-Length: 5\r\n\r\nhello", "RFC 9112 §5")
      for n, f in FIELDS),
    *(bad(f"length {v!r}", with_length(b"Content-Length: " + v),
          "RFC 9112 §6.3; nginx takes it for until-close")
      for v in LENGTHS),
    *(bad(f"coding {v!r}", OK + b"Transfer-Encoding: " + v + b"\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
          "RFC 9112 §6.1")
      for v in CODINGS),
    *(cut(f"chunks: {n}", OK + CHUNKED + b"\r\n" + c, "RFC 9112 §7.1") for n, c in BAD_CHUNKS),
    bad("LF ends the status line", b"HTTP/1.1 200 OK\nContent-Length: 5\r\n\r\nhello"),
    bad("LF ends the head", b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\nhello"),
    bad("LF everywhere", b"HTTP/1.1 200 OK\nContent-Length: 5\n\nhello"),
    bad("two lengths", with_length(b"Content-Length: 5", b"Content-Length: 6"), "RFC 9112 §6.3"),
    bad("two equal lengths", with_length(b"Content-Length: 5", b"Content-Length: 5"),
        "RFC 9112 §6.3"),
    bad("two lengths in two cases", with_length(b"Content-Length: 5", b"CONTENT-LENGTH: 0"),
        "RFC 9112 §6.3"),
    bad("length, blank before colon", with_length(b"Content-Length : 5")),
    bad("length and chunked", OK + CHUNKED + b"Content-Length: 5\r\n\r\n0\r\n\r\n",
        "RFC 9112 §6.3"),
    bad("chunked and length 0", OK + b"Content-Length: 0\r\n" + CHUNKED + b"\r\n0\r\n\r\n",
        "RFC 9112 §6.3"),
    bad("chunked twice", OK + CHUNKED * 2 + b"\r\n0\r\n\r\n", "RFC 9112 §6.1"),
    bad("chunked in HTTP/1.0", b"HTTP/1.0 200 OK\r\n" + CHUNKED + b"\r\n0\r\n\r\n",
        "RFC 9112 §6.1"),
    bad("101 unasked", switched(b"Connection: upgrade", b"Upgrade: websocket"), "RFC 9110 §7.8"),
    bad("101 unasked to h2c", switched(b"Connection: upgrade", b"Upgrade: h2c")
        + b"\0\0\0\4\0\0\0\0\0",
        "h2c smuggling; nginx and haproxy tunnel"),
    bad("101 unasked, nothing named", switched(), "RFC 9110 §15.2.2"),
    bad("101 to another protocol than asked", switched(b"Connection: upgrade", b"Upgrade: h2c"),
        "RFC 9110 §7.8; h2c smuggling", asked=WEBSOCKET),
    bad("101 asked, no Upgrade", switched(b"Connection: upgrade"), "RFC 9110 §7.8",
        asked=WEBSOCKET),
    bad("101 asked, no Connection", switched(b"Upgrade: websocket"), "RFC 9110 §7.8",
        asked=WEBSOCKET),
    bad("101 asked, two Upgrades", switched(b"Connection: upgrade", b"Upgrade: websocket",
                                            b"Upgrade: h2c"),
        "RFC 9110 §7.8", asked=WEBSOCKET),
    bad("101 to an upgrade that was not passed on (h2c)",
        switched(b"Connection: upgrade", b"Upgrade: h2c"),
        "h2c smuggling", asked=(("Connection", "upgrade, HTTP2-Settings"), ("Upgrade", "h2c"),
                                ("HTTP2-Settings", "AA"))),
    bad("1xx without end", b"HTTP/1.1 100 Continue\r\n\r\n" * 500, "facts §B 1xx floods"),
    bad("102 without end", b"HTTP/1.1 102 Processing\r\nX: y\r\n\r\n" * 500, "facts §B 1xx floods"),
    bad("1xx, then nonsense", b"HTTP/1.1 100 Continue\r\n\r\n\0\0\0\0\r\n\r\n"),
    bad("1xx, then bare LF", b"HTTP/1.1 100 Continue\n\n" + with_length(b"Content-Length: 5")),
    bad("head too large", OK + b"X: " + b"v" * 70000 + b"\r\n\r\n",
        "facts routing §6: proxy-buffer-size"),
    bad("head without end", OK + b"X: y\r\n" * 20000, "facts routing §6"),
    bad("status line without end", b"HTTP/1.1 200 " + b"x" * 70000, "varnish VSV00009"),
    bad("2000 Set-Cookie", OK + b"Set-Cookie: a=b\r\n" * 2000 + b"Content-Length: 5\r\n\r\nhello",
        "haproxy CVE-2022-0711"),
    good("80 Set-Cookie2 without equals sign", OK + b"Set-Cookie2: x\r\n" * 80
         + b"Content-Length: 5\r\n\r\nhello",
         ref="haproxy CVE-2022-0711"),
    bad("closes without a byte", b"", "facts routing §6", close=True),
    bad("closes inside the status line", b"HTTP/1.1 20", "RFC 9112 §8", close=True),
    bad("closes inside the head", OK + b"Content-Le", "RFC 9112 §8", close=True),
    bad("closes before the last line", OK + b"Content-Length: 5\r\n", "RFC 9112 §8", close=True),
    bad("TLS alert", b"\x15\x03\x01\x00\x02\x02\x28", close=True),
    cut("closes inside the content", OK + b"Content-Length: 10\r\n\r\nhello", close=True),
    cut("closes inside a chunk", OK + CHUNKED + b"\r\na\r\nhello", close=True),
    cut("closes before the last chunk", OK + CHUNKED + b"\r\n5\r\nhello\r\n", close=True),
    cut("closes inside the last chunk", OK + CHUNKED + b"\r\n5\r\nhello\r\n0\r\n", close=True),
    cut("closes inside a size", OK + CHUNKED + b"\r\n5\r\nhello\r\n1", close=True),
    # right readings of what looks odd
    good("plain", with_length(b"Content-Length: 5")),
    good("no phrase", b"HTTP/1.1 200\r\nContent-Length: 5\r\n\r\nhello",
         ref="RFC 9112 §4: origins do it"),
    good("empty phrase", b"HTTP/1.1 200 \r\nContent-Length: 5\r\n\r\nhello", ref="RFC 9112 §4"),
    good("status 299", b"HTTP/1.1 299 x\r\nContent-Length: 5\r\n\r\nhello", status=299,
         ref="RFC 9110 §15"),
    good("status 599", b"HTTP/1.1 599 x\r\nContent-Length: 5\r\n\r\nhello", status=599,
         ref="RFC 9110 §15"),
    good("1.0 until close", b"HTTP/1.0 200 OK\r\n\r\nhello", close=True, ref="RFC 9112 §6.3"),
    good("1.1 until close", b"HTTP/1.1 200 OK\r\n\r\nhello", close=True, ref="RFC 9112 §6.3"),
    good("until close though it says keep-alive", OK + b"Connection: keep-alive\r\n\r\nhello",
         close=True),
    good("chunked", OK + CHUNKED + b"\r\n5\r\nhello\r\n0\r\n\r\n"),
    good("chunked, extension dropped", OK + CHUNKED + b"\r\n5;a=\"b\"\r\nhello\r\n0;c\r\n\r\n",
         ref="RFC 9112 §7.1.1"),
    good("chunked in any case", OK + b"TRANSFER-encoding: CHUNKED\r\n\r\n5\r\nhello\r\n0\r\n\r\n"),
    good("chunked with forbidden trailers", OK + CHUNKED
         + b"\r\n5\r\nhello\r\n0\r\nContent-Length: 9\r\nSet-Cookie: e\r\n\r\n",
         has={"Set-Cookie": None}, ref="RFC 9110 §6.5.1"),
    good("hop by hop goes", with_length(b"Content-Length: 5", b"Connection: X-Hop", b"X-Hop: 1",
                                        b"Keep-Alive: timeout=9",
         b"Proxy-Connection: x"), has={"X-Hop": None, "Keep-Alive": None, "Proxy-Connection": None},
         ref="RFC 9110 §7.6.1"),
    good("Connection cannot remove Set-Cookie", with_length(b"Content-Length: 5",
                                                            b"Connection: Set-Cookie",
                                                            b"Set-Cookie: a"),
         has={"Set-Cookie": "a"}),
    good("Upgrade advertised", with_length(b"Content-Length: 5", b"Connection: Upgrade",
                                           b"Upgrade: h2,h2c"),
         has={"Upgrade": None}, ref="h2c smuggling"),
    good("head in pieces", [b"HTTP/1.", b"1 200 OK\r\nContent-Length", b": 5\r\n\r", b"\nhe",
                            b"llo"]),
    good("100 first", b"HTTP/1.1 100 Continue\r\n\r\n" + with_length(b"Content-Length: 5"),
         hints=(100,),
         ref="RFC 9110 §15.2.1"),
    good("103 first", b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
         + with_length(b"Content-Length: 5"), hints=(103,),
         ref="nginx drops it, RFC 8297"),
    good("102, 103 first", b"HTTP/1.1 102 x\r\n\r\nHTTP/1.1 103 y\r\n\r\n"
         + with_length(b"Content-Length: 5"),
         hints=(102, 103)),
    good("upgrade asked and not taken", with_length(b"Content-Length: 5"), asked=WEBSOCKET,
         ref="RFC 9110 §7.8"),
    good("upgrade asked, refused with 400", b"HTTP/1.1 400 x\r\nContent-Length: 5\r\n\r\nhello",
         status=400,
         asked=WEBSOCKET),
    good("426 names what to upgrade to",
         b"HTTP/1.1 426 x\r\nConnection: upgrade\r\nUpgrade: websocket\r\n"
         b"Content-Length: 5\r\n\r\nhello", status=426, has={"Upgrade": "websocket"},
         ref="RFC 9110 §15.5.22"),
    good("204", b"HTTP/1.1 204 No Content\r\n\r\n", b"", 204),
    good("204 of length 0", b"HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n", b"", 204,
         "RFC 9110 §8.6: cleaned",
         has={"Content-Length": None}),
    good("204 with content", b"HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\nhello", b"", 204,
         "RFC 9112 §6.3: the content is nobody's answer", poison=True,
         has={"Content-Length": None}),
    good("204 chunked", b"HTTP/1.1 204 No Content\r\n" + CHUNKED + b"\r\n5\r\nhello\r\n0\r\n\r\n",
         b"", 204, poison=True,
         has={"Transfer-Encoding": None}),
    good("304 with length", b"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", b"", 304,
         "RFC 9110 §15.4.5"),
    good("304 with content", b"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\nhello", b"",
         304,
         "facts §B 304 with body", poison=True),
    good("HEAD with length", OK + b"Content-Length: 5\r\n\r\n", b"", method="HEAD",
         has={"Content-Length": "5"}),
    good("HEAD with content", with_length(b"Content-Length: 5"), b"", method="HEAD", poison=True,
         ref="RFC 9110 §9.3.2: the content is nobody's answer"),
    good("HEAD chunked", OK + CHUNKED + b"\r\n", b"", method="HEAD"),
    good("content longer than announced", with_length(b"Content-Length: 5") + b"more", poison=True,
         ref="what is behind an answer is nobody's"),
    good("two answers", with_length(b"Content-Length: 5") + SMUGGLED, poison=True,
         ref="response splitting"),
    good("answer, then a chunked one", OK + CHUNKED + b"\r\n5\r\nhello\r\n0\r\n\r\n" + SMUGGLED,
         poison=True),
    good("connection: close", with_length(b"Content-Length: 5", b"Connection: close"), poison=True),
    good("1.0 without keep-alive", b"HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello",
         poison=True),
    good("until close with a chunked look", b"HTTP/1.1 200 OK\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
         b"5\r\nhello\r\n0\r\n\r\n",
         close=True),
]
