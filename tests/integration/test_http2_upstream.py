"""HTTP/2 towards endpoints (backend-protocol GRPC, H2C), and what gRPC clients are told."""

import pytest

import frames
from frames import H2, frame
from harness import backends, ingress

OK = [(":status", "200"), ("content-type", "text/plain")]


def plain(peer, stream):
    peer.answer(stream, OK, b"two")


def test_http1_client_http2_origin(silex, origin2):
    seen = []

    def serve(peer, stream):
        seen.append(peer.streams[stream].fields)
        plain(peer, stream)
    scripted = origin2(serve)
    with silex.client() as c:
        for _ in range(3):
            answer = c.get("/p?q=1", host="h2.test", fields=[("X-Mixed", "Case")])
            assert answer.status == 200 and answer.body == b"two"
    assert seen[0][":path"] == "/p?q=1" and seen[0][":authority"] == "h2.test"
    assert seen[0][":method"] == "GET" and seen[0]["x-mixed"] == "Case"
    assert seen[0]["x-forwarded-for"] == "127.0.0.1" and "host" not in seen[0]
    assert len(scripted.h2) == 1, "one connection, used again"


def test_requests_share_a_connection(silex, origin2):
    waiting = []

    def serve(peer, stream):
        waiting.append(stream)
        if len(waiting) == 10:
            for s in reversed(waiting):
                plain(peer, s)
    scripted = origin2(serve)
    with H2(silex.http_port) as c:
        streams = [c.open(authority="h2.test") for _ in range(10)]
        assert all(c.wait(s).body == b"two" for s in streams)
    assert len(scripted.h2) == 1


def test_grpc_call(silex, origin2):
    """Content both ways, te: trailers, and trailers behind the answer."""
    def serve(peer, stream):
        request = peer.streams[stream]
        assert request.fields["te"] == "trailers"
        peer.until(lambda: request.ended)
        peer.answer(stream, [(":status", "200"), ("content-type", "application/grpc")],
                    request.body[::-1], [("grpc-status", "0"), ("grpc-message", "fine")])
    origin2(serve)
    with H2(silex.http_port) as c:
        s = c.open(path="/svc/Call", method="POST", authority="h2.test", end=False,
                   extra=[("te", "trailers"), ("content-type", "application/grpc")])
        c.data(s, b"abc")
        c.data(s, b"def", end=True)
        answer = c.wait(s)
        assert answer.body == b"fedcba"
        assert dict(answer.trailers) == {"grpc-status": "0", "grpc-message": "fine"}


def test_trailers_only(silex, origin2):
    def serve(peer, stream):
        peer.answer(stream, [(":status", "200"), ("content-type", "application/grpc"),
                             ("grpc-status", "12")])
    origin2(serve)
    with H2(silex.http_port) as c:
        answer = c.wait(c.open(method="POST", authority="h2.test",
                               extra=[("content-type", "application/grpc")]))
        assert answer.fields["grpc-status"] == "12" and answer.body == b""


def test_both_directions_at_once(silex, origin2):
    """A bidirectional stream: each message is answered before the next one is sent."""
    def serve(peer, stream):
        peer.send(frame(frames.HEADERS, frames.END_HEADERS, stream, frames.block(OK)))
        request, seen = peer.streams[stream], 0
        while True:
            peer.until(lambda: len(request.body) > seen or request.ended)
            if len(request.body) > seen:
                peer.data(stream, request.body[seen:].upper())
                seen = len(request.body)
            if request.ended:
                break
        peer.send(frame(frames.HEADERS, frames.END_HEADERS | frames.END_STREAM, stream,
                        frames.block([("grpc-status", "0")])))
    origin2(serve)
    with H2(silex.http_port) as c:
        s = c.open(method="POST", authority="h2.test", end=False)
        for i in range(1, 6):
            c.data(s, b"abcd")
            c.until(lambda n=i: len(c.streams[s].body) == 4 * n)
        c.data(s, end=True)
        assert c.wait(s).body == b"ABCD" * 5


def test_large_content_both_ways(silex, origin2):
    """Bodies around frame and window sizes (nginx CVE-2026-42926 is of this class)."""
    def serve(peer, stream):
        request = peer.streams[stream]
        peer.until(lambda: request.ended)
        peer.answer(stream, OK, None if not request.body else str(len(request.body)).encode())
    origin2(serve, **{"proxy-body-size": "64m"})
    for n in (1, 16383, 16384, 16385, 65535, 65536, 1 << 20):
        answer = silex.get("/", "h2.test", method="POST", body=b"b" * n)
        assert answer.body == str(n).encode()


def test_goaway_moves_on(silex, origin2):
    """The endpoint leaves: what it has begun is finished, the next goes to a new connection."""
    def serve(peer, stream):
        peer.send(frame(frames.GOAWAY, 0, 0, stream.to_bytes(4, "big") + bytes(4)))
        plain(peer, stream)
    scripted = origin2(serve)
    for _ in range(3):
        assert silex.get("/", "h2.test").body == b"two"
    assert len(scripted.h2) == 3


def test_refused_stream_is_tried_again(silex, origin2):
    """REFUSED_STREAM says that nothing was done: even a POST may go out again."""
    refused = []

    def serve(peer, stream):
        if not refused:
            refused.append(stream)
            peer.send(frame(frames.RST_STREAM, 0, stream, (7).to_bytes(4, "big")))
        else:
            plain(peer, stream)
    origin2(serve)
    assert silex.get("/", "h2.test", method="POST", body=b"x").body == b"two"


@pytest.mark.parametrize("head", [
    [(":status", "200"), ("connection", "close")], [("content-type", "text/plain")],
    [(":status", "101")], [(":status", "200"), ("x-a", "1\r\nx-b: 2")],
    [(":status", "2000")], [(":status", "200"), ("X-Upper", "1")],
    [(":status", "200")] + [(f"x-{i}", "v" * 1000) for i in range(10)],
], ids=lambda h: repr(h)[:50])
def test_bad_answers_are_502(silex, origin2, head):
    origin2(lambda peer, stream: peer.answer(stream, head, b"x"))
    assert silex.get("/", "h2.test").status == 502


def test_slow_client_stops_the_endpoint(silex, origin2):
    """The endpoint gets no more credit than one window while the client takes nothing."""
    credits = []

    def serve(peer, stream):
        take = peer._take  # pylint: disable=protected-access

        def watch(kind, flags, number, payload):
            if kind == frames.WINDOW_UPDATE and number == stream:
                credits.append(int.from_bytes(payload, "big"))
            take(kind, flags, number, payload)
        peer._take = watch
        peer.send(frame(frames.HEADERS, frames.END_HEADERS, stream, frames.block(OK)))
        for _ in range(3):
            peer.data(stream, b"x" * 16384)
        peer.data(stream, b"x" * 16383)
    origin2(serve)
    with H2(silex.http_port, settings=[(4, 0)], auto=False) as c:
        s = c.open(authority="h2.test")
        c.until(lambda: c.streams[s].heads)
        with H2(silex.http_port) as other:
            assert other.get().status == 200
        assert not credits


# -- what gRPC clients are told about our own errors -------------------------------

GRPC = [("content-type", "application/grpc+proto"), ("te", "trailers")]


@pytest.mark.parametrize("authority, code", [("nobody.test", "12"), ("empty.test", "14")])
def test_own_errors_in_grpc_terms(silex, authority, code):
    silex.manifests.put("empty", backends("empty"), ingress("empty", {"empty.test": "empty"}))
    silex.wait_status(503, host="empty.test")
    with H2(silex.http_port) as c:
        answer = c.wait(c.open(path="/s/M", method="POST", authority=authority, extra=GRPC))
        assert answer.status == 200 and answer.fields["grpc-status"] == code
        assert answer.fields["content-type"] == "application/grpc" and answer.body == b""


def test_too_large_and_too_late_in_grpc_terms(silex, origin2):
    def never(peer, stream):
        pass
    origin2(never, **{"proxy-body-size": "10", "proxy-read-timeout": "1"})
    with H2(silex.http_port) as c:
        s = c.open(method="POST", authority="h2.test", end=False, extra=GRPC)
        c.data(s, b"x" * 100, end=True)
        assert c.wait(s).fields["grpc-status"] == "8"
        answer = c.wait(c.open(method="POST", authority="h2.test", extra=GRPC))
        assert answer.fields["grpc-status"] == "4"


def test_protocol_change_is_adopted(silex, make_origin):
    """The annotation comes and goes while running."""
    origin = make_origin("x")
    for protocol, status in (("HTTP", 200), ("GRPC", 502), ("HTTP", 200)):
        silex.manifests.put("x", backends("x", origin.port), ingress(
            "x", {"x.test": "x"}, annotations={"backend-protocol": protocol}))
        origin.may_complain = True
        silex.wait_status(status, host="x.test")
