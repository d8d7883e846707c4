"""Answers compressed on their way: use-gzip, enable-brotli and what belongs to them
(facts: configmap §A)."""

import random
import threading
import zlib

import brotli
import pytest

from frames import H2
from harness import backends, ingress, wait_until

TEXT = b"".join(b"line %d of a text that says little and says it often\n" % i for i in range(6000))
NOISE = random.Random(1).randbytes(300_000)
DECODE = {"gzip": lambda b: zlib.decompress(b, 31), "br": brotli.decompress, None: lambda b: b}
ALL = {"use-gzip": "true", "enable-brotli": "true"}


class App:
    """Answers as .status, .fields and .pieces say; a piece that is an Event is waited for."""

    def __init__(self, make_scripted):
        self.status, self.fields, self.pieces = 200, "", [TEXT]
        self.kind, self.chunked, self.cut, self.heads = "text/plain", False, False, []
        self.port = make_scripted(self.script).port

    def script(self, peer):
        while (head := peer.read_head()) is not None:
            self.heads.append(head)
            pieces, chunked = self.pieces, self.chunked  # a test may set others once it has the head
            length = sum(len(p) for p in pieces if isinstance(p, bytes))
            framing = "Transfer-Encoding: chunked" if chunked else f"Content-Length: {length}"
            peer.send(f"HTTP/1.1 {self.status} X\r\n{framing}\r\n{self.fields}" +
                      (f"Content-Type: {self.kind}\r\n" if self.kind else "") + "\r\n")
            if head.startswith(b"HEAD"):
                continue
            for piece in pieces:
                if isinstance(piece, threading.Event):
                    assert piece.wait(60)
                else:
                    peer.send(b"%x\r\n%s\r\n" % (len(piece), piece) if chunked else piece)
            if self.cut:
                return
            if chunked:
                peer.send(b"0\r\nX-Sum: 7\r\n\r\n")


@pytest.fixture
def world(make_silex, make_scripted):
    def build(conf=None, **how):
        keys = {**ALL, **(conf or {})}
        s = make_silex(conf="".join(f"{k} = {v}\n" for k, v in keys.items()), **how)
        s.app = App(make_scripted)
        s.manifests.put("app", backends("app", s.app.port), ingress("app", {"silex.test": "app"}))
        return s.start()
    return build


def ask(s, accept="gzip", **how):
    fields = [("Accept-Encoding", a) for a in ([accept] if isinstance(accept, str) else accept)]
    return s.get("/", fields=[*fields, *how.pop("fields", [])], **how)


def text_of(answer):
    return DECODE[answer.get("content-encoding")](answer.body)


@pytest.mark.parametrize("accept,coding", [
    ("gzip", "gzip"), ("br", "br"), ("gzip, deflate, br", "br"), ("x-gzip;q=0.5", "gzip"),
    ("*", "br"), ("br;q=0.5, gzip", "gzip"), ("gzip;q=0", None), ("identity, gzip;q=0.9", None),
    ("deflate", None), ("br;q=0, *;q=0.1", "gzip"), (["deflate", "gzip"], "gzip"),
    ("gzip;q=nonsense", None), ("", None)])
def test_the_coding_a_client_gets(world, accept, coding):
    answer = ask(world(), accept)
    assert answer.get("content-encoding") == coding and text_of(answer) == TEXT
    assert answer.get("vary") == "Accept-Encoding"
    assert answer.framing == ("length" if coding is None else "chunked")
    assert coding is None or len(answer.body) < len(TEXT) // 5


@pytest.mark.parametrize("coding", ["gzip", "br"])
@pytest.mark.parametrize("chunked", [False, True], ids=["length", "chunked"])
@pytest.mark.parametrize("content", [[TEXT], [NOISE], [b"x"], [TEXT, NOISE, TEXT] * 5],
                         ids=["text", "noise", "one", "much"])
def test_whole_content_arrives(world, coding, chunked, content):
    s = world({"gzip-min-length": "0", "brotli-min-length": "0"})
    s.app.pieces, s.app.chunked = content, chunked
    with s.client() as c:
        for _ in range(3):
            answer = c.get(fields=[("Accept-Encoding", coding)])
            assert answer.get("content-encoding") == coding
            assert text_of(answer) == b"".join(content)
            assert answer.trailers == ([("X-Sum", "7")] if chunked else [])


@pytest.mark.parametrize("what", ["off", "status", "type", "no type", "short", "coded", "transform",
                                  "HEAD", "empty", "old"])
def test_what_is_left_as_it_is(world, what):
    s = world({"enable-brotli": "false", "use-gzip": str(what != "off").lower()})
    method = "GET"
    if what == "status":
        s.app.status = 206
    elif what == "type":
        s.app.kind = "image/png"
    elif what == "no type":
        s.app.kind = None
    elif what == "short":
        s.app.pieces = [TEXT[:255]]
    elif what == "coded":
        s.app.fields = "Content-Encoding: zstd\r\n"
    elif what == "transform":
        s.app.fields = "Cache-Control: public, no-transform\r\n"
    elif what == "HEAD":
        method = "HEAD"
    elif what == "empty":
        s.app.pieces = []
    with s.client() as c:
        if what == "old":
            c.send(b"GET / HTTP/1.0\r\nHost: silex.test\r\nAccept-Encoding: gzip\r\n\r\n")
            answer = c.read()
        else:
            answer = c.get(method=method, fields=[("Accept-Encoding", "gzip")])
    assert answer.get("content-encoding") == ("zstd" if what == "coded" else None)
    assert answer.get("vary") is None
    assert answer.get("content-length") == str(sum(map(len, s.app.pieces)))
    assert method == "HEAD" or answer.body == b"".join(s.app.pieces)


def test_types_and_lengths_of_the_settings(world):
    s = world({"gzip-types": "application/x-mine  text/x-other", "gzip-min-length": "1k",
               "brotli-types": "*", "brotli-min-length": "2k"})
    for kind, size, accept, coding in [
            ("application/x-mine; charset=utf-8", 1024, "gzip", "gzip"),
            ("TEXT/X-OTHER", 1023, "gzip", None), ("text/plain", 5000, "gzip", None),
            ("text/html", 5000, "gzip", "gzip"), ("image/png", 2048, "br", "br"),
            ("image/png", 2047, "br", None), ("text/html", 1500, "br, gzip", "gzip")]:
        s.app.kind, s.app.pieces = kind, [TEXT[:size]]
        answer = ask(s, accept)
        assert (kind, size, answer.get("content-encoding")) == (kind, size, coding)
        assert text_of(answer) == TEXT[:size]


def test_the_head_says_what_is_sent(world):
    s = world()
    s.app.fields = 'ETag: "abc"\r\nAccept-Ranges: bytes\r\nVary: Origin\r\nX-App: 1\r\n'
    answer = ask(s)
    assert answer.get("etag") == 'W/"abc"' and answer.get("accept-ranges") is None
    assert answer.all("vary") == ["Origin", "Accept-Encoding"] and answer.get("x-app") == "1"
    s.app.fields = 'ETag: W/"abc"\r\nVary: accept-encoding\r\n'
    answer = ask(s)
    assert answer.get("etag") == 'W/"abc"' and answer.all("vary") == ["accept-encoding"]
    s.app.fields = 'ETag: "abc"\r\nAccept-Ranges: bytes\r\n'
    answer = ask(s, "identity")
    assert answer.get("etag") == '"abc"' and answer.get("accept-ranges") == "bytes"


def test_clients_that_are_spared(world):
    s = world({"gzip-disable": "msie [1-6]\\."})
    agent = [("User-Agent", "Mozilla/4.0 (compatible; MSIE 6.0)")]
    assert ask(s, "gzip", fields=agent).get("content-encoding") is None
    assert ask(s, "gzip, br", fields=agent).get("content-encoding") == "br"
    assert ask(s).get("content-encoding") == "gzip"


@pytest.mark.parametrize("coding", ["gzip", "br"])
def test_a_stream_of_events_arrives_as_it_is_made(world, coding):
    s = world()
    go = [threading.Event() for _ in range(3)]
    s.app.pieces, s.app.chunked = [b"first\n", go[0], b"second\n", go[1], b"third\n", go[2]], True
    decode = zlib.decompressobj(31).decompress if coding == "gzip" else \
        brotli.Decompressor().process
    with s.client() as c:
        c.send(b"GET / HTTP/1.1\r\nHost: silex.test\r\nAccept-Encoding: %s\r\n\r\n"
               % coding.encode())
        assert c.read_head().get("content-encoding") == coding
        got = b""
        for i, text in enumerate([b"first\n", b"first\nsecond\n", b"first\nsecond\nthird\n"]):
            while got != text:
                got += decode(c.take(int(c.line() or c.line(), 16)))  # the CRLF may come later
            go[i].set()
        while n := int(c.line() or c.line(), 16):
            got += decode(c.take(n))
        assert got == b"first\nsecond\nthird\n" and c.read_fields() == [("X-Sum", "7")]


def test_an_answer_that_breaks_off(world):
    """The client must not take what it has for the whole."""
    s = world()
    s.app.pieces, s.app.chunked, s.app.cut = [TEXT], True, True
    with s.client() as c:
        c.send(b"GET / HTTP/1.1\r\nHost: silex.test\r\nAccept-Encoding: gzip\r\n\r\n")
        assert c.read_head().get("content-encoding") == "gzip"
        raw = b""
        try:
            raw = c.read_all()
        except ConnectionResetError:
            pass
        assert not raw.endswith(b"0\r\n\r\n")


def test_a_client_that_does_not_read(world):
    """Neither it nor its answer's encoder is waited for, and the origin is held back."""
    s = world({"gzip-min-length": "0"})
    s.app.pieces = [NOISE] * 100
    with s.client() as slow:
        slow.send(b"GET / HTTP/1.1\r\nHost: silex.test\r\nAccept-Encoding: gzip\r\n\r\n")
        assert slow.read_head().get("content-encoding") == "gzip"
        s.app.pieces = [TEXT]
        assert text_of(ask(s)) == TEXT
        assert zlib.decompress(slow.read_chunked(slow), 31) == NOISE * 100


def test_http2(world):
    s = world()
    with H2(s.http_port) as h:
        for coding in ("gzip", "br"):
            stream = h.open(extra=[("accept-encoding", coding)])
            answer = h.wait(stream)
            fields = dict(answer.fields)
            assert fields["content-encoding"] == coding and "content-length" not in fields
            assert DECODE[coding](answer.body) == TEXT
        s.app.chunked = True
        answer = h.wait(h.open(extra=[("accept-encoding", "gzip")]))
        assert DECODE["gzip"](answer.body) == TEXT


def test_what_is_counted_and_logged(world):
    s = world({"log-format-upstream": "ratio=$gzip_ratio sent=$body_bytes_sent "
                                      "origin=$upstream_response_length"})
    answer = ask(s)
    line = s.wait_access(lambda l: "ratio=" in l)
    sent = len(answer.body)
    assert f"origin={len(TEXT)}" in line and "ratio=-" not in line
    ratio = float(line.split("ratio=")[1].split()[0])
    assert abs(ratio - len(TEXT) / sent) < 0.2
    ask(s, "identity")
    s.wait_access(lambda l: "ratio=- " in l)
    wait_until(lambda: s.metrics()["silex_compressed_total"] == 1, what="one compressed answer")


def test_more_at_once_than_there_are_encoders(world):
    """The others get their answers as they are, at once."""
    s = world({"gzip-min-length": "0"})
    go = threading.Event()
    s.app.pieces, s.app.chunked = [b"early\n", go, b"late\n"], True
    clients = [s.client() for _ in range(140)]
    try:
        for c in clients:
            c.send(b"GET / HTTP/1.1\r\nHost: silex.test\r\nAccept-Encoding: gzip\r\n\r\n")
        codings = [c.read_head().get("content-encoding") for c in clients]
        assert codings.count("gzip") == 128 and codings.count(None) == 12
        assert s.metrics()["silex_compress_left_total"] == 12
        go.set()
        for c, coding in zip(clients, codings):
            assert DECODE[coding](c.read_chunked(c)) == b"early\nlate\n"
    finally:
        go.set()
        for c in clients:
            c.close()
