"""limit-rate and limit-rate-after: how fast the content of an answer goes to the client.

A machine that is slow makes an answer slower, never faster: times are bounds from below only. That
one is not too slow is seen by what would take longer than the client waits."""

import gzip
import os
import time

import pytest

from certs import Pair, secret, tls
from frames import END_HEADERS, H2, HEADERS, block, frame, serve_h2
from harness import backends, configmap, ingress, path, wait_until
from test_tls import TlsClient, wait_cert

HOST, FREE = "silex.test", "free.test"
KB = 1024
LOG = "log-format-upstream = $host $request_uri $status $silex_reason $body_bytes_sent\n"


@pytest.fixture
def world(make_silex, origin):
    """world(annotations): silex.test is slowed down, free.test is not; the same origin."""
    def start(annotations=None, *more, data=None, **how):
        if data is not None:
            how["flags"] = ["--configmap", "default/conf", *how.get("flags", [])]
        s = make_silex(conf=LOG, **how)
        if data is not None:
            s.manifests.put("conf", configmap("conf", data))
        s.manifests.put("base", backends("base", origin.port), *more,
                        ingress("paced", {HOST: "base"}, annotations=annotations,
                                tls=[tls("cert", HOST)] if more else None),
                        ingress("free", {FREE: "base"}))
        return s.start()
    return start


def rate(kb, after=None):
    given = {"limit-rate": str(kb), "ssl-redirect": "false"}
    return {**given, "limit-rate-after": str(after)} if after is not None else given


class Stopwatch:
    """At least so many seconds."""

    def __init__(self, least):
        self.least = least

    def __enter__(self):
        self.begin = time.monotonic()

    def __exit__(self, kind, *exc):
        took = time.monotonic() - self.begin
        assert kind or took >= self.least, f"{took:.3f} s for what should take {self.least} s"


def seconds(n, kb):
    """A tenth of a second's worth goes out at once; clocks are cut to milliseconds."""
    return n / (kb * KB) - 0.1 - 0.01


@pytest.mark.parametrize("target,flags", [
    ("/bytes/300000", ["--splice-threshold", "1g"]),   # through slices
    ("/bytes/300000", ["--splice-threshold", "4096"]),  # through a kernel pipe
    ("/chunked/300000", []),
    ("/close/300000", []),
])
def test_http1(world, target, flags):
    s = world(rate(500), flags=flags)
    want = s.get(target, FREE).body
    with s.client() as c, Stopwatch(seconds(300000, 500)):
        assert c.get(target).body == want
    with s.client() as c, Stopwatch(seconds(300000, 500)):
        c.send(f"GET {target} HTTP/1.0\r\nHost: {HOST}\r\n\r\n".encode())
        assert c.read().body == want
    assert s.wait_access(lambda x: x.startswith(f"{HOST} {target} 200 done 300000"))


def test_tls(world, tmp_path):
    pair = Pair(tmp_path / "pair", HOST)
    s = world(rate(500), secret("cert", pair.crt, pair.key), https=True)
    wait_cert(s, pair.der())
    want = s.get("/bytes/300000", FREE).body
    with TlsClient(s) as c, Stopwatch(seconds(300000, 500)):
        assert c.get("/bytes/300000").body == want


def test_http2_beside_others(world):
    """A stream that is slowed down is in nobody's way."""
    s = world(rate(500))
    want = s.get("/bytes/300000", FREE).body
    with H2(s.http_port) as c:
        with Stopwatch(seconds(300000, 500)):
            slow = c.open(path="/bytes/300000", authority=HOST)
            for _ in range(3):
                assert c.get("/bytes/1000", authority=FREE).body == want[:1000]
            assert not c.streams[slow].ended
            assert c.wait(slow).body == want
        assert c.get("/chunked/1000", authority=HOST).body == want[:1000]


def test_http2_endpoint(world, make_scripted):
    body = bytes(range(250)) * 240

    def serve(peer, stream):
        peer.send(frame(HEADERS, END_HEADERS, stream, block([(":status", "200")])))
        for at in range(0, len(body), 15000):
            peer.data(stream, body[at:at + 15000], end=at + 15000 >= len(body))
    s = world()
    port = make_scripted(lambda conn: serve_h2(conn.sock, serve)).port
    s.manifests.put("h2", backends("h2", port),
                    ingress("h2", {"h2.test": "h2"}, annotations={"backend-protocol": "GRPC", **rate(100)}))
    s.wait_status(200, host="h2.test")
    with s.client() as c, Stopwatch(seconds(len(body), 100)):
        assert c.get("/", host="h2.test").body == body


def test_compressed(world, make_scripted):
    """What counts is what the client gets."""
    body = os.urandom(100_000).hex().encode()

    def script(peer):
        while peer.read_request() is not None:
            peer.answer(body=body, fields="Content-Type: text/plain\r\n")
    s = world(flags=["--use-gzip=true"])
    s.manifests.put("gz", backends("gz", make_scripted(script).port),
                    ingress("gz", {"gz.test": "gz"}, annotations=rate(200)))
    s.wait_status(200, "/", "gz.test")
    with s.client() as c:
        begin = time.monotonic()
        answer = c.get("/", "gz.test", fields=[("Accept-Encoding", "gzip")])
        took = time.monotonic() - begin
    assert answer.get("content-encoding") == "gzip" and gzip.decompress(answer.body) == body
    assert took >= seconds(len(answer.body), 200) > 0


def test_so_much_is_free(world):
    """At 1 KB a second the rest of it would outlast every client's patience."""
    s = world(rate(1, 100))
    want = s.get("/bytes/102400", FREE).body
    for target in ("/bytes/102400", "/chunked/102400"):
        with s.client() as c:
            assert c.get(target).body == want
    with H2(s.http_port) as c:
        assert c.get("/bytes/102400", authority=HOST).body == want
    with s.client() as c, Stopwatch(seconds(1024, 1)):
        assert c.get("/bytes/103424").body[:102400] == want


@pytest.mark.parametrize("protocol", [1, 2])
def test_no_deadline_of_ours_is_for_our_own_slowness(world, protocol):
    s = world({**rate(100), "proxy-read-timeout": "1", "proxy-send-timeout": "1"},
              flags=["--client-send-timeout", "1", "--client-body-timeout", "1"])
    want = s.get("/bytes/250000", FREE).body
    with Stopwatch(seconds(250000, 100)):
        if protocol == 1:
            assert s.get("/bytes/250000").body == want
        else:
            with H2(s.http_port) as c:
                assert c.get("/bytes/250000", authority=HOST).body == want


def test_an_endpoint_that_pauses_is_still_found_out(world, make_scripted):
    """Its own deadline holds when it is the one that is waited for."""
    def script(peer):
        peer.read_request()
        peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n" + b"x" * 1000)
        peer.fill()
    s = world()
    s.manifests.put("mute", backends("mute", make_scripted(script).port),
                    ingress("mute", {"mute.test": "mute"},
                            annotations={**rate(100), "proxy-read-timeout": "1"}))
    wait_until(lambda: "mute.test" in s.show("table").stdout, what="the route")
    s.metrics()
    with s.client() as c:
        c.send(b"GET / HTTP/1.1\r\nHost: mute.test\r\n\r\n")
        assert c.read_head().status == 200
        c.read_all()
    s.wait_access(lambda x: "upstream_read_timeout" in x)


def test_it_waits_without_working(world):
    """The worker sleeps between two portions."""
    def ticks():
        with open(f"/proc/{s.worker()}/stat", encoding="ascii") as f:
            fields = f.read().rsplit(")", 1)[1].split()
        return int(fields[11]) + int(fields[12])
    s = world(rate(50))
    before, begin = ticks(), time.monotonic()
    assert len(s.get("/bytes/100000").body) == 100000
    assert (ticks() - before) / 100 < (time.monotonic() - begin) / 4


def test_a_client_that_leaves(world):
    s = world(rate(1))
    with s.client() as c:
        c.send(f"GET /bytes/500000 HTTP/1.1\r\nHost: {HOST}\r\n\r\n".encode())
        assert c.read_head().status == 200
        c.take(50)
    with H2(s.http_port) as c:
        stream = c.open(path="/bytes/500000", authority=HOST)
        c.until(lambda: c.streams[stream].body)
    wait_until(lambda: sum("client_gone" in x for x in s.access_lines()) == 2, what="their ends")


def test_no_tunnel_and_no_empty_answer(world):
    s = world(rate(1))
    assert s.get("/bytes/500000", method="HEAD").status == 200
    assert s.get("/status/204").status == 204
    with s.client() as c:
        c.send(f"GET /upgrade HTTP/1.1\r\nHost: {HOST}\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n".encode())
        assert c.read_head().status == 101
        c.send(b"x" * 100000)
        assert c.take(100000) == b"x" * 100000


def test_settings_of_all(world):
    s = world({"limit-rate-after": "0"}, data={"limit-rate": "500", "limit-rate-after": "100000"})
    with Stopwatch(seconds(300000, 500)):
        assert len(s.get("/bytes/300000").body) == 300000
    assert len(s.get("/bytes/300000", FREE).body) == 300000
    s.manifests.put("other", ingress("other", {"other.test": [path("/", "base")]},
                                     annotations={"limit-rate": "fast", "limit-rate-after": "-1"}))
    s.wait_log("limit-rate: .*fast.* must be a whole number")
    s.wait_log("limit-rate-after: .*-1.* is too small")
