"""Where a request's content ends: RFC 9112 §6, and every published way to disagree about it."""

from malformed import Case, HOST, forwarded, get, head, post, refused

SMUGGLED = b"GET /evil HTTP/1.1\r\nHost: silex.test\r\n\r\n"
CHUNKED = b"Transfer-Encoding: chunked"

BAD_LENGTHS = [
    (b"", "empty"), (b"+5", "plus"), (b"-5", "minus"), (b"-0", "minus zero"), (b"5.0", "fraction"),
    (b"0x5", "hex"), (b"5e0", "exponent"), (b"5 5", "blank inside"), (b"5\t5", "tab inside"),
    (b"5,5", "list of equals"), (b"5, 5", "list with blank"), (b"5,6", "list"),
    (b",5", "empty element first"),
    (b"5,", "empty element last"), (b"5;", "semicolon"), (b"\"5\"", "quoted"), (b"five", "word"),
    (b"\xd9\xa5", "Arabic digit"), (b"5\xa0", "no-break space"), (b"_5", "underscore"),
    (b"5_0", "underscore inside"),
    (b"9223372036854775808", "2^63"), (b"18446744073709551615", "2^64-1"),
    (b"18446744073709551616", "2^64"),
    (b"18446744073709551621", "2^64+5"), (b"4294967296000000000000", "22 digits"),
    (b"340282366920938463463374607431768211456", "2^128"), (b"0" * 40 + b"5", "40 zeros"),
    (b"infinity", "infinity"), (b"NaN", "NaN"), (b"#5", "hash"),
]

BAD_CODINGS = [
    (b"", "empty", 400), (b"chunked, chunked", "chunked twice", None),
    (b"gzip, chunked", "gzip first", None),
    (b"chunked, gzip", "gzip last", None), (b"chunked, identity", "identity last", None),
    (b"identity", "identity", None), (b"identity, chunked", "identity first", None),
    (b"xchunked", "prefix", None),
    (b"chunkedx", "suffix", None), (b"chunked;q=1", "parameter", None),
    (b"\"chunked\"", "quoted", 400),
    (b"chunked,", "comma last", None), (b",chunked", "comma first", None),
    (b"chu nked", "blank inside", 400),
    (b"chunked \xa0", "no-break space", None), (b"chunked\xff", "above ASCII", None),
    (b"cow", "unknown", None),
    (b"chun\xc4\xb1ed", "dotless i", None), (b": chunked", "colon", 400),
    (b"deflate", "deflate", None),
    (b"trailers", "not a coding", None), (b"*", "star", None), (b"0", "digit", None),
    (b"\vchunked", "vertical tab first", 400), (b"chunked\f", "form feed last", 400),
    (b"\0chunked", "NUL first", 400),
    (b"chunked\0", "NUL last", 400), (b"\r\n chunked", "folded", 400),
    (b"chunked\r\n , identity", "folded list", 400),
]

BOTH = [
    ("length first", [b"Content-Length: 5", CHUNKED]),
    ("chunked first", [CHUNKED, b"Content-Length: 5"]),
    ("length 0", [b"Content-Length: 0", CHUNKED]),
    ("length first, odd case", [b"cONTENT-lENGTH: 5", b"transfer-ENCODING: Chunked"]),
    ("identity", [b"Content-Length: 5", b"Transfer-Encoding: identity"]),
    ("unknown coding", [b"Content-Length: 5", b"Transfer-Encoding: xchunked"]),
    ("empty coding", [b"Content-Length: 5", b"Transfer-Encoding:"]),
    ("bad length", [b"Content-Length: x", CHUNKED]),
    ("far apart", [b"Content-Length: 5", *(b"X-%d: 1" % i for i in range(50)), CHUNKED]),
]

TWICE = [
    ("lengths differ", [b"Content-Length: 5", b"Content-Length: 6"]),
    ("lengths equal", [b"Content-Length: 5", b"Content-Length: 5"]),
    ("lengths, one empty", [b"Content-Length: 5", b"Content-Length:"]),
    ("lengths, empty first", [b"Content-Length:", b"Content-Length: 5"]),
    ("lengths in two cases", [b"Content-Length: 5", b"CONTENT-LENGTH: 0"]),
    ("codings equal", [CHUNKED, CHUNKED]),
    ("codings, unknown first", [b"Transfer-Encoding: x", CHUNKED]),
    ("codings, unknown last", [CHUNKED, b"Transfer-Encoding: x"]),
    ("codings, empty last", [CHUNKED, b"Transfer-Encoding:"]),
    ("codings in two cases", [CHUNKED, b"transfer-encoding: identity"]),
]

OBSCURED = [
    ("length, blank before colon", b"Content-Length : 5"),
    ("coding, blank before colon", b"Transfer-Encoding : chunked"),
    ("coding, tab before colon", b"Transfer-Encoding\t: chunked"),
    ("coding, blank first", b" Transfer-Encoding: chunked"),
    ("coding, behind LF", b"X: y\nTransfer-Encoding: chunked"),
    ("coding, behind CR", b"X: y\rTransfer-Encoding: chunked"),
    ("coding, behind NUL", b"X: y\0Transfer-Encoding: chunked"),
    ("coding, name folded", b"Transfer-\r\n Encoding: chunked"),
    ("coding, colon twice", b"Transfer-Encoding:: chunked"),
    ("coding, NUL in the name", b"Transfer-\0Encoding: chunked"),
    ("coding, vertical tab in the name", b"Transfer-Encoding\v: chunked"),
    ("coding, above ASCII in the name", b"Transfer-\xc3\x8bncoding: chunked"),
]

CASES = [
    *(refused(f"length: {n}", post(b"Content-Length: " + v) + b"hello" + SMUGGLED,
              "RFC 9112 §6.3; haproxy 2.6 (2^64), CVE-2023-40225 (empty)") for v, n in BAD_LENGTHS),
    *(refused(f"coding: {n}", post(b"Transfer-Encoding: " + v) + b"0\r\n\r\n" + SMUGGLED,
              "RFC 9112 §6.1, §6.3; haproxy CVE-2019-18277", s or {400, 501})
              for v, n, s in BAD_CODINGS),
    *(refused(f"both: {n}", post(*f) + b"0\r\n\r\n" + SMUGGLED,
              "RFC 9112 §6.3; varnish CVE-2022-23959") for n, f in BOTH),
    *(refused(f"twice: {n}", post(*f) + b"0\r\n\r\n" + SMUGGLED, "RFC 9112 §6.3")
      for n, f in TWICE),
    *(refused(f"obscured: {n}", post(b"X-A: 1", f, b"X-B: 2") + b"0\r\n\r\n" + SMUGGLED,
              "RFC 9112 §5")
      for n, f in OBSCURED),
    *(refused(f"obscured beside length: {n}", post(b"Content-Length: 5", f) + b"0\r\n\r\n"
              + SMUGGLED,
              "RFC 9112 §5") for n, f in OBSCURED[1:]),
    refused("coding in HTTP/1.0", b"POST /x HTTP/1.0\r\n" + HOST + CHUNKED + b"\r\n\r\n0\r\n\r\n"
            + SMUGGLED,
            "RFC 9112 §6.1"),
    refused("coding and length in HTTP/1.0",
            b"POST /x HTTP/1.0\r\n" + HOST + b"Content-Length: 5\r\n" + CHUNKED
            + b"\r\n\r\n0\r\n\r\n", "RFC 9112 §6.1"),
    # expectations: RFC 9110 §10.1.1; "HTTP/1.1 must die" 2025
    refused("expect: unknown", post(b"Expect: 200-ok", b"Content-Length: 5") + b"hello",
            "RFC 9110 §10.1.1", 417),
    refused("expect: empty", post(b"Expect:", b"Content-Length: 5") + b"hello", "RFC 9110 §10.1.1",
            {400, 417}),
    refused("expect: list", post(b"Expect: 100-continue, x", b"Content-Length: 5") + b"hello",
            status=417),
    refused("expect: twice", post(b"Expect: 100-continue", b"Expect: 100-continue",
                                  b"Content-Length: 5") + b"hello",
            status={400, 417}),
    refused("expect: y 100-continue", post(b"Expect: y 100-continue", b"Content-Length: 5")
            + b"hello", status=417),
    refused("expect: folded (Akamai CVE-2025-32094)",
            head(b"OPTIONS /x HTTP/1.1", b"Expect:\r\n 100-continue", b"Content-Length: 40")
            + SMUGGLED,
            "Akamai CVE-2025-32094"),
    refused("expect: folded length", post(b"Expect: 100-continue", b"Content-Length:\r\n 40")
            + SMUGGLED),
    forwarded("expect: without content", get(b"Expect: 100-continue"),
              "0.CL: there is nothing to wait for",
              has={"Expect": None}),
    forwarded("expect: content sent at once", post(b"Expect: 100-continue", b"Content-Length: 5")
              + b"hello",
              seen="POST /x", body=b"hello"),
    forwarded("expect: any case", post(b"Expect: 100-CONTINUE", b"Content-Length: 5") + b"hello",
              seen="POST /x",
              body=b"hello"),
    forwarded("expect: ignored in HTTP/1.0", b"POST /x HTTP/1.0\r\n" + HOST
              + b"Expect: x\r\nContent-Length: 5\r\n\r\nhello",
              "RFC 9110 §10.1.1", seen="POST /x", body=b"hello", close=True),
    # readings that are right
    forwarded("length with leading zeros", post(b"Content-Length: 0005") + b"hello",
              "RFC 9110 §8.6",
              seen="POST /x", has={"Content-Length": "5"}, body=b"hello"),
    forwarded("length of a GET", get(b"Content-Length: 5") + b"hello", seen="GET /x",
              body=b"hello"),
    forwarded("chunked GET", get(CHUNKED) + b"5\r\nhello\r\n0\r\n\r\n", body=b"hello"),
    forwarded("content that is a request", post(b"Content-Length: %d" % len(SMUGGLED)) + SMUGGLED,
              seen="POST /x",
              body=SMUGGLED),
    forwarded("chunked content that is a request",
              post(CHUNKED) + b"%x\r\n%s\r\n0\r\n\r\n" % (len(SMUGGLED), SMUGGLED), seen="POST /x",
              body=SMUGGLED),
    forwarded("coding in any case", post(b"transfer-encoding:CHUNKED") + b"5\r\nhello\r\n0\r\n\r\n",
              seen="POST /x",
              has={"Transfer-Encoding": "chunked"}, body=b"hello"),
    forwarded("POST without length has no content", post(), "RFC 9112 §6.3", seen="POST /x",
              body=b""),
    forwarded("TRACE-like unknown method with content",
              head(b"FROB /x HTTP/1.1", b"Content-Length: 5") + b"hello",
              seen="FROB /x", body=b"hello"),
    # content that does not come
    Case("length longer than the content", [post(b"Content-Length: 10") + b"hello"],
         ({400, 408, None},), shut=True,
         ref="RFC 9112 §8"),
    Case("chunked content without end", [post(CHUNKED) + b"5\r\nhello\r\n"], ({400, 408, None},),
         shut=True,
         ref="RFC 9112 §8"),
]
