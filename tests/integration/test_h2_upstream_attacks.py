"""HTTP/2 to endpoints: a body is never read as frames (nginx CVE-2026-42926), and what an endpoint
sends out of turn harms nobody (envoy CVE-2026-26311, haproxy CVE-2024-45506)."""

import hashlib
import struct

import pytest

import frames
from frames import H2, block, frame, request_fields

OK = [(":status", "200"), ("content-type", "text/plain")]
EVIL = frame(frames.HEADERS, frames.END_HEADERS | frames.END_STREAM, 3,
             block(request_fields("/evil", authority="h2.test")))


# -- bodies that look like frames -------------------------------------------------------------

@pytest.mark.parametrize("n", [(1 << 14) - 1, 1 << 14, (1 << 14) + 1, (1 << 24) - 1, 1 << 24,
                               (1 << 24) + 1])
@pytest.mark.parametrize("chunked", [False, True], ids=["length", "chunked"])
@pytest.mark.parametrize("frame_max", [1 << 14, (1 << 24) - 1])
def test_body_is_body(silex, origin2, n, chunked, frame_max):
    """The body is one request after the other, in frames. Whatever frame sizes the endpoint would
    take, one request comes, with these bytes, in frames of their real lengths."""
    seen = []

    def serve(peer, stream):
        request = peer.streams[stream]
        request.body = bytearray()
        peer.until(lambda: request.ended)
        seen.append((request.fields[":path"], len(request.body),
                     hashlib.sha256(request.body).hexdigest()))
        peer.answer(stream, OK, b"two")
    scripted = origin2(serve, settings=[(5, frame_max)], **{"proxy-body-size": "64m"})
    body = (EVIL * (n // len(EVIL) + 1))[:n]
    with silex.client() as c:
        if chunked:
            c.send("POST /real HTTP/1.1\r\nHost: h2.test\r\nTransfer-Encoding: chunked\r\n\r\n")
            for at in range(0, n, 100_000):
                piece = body[at:at + 100_000]
                c.send(b"%x\r\n%b\r\n" % (len(piece), piece))
            c.send(b"0\r\n\r\n")
            answer = c.read()
        else:
            answer = c.get("/real", "h2.test", method="POST", body=body)
    assert answer.status == 200 and answer.body == b"two"
    assert seen == [("/real", n, hashlib.sha256(body).hexdigest())]
    peer = scripted.h2[0]
    data = [(length, stream) for kind, _, stream, length in peer.frames if kind == frames.DATA]
    assert sum(length for length, _ in data) == n and {s for _, s in data} == {1}
    assert max(length for length, _ in data) <= frame_max
    assert len(scripted.h2) == 1


# -- frames out of turn -----------------------------------------------------------------------

def data(stream, flags=0, payload=b"late"):
    return frame(frames.DATA, flags, stream, payload)


def head(stream, flags, fields):
    return frame(frames.HEADERS, frames.END_HEADERS | flags, stream, block(fields))


LATE = {
    "data": lambda s: data(s),
    "data, end": lambda s: data(s, frames.END_STREAM),
    "empty data": lambda s: data(s, 0, b""),
    "padded data": lambda s: data(s, frames.PADDED, b"\3late\0\0\0"),
    "trailers": lambda s: head(s, frames.END_STREAM, [("x-late", "1")]),
    "another head": lambda s: head(s, 0, OK),
    "interim head": lambda s: head(s, 0, [(":status", "103")]),
    "reset": lambda s: frame(frames.RST_STREAM, 0, s, struct.pack(">I", frames.CANCEL)),
    "two resets": lambda s: 2 * frame(frames.RST_STREAM, 0, s, struct.pack(">I", 2)),
    "credit": lambda s: frame(frames.WINDOW_UPDATE, 0, s, struct.pack(">I", 1000)),
    "credit of nothing": lambda s: frame(frames.WINDOW_UPDATE, 0, s, bytes(4)),
    "too much credit": lambda s: 2 * frame(frames.WINDOW_UPDATE, 0, s,
                                           struct.pack(">I", 0x7fffffff)),
    "priority": lambda s: frame(frames.PRIORITY, 0, s, bytes(4) + b"\x10"),
    "data, reset, data": lambda s: data(s) + LATE["reset"](s) + data(s),
    "trailers, data": lambda s: LATE["trailers"](s) + data(s),
    "promise": lambda s: frame(frames.PUSH_PROMISE, frames.END_HEADERS, s, struct.pack(">I", 2) +
                               block(request_fields("/pushed"))),
    "half a head": lambda s: frame(frames.HEADERS, 0, s, block(OK)) + data(s),
    "garbage head": lambda s: frame(frames.HEADERS, frames.END_HEADERS, s, b"\xff" * 50),
}


def still_works(silex):
    """The connection may have been given up; requests find another."""
    for _ in range(3):
        assert silex.get("/fine", "h2.test").body == b"two"
    assert silex.get("/", "silex.test").status == 200


@pytest.mark.parametrize("what", LATE)
def test_after_we_reset_the_stream(silex, origin2, what):
    """The client goes away in the middle; the endpoint has not heard of it yet, or does not care."""
    def serve(peer, stream):
        if peer.streams[stream].fields[":path"] != "/cut":
            peer.answer(stream, OK, b"two")
            return
        peer.send(head(stream, 0, OK) + data(stream, 0, b"begin"))
        peer.until(lambda: peer.streams[stream].reset is not None)
        peer.try_send(LATE[what](stream))
    origin2(serve)
    with H2(silex.http_port) as c:
        s = c.open(path="/cut", authority="h2.test")
        c.until(lambda: c.streams[s].body)
        c.send(frame(frames.RST_STREAM, 0, s, struct.pack(">I", frames.CANCEL)))
        assert c.wait(c.open(path="/fine", authority="h2.test")).body == b"two"
    still_works(silex)


@pytest.mark.parametrize("end", ["end", "reset"])
@pytest.mark.parametrize("what", LATE)
def test_after_the_endpoint_ended_the_stream(silex, origin2, what, end):
    """Whole answers stay whole; what comes behind them goes nowhere."""
    def serve(peer, stream):
        if peer.streams[stream].fields[":path"] == "/fine":
            peer.answer(stream, OK, b"two")
        elif end == "end":
            peer.try_send(head(stream, 0, OK) + data(stream, frames.END_STREAM, b"whole") +
                          LATE[what](stream))
        else:
            peer.try_send(head(stream, 0, OK) + data(stream, 0, b"part") + LATE["reset"](stream) +
                          LATE[what](stream))
    origin2(serve)
    for _ in range(3):
        with H2(silex.http_port) as c:
            answer = c.wait(c.open(path="/odd", authority="h2.test"))
            if end == "end" and answer.reset is None:
                assert answer.body == b"whole" and answer.trailers is None
            else:
                assert answer.status == 502 or answer.reset is not None
                assert b"late" not in answer.body
    still_works(silex)


STRAY = {
    "head of an even stream": head(2, 0, OK),
    "head of a stream to come": head(99, 0, OK),
    "data of a stream to come": data(99),
    "data of stream 0": data(0),
    "reset of a stream to come": LATE["reset"](99),
    "credit for a stream to come": LATE["credit"](99),
    "a frame too large": frame(frames.DATA, 0, 1, bytes(16385)),
    "a frame of no kind": frame(0xee, 0xff, 1, b"?" * 100),
    "a ping too short": frame(frames.PING, 0, 0, b"1"),
    "settings acknowledged twice": 2 * frame(frames.SETTINGS, frames.ACK),
    "a window of 2^31": frame(frames.SETTINGS, 0, 0, struct.pack(">HI", 4, 1 << 31)),
    "frames of 1 byte": frame(frames.SETTINGS, 0, 0, struct.pack(">HI", 5, 1)),
    "no streams": frame(frames.SETTINGS, 0, 0, struct.pack(">HI", 3, 0)),
    "continuation of nothing": frame(frames.CONTINUATION, 4, 1, block(OK)),
    "http/1": b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nforged",
    "pings": 5000 * frame(frames.PING, 0, 0, b"12345678"),
    "settings": 5000 * frame(frames.SETTINGS),
    "continuations": frame(frames.HEADERS, 0, 1, block(OK)) +
    1000 * frame(frames.CONTINUATION, 0, 1, block([("x", "y" * 100)])),
    "empty data": 5000 * data(1, 0, b""),
}


@pytest.mark.parametrize("what", STRAY)
def test_frames_of_no_stream(silex, origin2, what):
    """Sent instead of an answer: a 502 at most, never an answer made of it; the worker lives on."""
    def serve(peer, stream):
        if peer.streams[stream].fields[":path"] == "/odd" and peer.try_send(STRAY[what]):
            peer.try_send(LATE["reset"](stream))
        else:
            peer.answer(stream, OK, b"two")
    origin2(serve)
    worker = silex.worker()
    for _ in range(2):
        answer = silex.get("/odd", "h2.test", method="POST", body=b"x")
        assert answer.status == 502 and b"forged" not in answer.body
    still_works(silex)
    assert silex.worker() == worker
