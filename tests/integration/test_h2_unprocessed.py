"""HTTP/2 to endpoints: what an endpoint has not processed may be sent again, whatever the method
(RFC 9113 §8.7); what it may have processed, a POST, is sent once."""

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
ACK = 60  # bytes: what is not longer acknowledges SETTINGS, in a TLS record or not


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
                if not self.special(peer, stream):
                    peer.answer(stream, OK, b"two")
        finally:
            sock.close()

    def close_all(self):
        """FIN for every connection; what nobody had read by then is counted."""
        with self.lock:
            peers, self.peers = self.peers, []
        for p in peers:
            try:
                p.sock.shutdown(socket.SHUT_RDWR)
                self.unread += len(socket.socket.recv(p.sock, 65536)) > ACK
            except OSError:
                pass  # Silex was first


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


def test_closed_as_the_request_is_sent(made):
    """Both at once, many times. A POST fails only when the endpoint had it, read or unread; and
    none is processed twice."""
    s, o = made
    rnd, go, stop = random.Random(7), threading.Event(), threading.Event()

    def closing():
        while not stop.is_set():
            if go.wait(0.1):
                go.clear()
                for _ in range(rnd.randrange(600)):
                    pass
                o.close_all()
    t = threading.Thread(target=closing)
    t.start()
    failed = []
    try:
        client = s.client()
        for n in range(ROUNDS):
            go.set()
            for _ in range(rnd.randrange(600)):
                pass
            try:
                status = client.get(f"/{n}", method="POST", body="y").status
            except BadAnswer:
                status = 0  # cut short
            if status != 200:
                assert status in (0, 502)
                failed.append(n)
                client = s.client()
    finally:
        stop.set()
        t.join()
    assert all(o.seen.count(("POST", f"/{n}")) <= 1 for n in range(ROUNDS))
    lost = [n for n in failed if ("POST", f"/{n}") not in o.seen]
    if o.context is None:  # with TLS, what its reader had of a record is lost with it
        assert len(lost) <= o.unread, "a POST failed that the endpoint never had"
    assert s.metrics()["silex_upstream_retries_total"] > 0, "the race was never met"
