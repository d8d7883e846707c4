"""HTTP/2 over TLS towards endpoints: backend-protocol GRPCS and H2."""

import hashlib
import ssl
import threading

import pytest

import frames
from certs import Pair
from frames import H2, frame, serve_h2
from harness import backends, ingress, wait_until
from test_edge import metric, reason

OK = [(":status", "200"), ("content-type", "text/plain")]


@pytest.fixture
def secure2(make_scripted, tmp_path):
    """secure2(serve, alpn=["h2"]) -> an endpoint of HTTP/2 over TLS; what it saw of its
    connections is in .names, .resumed and .h2."""
    def make(serve, alpn=("h2",), version=None, settings=()):
        pair = Pair(tmp_path / "endpoint", "endpoint.test")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(pair.crt, pair.key)
        if alpn:
            context.set_alpn_protocols(list(alpn))
        if version:
            context.minimum_version = context.maximum_version = version

        def script(conn):
            try:
                secure = context.wrap_socket(conn.sock, server_side=True)
            except OSError:
                return
            scripted.resumed.append(secure.session_reused)
            serve_h2(secure, serve, settings, scripted.h2.append)
        scripted = make_scripted(script)
        scripted.names, scripted.resumed, scripted.h2 = [], [], []
        context.sni_callback = lambda sock, name, ctx: scripted.names.append(name)
        return scripted
    return make


def route(silex, port, protocol="GRPCS", **annotations):
    silex.manifests.put("h2", backends("h2", port), ingress("h2", {"h2.test": "h2"}, annotations={
        "backend-protocol": protocol, **annotations}))


def plain(peer, stream):
    peer.answer(stream, OK, b"two")


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@pytest.mark.parametrize("protocol", ["GRPCS", "h2"])
def test_requests_share_a_connection(make_silex, secure2, protocol, version):
    """No server name, nothing verified; the scheme is that of the connection."""
    seen = []

    def serve(peer, stream):
        seen.append(peer.streams[stream].fields)
        plain(peer, stream)
    scripted, s = secure2(serve, version=version), make_silex()
    route(s, scripted.port, protocol)
    s.start()
    with s.client() as c:
        for _ in range(5):
            answer = c.get("/p?q=1", host="h2.test")
            assert answer.status == 200 and answer.body == b"two"
    assert {f[":scheme"] for f in seen} == {"https"} and seen[0][":path"] == "/p?q=1"
    assert len(scripted.h2) == 1 and set(scripted.names) == {None}
    assert metric(s, "silex_upstream_tls_handshakes_total") == 1


def test_streams_wait_for_the_handshake(make_silex, secure2):
    """Requests that come while hands are shaken all go out on that connection."""
    hold, waiting = threading.Event(), []

    def serve(peer, stream):
        waiting.append(stream)
        if len(waiting) == 8:
            for x in reversed(waiting):
                plain(peer, x)
    scripted, s = secure2(serve), make_silex()
    run = scripted.script
    scripted.script = lambda peer: (hold.wait(20), run(peer))
    route(s, scripted.port)
    s.start()
    with H2(s.http_port) as c:
        streams = [c.open(authority="h2.test") for _ in range(8)]
        wait_until(lambda: metric(s, "silex_requests_active") >= 8, what="eight requests")
        hold.set()
        assert all(c.wait(x).body == b"two" for x in streams)
    assert len(scripted.h2) == 1


def test_grpc_call(make_silex, secure2):
    def serve(peer, stream):
        request = peer.streams[stream]
        peer.until(lambda: request.ended)
        peer.answer(stream, [(":status", "200"), ("content-type", "application/grpc")],
                    request.body[::-1], [("grpc-status", "0")])
    scripted, s = secure2(serve), make_silex()
    route(s, scripted.port)
    s.start()
    with H2(s.http_port) as c:
        x = c.open(path="/svc/Call", method="POST", authority="h2.test", end=False,
                   extra=[("te", "trailers"), ("content-type", "application/grpc")])
        c.data(x, b"abc", end=True)
        answer = c.wait(x)
        assert answer.body == b"cba" and dict(answer.trailers) == {"grpc-status": "0"}


@pytest.mark.parametrize("alpn", [(), ("http/1.1",)], ids=["none", "http/1.1"])
def test_endpoint_that_does_not_agree_to_h2(make_silex, secure2, alpn):
    scripted, s = secure2(plain, alpn=alpn), make_silex()
    route(s, scripted.port)
    s.start()
    assert s.get("/", "h2.test").status == 502
    assert reason(s, "upstream_tls") >= 1
    s.wait_log("does not speak HTTP/2")
    with H2(s.http_port) as c:
        answer = c.wait(c.open(method="POST", authority="h2.test",
                               extra=[("content-type", "application/grpc")]))
        assert answer.fields["grpc-status"] == "14"


def test_plain_text_before_the_handshake(make_silex, make_scripted):
    """An answer in frames, written before hands are shaken, is no answer (CVE-2026-1642)."""
    def script(peer):
        peer.send(frame(frames.SETTINGS) +
                  frame(frames.HEADERS, frames.END_HEADERS, 1, frames.block(OK)) +
                  frame(frames.DATA, frames.END_STREAM, 1, b"forged"))
        peer.sock.recv(1000)
    forger, s = make_scripted(script), make_silex()
    route(s, forger.port)
    s.start()
    a = s.get("/", "h2.test")
    assert a.status == 502 and b"forged" not in a.body


def test_endpoint_that_never_shakes_hands(make_silex, make_scripted):
    silent, s = make_scripted(lambda peer: peer.sock.recv(1) and threading.Event().wait(20)), \
        make_silex()
    route(s, silent.port, **{"proxy-connect-timeout": "1", "proxy-next-upstream-tries": "1"})
    s.start()
    assert s.get("/", "h2.test").status == 504


def test_new_connections_resume(make_silex, secure2):
    scripted, s = secure2(plain), make_silex(conf="upstream-keepalive-connections = 0\n")
    route(s, scripted.port)
    s.start()
    for _ in range(5):
        assert s.get("/", "h2.test").body == b"two"
    assert scripted.resumed == [False] + [True] * (len(scripted.resumed) - 1)
    assert len(scripted.resumed) == 5


def test_content_around_the_sizes_of_frames_and_windows(make_silex, secure2):
    def serve(peer, stream):
        request = peer.streams[stream]
        peer.until(lambda: request.ended)
        peer.answer(stream, OK, hashlib.sha256(request.body).hexdigest().encode())
    scripted, s = secure2(serve), make_silex()
    route(s, scripted.port, **{"proxy-body-size": "64m"})
    s.start()
    for n in (1, 16383, 16384, 16385, 65535, 1 << 20):
        body = bytes(i * 7 & 255 for i in range(n))
        want = hashlib.sha256(body).hexdigest().encode()
        assert s.get("/", "h2.test", method="POST", body=body).body == want


def test_upgrade_goes_by_http1(make_silex, make_scripted, tmp_path):
    """A WebSocket towards a GRPCS Service: HTTP/1.1 over TLS, without ALPN."""
    pair = Pair(tmp_path / "endpoint", "endpoint.test")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pair.crt, pair.key)
    heads = []

    def script(conn):
        conn.sock = context.wrap_socket(conn.sock, server_side=True)
        head = b""
        while b"\r\n\r\n" not in head:
            head += conn.sock.recv(4096)
        heads.append(head)
        conn.sock.sendall(b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n"
                          b"Upgrade: websocket\r\n\r\nhello")
        conn.sock.recv(100)
    scripted, s = make_scripted(script), make_silex()
    route(s, scripted.port)
    s.start()
    with s.client() as c:
        c.send("GET /ws HTTP/1.1\r\nHost: h2.test\r\nConnection: Upgrade\r\n"
               "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
               "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n")
        got = b""
        while not got.endswith(b"hello"):
            got += c.sock.recv(4096)
    assert got.startswith(b"HTTP/1.1 101 ") and heads[0].startswith(b"GET /ws HTTP/1.1\r\n")
