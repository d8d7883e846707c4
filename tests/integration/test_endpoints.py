"""Endpoints come and go: who gets the next request, who gets none, and what a client sees of it.

The races a rolling update is full of: an endpoint that terminates under load, one that is gone
before anybody was told, an origin that closes its idle connection as the next request is sent.
"""

import fcntl
import os
import random
import signal
import socket
import struct
import termios
import threading

import pytest

import frames
from harness import (SANITIZED, backends, endpoint, ingress, once_then_close, service, slice_,
                     wait_until)
from load import Load, assert_clean

ROUNDS = 300 if SANITIZED else 3_000
TERMINATING = {"ready": False, "serving": True, "terminating": True}


def two(first, second, **of_second):
    return [service("base"), slice_("base", ["127.0.0.1"], first.port),
            slice_("base", [endpoint("127.0.0.1", **of_second)], second.port)]


@pytest.fixture
def pair(make_silex, make_origin):
    """One worker before two origins, (silex, first, second)."""
    first, second = make_origin("first"), make_origin("second")
    s = make_silex()
    s.manifests.put("ingress", ingress("base", {"silex.test": "base"}))
    s.manifests.put("base", two(first, second))
    return s.start(), first, second


def names(silex, n=8, target="/name"):
    with silex.client() as c:
        return {c.get(target).get("X-Origin") for _ in range(n)}


def adopted(silex):
    m = silex.metrics()
    return m["silex_table_version"] == m["silex_table_published_version"]


def wait_names(silex, expected):
    wait_until(lambda: names(silex) == expected, what=f"answers of {expected} only")


# --- terminating ------------------------------------------------------------------------------


def test_terminating_gets_nothing_new_and_finishes_what_it_has(pair):
    silex, first, second = pair
    wait_names(silex, {"first", "second"})
    slow = [silex.client().request("/slow/1500") for _ in range(4)]
    wait_until(lambda: silex.metrics()["silex_requests_active"] >= 4, what="four slow requests")
    silex.manifests.put("base", two(first, second, **TERMINATING))
    wait_names(silex, {"first"})
    assert all(c.read().status == 200 for c in slow)
    for _ in range(20):
        assert names(silex) == {"first"}


def test_idle_connections_to_a_terminating_endpoint_close(make_silex, origin, make_scripted):
    closed = threading.Event()

    def script(peer):
        while peer.read_request() is not None:
            peer.answer()
        closed.set()
    going = make_scripted(script)
    s = make_silex(conf="upstream-keepalive-timeout = 1h\n")
    s.manifests.put("ingress", ingress("base", {"silex.test": "base"}))
    s.manifests.put("base", two(origin, going))
    s.start()
    wait_until(lambda: s.get().status == 200 and going.peers, what="a connection to either")
    assert not closed.is_set()
    s.manifests.put("base", two(origin, going, **TERMINATING))
    assert closed.wait(20), "the idle connection stayed open"


def test_only_terminating_ones_left_are_used(pair):
    """KEP-1669: better an endpoint that is about to go than none."""
    silex, _, second = pair
    silex.manifests.put("base", service("base"),
                        slice_("base", [endpoint("127.0.0.1", **TERMINATING)], second.port))
    wait_names(silex, {"second"})
    silex.manifests.put("base", service("base"), slice_(
        "base", [endpoint("127.0.0.1", **{**TERMINATING, "serving": False})], second.port))
    silex.wait_status(503)


def test_rolling_update_under_load(make_silex, make_origin):
    """Pods are replaced one after another, each: new one ready, old one terminating, old one
    gone, its process ended. Not one request fails."""
    s = make_silex(workers=2)
    pods = [make_origin("pod0"), make_origin("pod1")]
    s.manifests.put("ingress", ingress("base", {"silex.test": "base"}))
    s.manifests.put("base", backends("base", *(p.port for p in pods)))
    s.start()
    load = Load(s, 16)
    for n in range(2, 12):
        pods.append(make_origin(f"pod{n}"))
        old = pods[-3]
        s.manifests.put("base", service("base"), [
            slice_("base", [endpoint("127.0.0.1", **(TERMINATING if p is old else {}))], p.port)
            for p in pods[-3:]])
        s.wait_log("")
        wait_until(lambda: not {"X"} & names(s, 4) and f"pod{n - 2}" not in names(s, 12),
                   what="the old pod without requests")
        s.manifests.put("base", backends("base", *(p.port for p in pods[-2:])))
    assert_clean(load.stop())


# --- another endpoint ---------------------------------------------------------------------------


def annotated(silex, **annotations):
    silex.manifests.put("ingress", ingress("base", {"silex.test": "base"}, annotations={
        k.replace("_", "-"): v for k, v in annotations.items()}))


@pytest.fixture
def failing(make_silex, make_scripted, origin):
    """failing(script, **annotations): Silex before an origin that fails and one that does not."""
    def make(script, **annotations):
        bad = make_scripted(script)
        s = make_silex()
        annotated(s, **annotations)
        s.manifests.put("base", backends("base", bad.port, origin.port))
        return s.start(), bad
    return make


E503 = "HTTP/1.1 503 X\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"


def statuses(silex, n=8, method="GET", body=None):
    return {silex.get("/name", method=method, body=body).status for _ in range(n)}


def test_next_upstream_by_status(failing):
    silex, bad = failing(once_then_close(E503), proxy_next_upstream="error http_503")
    assert statuses(silex) == {200}
    assert statuses(silex, method="POST", body="x") == {200, 503}, "POST was sent already"
    assert bad.peers
    annotated(silex, proxy_next_upstream="error http_503 non_idempotent")
    wait_until(lambda: statuses(silex, 16, "POST", "x") == {200}, what="POST tried again too")


def test_next_upstream_off(failing):
    silex, _ = failing(lambda peer: peer.read_request(), proxy_next_upstream="off")
    assert statuses(silex) == {200, 502}
    annotated(silex, proxy_next_upstream="error")
    wait_until(lambda: statuses(silex, 16) == {200}, what="another endpoint after an error")


def test_next_upstream_tries(failing):
    silex, _ = failing(lambda peer: peer.read_request(), proxy_next_upstream_tries=1)
    assert statuses(silex) == {200, 502}
    annotated(silex, proxy_next_upstream_tries=2)
    wait_until(lambda: statuses(silex, 16) == {200}, what="a second try")


def test_next_upstream_timeout(failing):
    """The first try takes longer than others may be tried for."""
    def late(peer):
        peer.read_request()
        peer.origin.late.wait(1.2)
    late_event = threading.Event()

    def script(peer):
        peer.origin.late = late_event
        late(peer)
    silex, _ = failing(script, proxy_next_upstream_timeout=1)
    assert statuses(silex, 2) == {200, 502}


def test_next_upstream_refuses_nonsense(make_silex, origin):
    s = make_silex()
    annotated(s, proxy_next_upstream="error sometimes")
    s.manifests.put("base", backends("base", origin.port))
    s.start()
    s.wait_log("proxy-next-upstream.*must be words of")
    assert s.get().status == 200


# --- the idle connection that closes as it is used ------------------------------------------------


class Closer:
    """An origin that answers and keeps alive; on .close() the idle connection is closed. Whether
    a request had come by then is known from .unread: only then may a POST fail."""

    def __init__(self, make_scripted):
        self.idle, self.lock = [], threading.Lock()
        self.unread = 0
        self.origin = make_scripted(self.script)

    def script(self, peer):
        while peer.read_request() is not None:
            with self.lock:
                self.idle.append(peer)
            peer.answer()

    def close(self):
        """FIN for all that are idle; the reader thread is woken by it."""
        with self.lock:
            peers, self.idle = self.idle, []
        for p in peers:
            try:
                have = fcntl.ioctl(p.sock.fileno(), termios.FIONREAD, b"\0\0\0\0")
                self.unread += struct.unpack("i", have)[0] > 0
                p.sock.shutdown(socket.SHUT_RDWR)
            except (OSError, ValueError):
                pass  # Silex was first


@pytest.fixture
def closer(make_silex, make_scripted):
    c = Closer(make_scripted)
    s = make_silex()
    s.manifests.put("base", backends("base", c.origin.port), ingress("base", {"silex.test": "base"}))
    return s.start(), c


def test_closed_just_before_the_request(closer):
    """The worker sleeps while the origin closes and the client asks: it may well send first and
    look later. Nothing was processed, so GET and POST both reach the origin by another way."""
    silex, c = closer
    worker = silex.worker()
    with silex.client() as client:
        assert client.get().status == 200
        for n in range(ROUNDS // 10):
            os.kill(worker, signal.SIGSTOP)
            method, body = [("GET", None), ("POST", "x" * 100)][n % 2]
            if n % 4 < 2:
                client.request(method=method, body=body)
                c.close()
            else:
                c.close()
                client.request(method=method, body=body)
            os.kill(worker, signal.SIGCONT)
            assert client.read().status == 200, f"{method}, round {n}"
    assert c.unread == 0


def test_closed_as_the_request_is_sent(closer):
    """Both at once, thousands of times."""
    silex, c = closer
    rnd = random.Random(7)
    go, stop = threading.Event(), threading.Event()

    def closing():
        while not stop.is_set():
            if go.wait(0.1):
                go.clear()
                for _ in range(rnd.randrange(400)):
                    pass
                c.close()
    t = threading.Thread(target=closing)
    t.start()
    failed, client = [], silex.client()
    for n in range(ROUNDS):
        if n % 500 == 0:
            client = silex.client()
        method, body = [("GET", None), ("POST", "y")][n % 2]
        go.set()
        for _ in range(rnd.randrange(400)):
            pass
        answer = client.get(method=method, body=body, fields={"X-Round": f"{n};"})
        if answer.status != 200:
            assert method == "POST" and answer.status == 502, (n, method, answer)
            failed.append(n)
    stop.set()
    t.join()
    wait_until(lambda: all(f"x-round: {n};".encode() in c.origin.raw.lower() for n in failed),
               what="every POST that failed to have reached the origin")
    assert silex.metrics()["silex_upstream_retries_total"] > 0, "the race was never met"


def test_post_does_not_wait_for_an_old_connection(make_silex, make_scripted):
    """What must not be sent twice takes no connection that was idle for long."""
    def script(peer):
        while peer.read_request() is not None:
            peer.answer()
    o = make_scripted(script)
    s = make_silex()
    s.manifests.put("base", backends("base", o.port), ingress("base", {"silex.test": "base"}))
    s.start()
    assert s.get().status == 200
    assert s.get(method="POST", body="x").status == 200
    assert len(o.peers) == 1, "a fresh connection is good for POST"
    wait_until(lambda: s.get(method="POST", body="x").status == 200 and len(o.peers) > 1
               or threading.Event().wait(1.1), what="a new connection")
    assert s.get().status == 200


# --- connections of an endpoint that leaves, in HTTP/1 and HTTP/2 -------------------------------


class Leaving:
    """An endpoint that holds requests to /hold until .go, in HTTP/1 or HTTP/2; .held how many there
    are, .closed how many connections Silex has closed."""

    def __init__(self, make_scripted, h2):
        self.go, self.held, self.closed, self.requests = threading.Event(), 0, 0, 0
        self.origin = make_scripted(self.two if h2 else self.one)
        self.port = self.origin.port

    def one(self, peer):
        while (request := peer.read_request()) is not None:
            self.requests += 1
            if b"/hold" in request[0]:
                self.held += 1
                self.go.wait(20)
            peer.answer(fields="X-Origin: leaving\r\n")
        self.closed += 1

    def two(self, conn):
        try:
            peer = frames.Peer(conn.sock)
        except EOFError:
            return
        while (stream := peer.request()) is not None:
            self.requests += 1
            if peer.streams[stream].fields[":path"] == "/hold":
                self.held += 1
                self.go.wait(20)
            peer.answer(stream, [(":status", "200"), ("x-origin", "leaving")], b"two")
        self.closed += 1


LONG = "upstream-keepalive-timeout = 1h\n"  # nothing closes of old age here


@pytest.mark.parametrize("protocol", ["HTTP", "GRPC"])
@pytest.mark.parametrize("gone", [False, True], ids=["terminating", "gone"])
def test_the_connection_of_the_last_request_closes(make_silex, make_scripted, protocol, gone):
    """In flight while its endpoint leaves: it finishes, nothing new joins it, and then its
    connection closes at once instead of going idle."""
    old = Leaving(make_scripted, protocol == "GRPC")
    new = Leaving(make_scripted, protocol == "GRPC")
    s = make_silex(conf=LONG)
    s.manifests.put("ingress", ingress("base", {"silex.test": "base"},
                                       annotations={"backend-protocol": protocol}))
    s.manifests.put("base", backends("base", old.port))
    s.start()
    holding = s.client().request("/hold")
    wait_until(lambda: old.held == 1, what="the request under way")
    s.manifests.put("base", backends("base", new.port) if gone else two(new, old, **TERMINATING))
    wait_until(lambda: f":{new.port} " in s.show("route", "silex.test", "/").stdout and adopted(s),
               what="the new endpoint in the table")
    assert all(s.get().status == 200 for _ in range(20))
    assert old.requests == 1 and old.closed == 0 and new.requests == 20
    old.go.set()
    assert holding.read().status == 200
    wait_until(lambda: old.closed == 1, what="its connection closed")
    assert new.closed == 0


def test_idle_http2_connections_to_a_terminating_endpoint_close(make_silex, make_scripted):
    old, new = Leaving(make_scripted, True), Leaving(make_scripted, True)
    s = make_silex(conf=LONG)
    s.manifests.put("ingress", ingress("base", {"silex.test": "base"},
                                       annotations={"backend-protocol": "GRPC"}))
    s.manifests.put("base", two(new, old))
    s.start()
    wait_until(lambda: s.get().status == 200 and old.requests and new.requests, what="both asked")
    s.manifests.put("base", two(new, old, **TERMINATING))
    wait_until(lambda: old.closed == 1, what="the idle connection closed")
    assert new.closed == 0 and s.get().status == 200


@pytest.mark.parametrize("protocol", ["HTTP", "GRPC"])
def test_terminating_alone_is_used_and_kept(make_silex, make_scripted, protocol):
    """KEP-1669 once more: while it is all there is, its connections are pooled as ever."""
    old = Leaving(make_scripted, protocol == "GRPC")
    s = make_silex(conf=LONG)
    s.manifests.put("ingress", ingress("base", {"silex.test": "base"},
                                       annotations={"backend-protocol": protocol}))
    s.manifests.put("base", backends("base", old.port))
    s.start()
    assert s.get().status == 200
    s.manifests.put("base", service("base"),
                    slice_("base", [endpoint("127.0.0.1", **TERMINATING)], old.port))
    wait_until(lambda: adopted(s) and "(not ready)" in
               s.show("route", "silex.test", "/").stdout, what="its state in the table")
    assert all(s.get().status == 200 for _ in range(20))
    assert len(old.origin.peers) == 1 and old.closed == 0


def test_no_endpoint_is_ready_and_none_serves(pair):
    """ready false without terminating is a pod that is not ready yet; nil counts as ready."""
    silex, first, second = pair
    silex.manifests.put("base", two(first, second, ready=False))
    wait_names(silex, {"first"})
    silex.manifests.put("base", two(first, second, ready=None))
    wait_names(silex, {"first", "second"})
    silex.manifests.put("base", two(first, second, ready=False, serving=True))
    wait_names(silex, {"first"})
