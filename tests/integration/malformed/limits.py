"""Sizes: large-client-header-buffers "4 8k" of ingress-nginx (facts: routing §6)."""

from malformed import forwarded, get, head, refused


def target_of(n):
    return b"/" + b"a" * (n - 1)


def lines(count, size):
    return [b"X-%04d: %s" % (i, b"v" * (size - 8)) for i in range(count)]


TOO_LARGE = {400, 431}

CASES = [
    forwarded("target of 8000", head(b"GET " + target_of(8000) + b" HTTP/1.1"),
              seen="GET " + target_of(8000).decode()),
    refused("target of 8300", head(b"GET " + target_of(8300) + b" HTTP/1.1"), "RFC 9112 §3", 414),
    refused("target of 60000", head(b"GET " + target_of(60000) + b" HTTP/1.1"), "RFC 9112 §3", 414),
    refused("method of 9000", head(b"G" * 9000 + b" / HTTP/1.1"), "RFC 9112 §3", {400, 414, 501}),
    refused("request line without end", b"GET /" + b"a" * 70000, "RFC 9112 §3", 414),
    forwarded("one line of 8000", get(b"X: " + b"v" * 8000), has={"X": "v" * 8000}),
    refused("one line of 8300", get(b"X: " + b"v" * 8300), "facts routing §6", TOO_LARGE),
    refused("one line without end", b"GET /x HTTP/1.1\r\nHost: silex.test\r\nX: " + b"v" * 70000,
            status=TOO_LARGE),
    refused("a name without end", b"GET /x HTTP/1.1\r\nHost: silex.test\r\n" + b"n" * 70000,
            status=TOO_LARGE),
    refused("a line of blanks without end", b"GET /x HTTP/1.1\r\nHost: silex.test\r\nX:"
            + b" " * 70000,
            status=TOO_LARGE),
    refused("head of 40000 in lines of 1000", get(*lines(40, 1000)), "facts routing §6", TOO_LARGE),
    refused("head without end", b"GET /x HTTP/1.1\r\nHost: silex.test\r\n" + b"X: y\r\n" * 20000,
            status=TOO_LARGE),
    refused("1000 fields", get(*lines(1000, 9)), status=TOO_LARGE),
    refused("cookie of 20000", get(b"Cookie: " + b"c" * 20000), "facts routing §6", TOO_LARGE),
    refused("30 cookies of 2000", get(*[b"Cookie: " + b"c" * 2000] * 30), status=TOO_LARGE),
    *(forwarded(f"name of {n}", get(b"n" * n + b": 1"), "haproxy CVE-2021-40346",
                has={"n" * n: "1"})
      for n in (254, 255, 256, 257, 270, 512, 1000)),
    *(refused(f"name of {n}", get(b"n" * n + b": 1"), "haproxy CVE-2021-40346", TOO_LARGE)
      for n in (8300, 65535, 65536, 65551)),
    refused("name of 270 that hides a length",
            get(b"Content-Length0" + b"a" * 255 + b":", b"Content-Length: 60",
                b"Content-Length: 0"),
            "haproxy CVE-2021-40346: the second length"),
]
