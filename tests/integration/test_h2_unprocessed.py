"""HTTP/2 to endpoints: what an endpoint has not processed may be sent again, whatever the method
(RFC 9113 §8.7); what it may have processed, a POST, is sent once."""

import collections
import os
import random
import signal
import socket
import ssl
import threading

import pytest

import frames
from certs import Pair
from client import BadAnswer
from frames import Peer, frame
from harness import backends, ingress, wait_until

OK = [(":status", "200"), ("content-type", "text/plain")]
ROUNDS = 400
ACK = 60  # bytes: a TLS record that is not longer acknowledges SETTINGS


class Origin:
    """Answers "two", unless .special(peer, stream) takes a request over by returning True. What was
    processed is in .seen: method and path."""

    def __init__(self, make_scripted, context):
        self.context, self.seen, self.peers = context, [], []
        self.special = lambda peer, stream: False
        self.unread, self.lock = 0, threading.Lock()
        self.port = make_scripted(self.script).port

    def script(self, conn):
        sock = conn.sock
        try:
            if self.context is not None:
                sock = self.context.wrap_socket(sock, server_side=True)
            peer = Peer(sock)
        except (EOFError, OSError):
            return
        with self.lock:
            self.peers.append(peer)
        try:
            while (stream := peer.request()) is not None:
                head = peer.streams[stream].fields
                self.seen.append((head[":method"], head[":path"]))
                if self.special(peer, stream):
                    continue
                while not peer.streams[stream].ended:
                    if not peer.read():
                        return
                peer.answer(stream, OK, b"two")
        finally:
            sock.close()

    def close_all(self):
        """FIN for every connection; requests that nobody had read by then are counted. Past Python's
        TLS, which would write plain text from here on."""
        with self.lock:
            peers, self.peers = self.peers, []
        for p in peers:
            try:
                socket.socket.shutdown(p.sock, socket.SHUT_RDWR)
                self.unread += self.is_request(socket.socket.recv(p.sock, 65536))
            except OSError:
                pass  # Silex was first

    def spoil_all(self):
        """On every connection, what breaks it: a TLS record that nobody has sealed, a frame of
        HTTP/2 that is too large."""
        with self.lock:
            peers, self.peers = self.peers, []
        for p in peers:
            socket.socket.send(p.sock, b"\x17\x03\x03\x00\x17" + b"x" * 0x17)

    def is_request(self, data):
        if self.context is not None:
            return len(data) > ACK
        while len(data) >= 9 and data[3] != frames.HEADERS:
            data = data[9 + int.from_bytes(data[:3], "big"):]
        return len(data) >= 9


@pytest.fixture(params=["GRPC", "GRPCS"])
def made(request, make_silex, make_scripted, tmp_path):
    """Silex, and an Origin without and with TLS."""
    context = None
    if request.param == "GRPCS":
        pair = Pair(tmp_path / "origin", "origin.test")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(pair.crt, pair.key)
        context.set_alpn_protocols(["h2"])
    o, s = Origin(make_scripted, context), make_silex()
    s.manifests.put("base", backends("base", o.port), ingress(
        "base", {"silex.test": "base"}, annotations={"backend-protocol": request.param}))
    return s.start(), o


def goaway(last, error=frames.NO_ERROR):
    return frame(frames.GOAWAY, payload=last.to_bytes(4, "big") + error.to_bytes(4, "big"))


def post(silex, path, body=b"x" * 100):
    return silex.get(path, method="POST", body=body)


def at_path(path, then):
    """A .special that does `then` with the first request for path."""
    done = []

    def special(peer, stream):
        if peer.streams[stream].fields[":path"] != path or done:
            return False
        done.append(stream)
        then(peer, stream)
        return True
    return special


def test_goaway_below_the_stream(made):
    """The connection is idle, and its end crosses the request: last-stream-id says so."""
    s, o = made
    assert s.get("/first").status == 200

    def leave(peer, stream):
        peer.send(goaway(stream - 2))
    o.special = at_path("/post", leave)
    assert post(s, "/post").body == b"two"
    assert o.seen.count(("POST", "/post")) == 2, "on another connection"


@pytest.mark.parametrize("closes", [True, False], ids=["and closes", "and stays"])
def test_goaway_on_a_new_connection(made, closes):
    s, o = made

    def leave(peer, stream):
        peer.send(goaway(0))
        if closes:
            peer.sock.shutdown(socket.SHUT_RDWR)
    o.special = at_path("/post", leave)
    assert post(s, "/post").body == b"two"


def test_refused_stream(made):
    s, o = made
    assert s.get("/first").status == 200
    o.special = at_path("/post", lambda peer, stream: peer.send(
        frame(frames.RST_STREAM, 0, stream, frames.REFUSED_STREAM.to_bytes(4, "big"))))
    assert post(s, "/post").body == b"two"


@pytest.mark.parametrize("how", ["goaway at it", "reset", "closed", "goaway at it, closed"])
def test_what_may_have_been_processed(made, how):
    """A POST is a 502 and was seen once; a GET is tried again."""
    s, o = made
    assert s.get("/first").status == 200

    def end(peer, stream):
        if how.startswith("goaway"):
            peer.send(goaway(stream, frames.INTERNAL_ERROR))
        if how == "reset":
            peer.send(frame(frames.RST_STREAM, 0, stream, frames.CANCEL.to_bytes(4, "big")))
        elif "closed" in how:
            peer.sock.shutdown(socket.SHUT_RDWR)
        else:
            peer.sock.close()
    o.special = at_path("/post", end)
    assert post(s, "/post").status == 502
    assert o.seen.count(("POST", "/post")) == 1
    o.special = at_path("/get", end)
    assert s.get("/get").body == b"two"
    assert o.seen.count(("GET", "/get")) == 2


def test_other_streams_of_a_goaway(made):
    """Two requests on one connection; the GOAWAY names the first: it is finished, and the second,
    a POST, goes elsewhere."""
    s, o = made
    first = []

    def hold(peer, stream):
        first.append((peer, stream))

    def leave(peer, stream):
        peer.send(goaway(first[0][1]))
        first[0][0].answer(first[0][1], OK, b"held")
    both = [at_path("/held", hold), at_path("/post", leave)]
    o.special = lambda peer, stream: any(f(peer, stream) for f in both)
    with s.client() as a:
        a.send("GET /held HTTP/1.1\r\nHost: silex.test\r\n\r\n")
        wait_until(lambda: first, what="the first request at the endpoint")
        assert post(s, "/post").body == b"two"
        assert a.read().body == b"held"
    assert o.seen.count(("GET", "/held")) == 1


def test_closed_just_before_the_request(made):
    """The worker sleeps while the endpoint closes and the client asks."""
    s, o = made
    with s.client() as client:
        assert client.get("/0").status == 200
        for n in range(1, 21):
            os.kill(s.worker(), signal.SIGSTOP)
            if n % 2:
                client.request(f"/{n}", method="POST", body="x" * 100)
                o.close_all()
            else:
                o.close_all()
                client.request(f"/{n}", method="POST", body="x" * 100)
            os.kill(s.worker(), signal.SIGCONT)
            assert client.read().status == 200, n
            assert o.seen.count(("POST", f"/{n}")) == 1
    assert o.unread == 0


def test_spoilt_just_before_the_request(made):
    """The worker sleeps while the client asks and the endpoint says what breaks the connection.
    A POST fails only when it was sent before the worker had read that."""
    s, o = made
    with s.client() as client:
        assert client.get("/0").status == 200
        for n in range(1, 21):
            os.kill(s.worker(), signal.SIGSTOP)
            client.request(f"/{n}", method="POST", body="x" * 100)
            o.spoil_all()
            os.kill(s.worker(), signal.SIGCONT)
            if client.read().status == 502:
                client.get("/")  # for the next round, a connection
            wait_until(lambda n=n: ("POST", f"/{n}") in o.seen, what="the request at the endpoint")
            assert o.seen.count(("POST", f"/{n}")) == 1


def test_closed_as_the_request_is_sent(made):
    """Both at once, many times, until it was met that nothing had arrived. A POST fails only when
    the endpoint had it, read or unread; and none is processed twice."""
    s, o = made
    rnd, go, stop = random.Random(7), threading.Event(), threading.Event()

    def pause():
        for _ in range(rnd.randrange(rnd.choice((600, 6000)))):
            pass

    def closing():
        while not stop.is_set():
            if go.wait(0.1):
                go.clear()
                pause()
                o.close_all()
    t = threading.Thread(target=closing)
    t.start()
    failed, n = [], 0
    try:
        client = s.client()
        while n < ROUNDS or s.metrics()["silex_upstream_retries_total"] == 0:
            assert n < 20 * ROUNDS, "the race was never met"
            go.set()
            pause()
            try:
                status = client.get(f"/{n}", method="POST", body="y").status
            except BadAnswer:
                status = 0  # cut short
            if status != 200:
                assert status in (0, 502)
                failed.append(("POST", f"/{n}"))
                client = s.client()
            n += 1
    finally:
        stop.set()
        t.join()
    seen = collections.Counter(o.seen)
    assert max(seen.values()) == 1
    if o.context is None:  # with TLS, what its reader had of a record is lost with it
        lost = [x for x in failed if x not in seen]
        assert len(lost) <= o.unread, "a POST failed that the endpoint never had"
