"""Active health checks over TLS and of gRPC: up, down and up again, slow, nonsense, TLS that fails.

One port speaks everything: what a connection is shows by its first bytes.
"""

import socket
import ssl
import threading

import pytest

import frames
from certs import Pair
from frames import frame
from harness import backends, ingress, wait_until
from test_health import FAST, checked, wait_all

SERVING, NOT_SERVING = b"\0\0\0\0\2\x08\x01", b"\0\0\0\0\2\x08\x02"
HEAD = [(":status", "200"), ("content-type", "application/grpc")]
FINE = [("grpc-status", "0")]


class Patient:
    """Traffic is answered in HTTP/1 by its name; a check as .check(patient, peer) does, which
    gets the connection with TLS taken off. .well is what the checks here go by."""

    def __init__(self, make_scripted, name, check, context=None):
        self.name, self.check, self.context = name, check, context
        self.well, self.checks, self.slow = True, 0, threading.Event()
        self.seen = []
        self.origin = make_scripted(self.script)
        self.port = self.origin.port

    def script(self, peer):
        first = peer.sock.recv(3, socket.MSG_PEEK)
        if first[:1] == b"\x16" and self.context:
            peer.sock = self.context.wrap_socket(peer.sock, server_side=True)
            self.checks += 1
            self.check(self, peer)
        elif first in (b"PRI", b"\x16\x03\x01"):
            self.checks += 1
            self.check(self, peer)
        else:
            while (request := peer.read_request()) is not None:
                if b"GET /slow" in request[0]:
                    self.slow.wait(20)
                peer.answer(fields=f"X-Origin: {self.name}\r\n")


def https(patient, peer):
    peer.read_request()
    peer.answer(200 if patient.well else 503)


def grpc(patient, peer):
    h2 = frames.Peer(peer.sock)
    stream = h2.request()
    h2.until(lambda: h2.streams[stream].ended)
    patient.seen.append(h2.streams[stream])
    h2.answer(stream, HEAD, SERVING if patient.well else NOT_SERVING, FINE)
    while h2.read():
        pass


@pytest.fixture
def context(tmp_path):
    pair = Pair(tmp_path / "patient", "patient.test")
    c = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    c.load_cert_chain(pair.crt, pair.key)
    return c


KINDS = {"https": https, "grpc": grpc, "grpcs": grpc}


@pytest.fixture
def treat(make_silex, make_scripted, context):
    """treat(kind, check, **annotations): Silex before a patient checked so and one that is well."""
    def make(kind, check=None, with_tls=True, **annotations):
        tls = context if kind.endswith("s") and with_tls else None
        ill = Patient(make_scripted, "ill", check or KINDS[kind], tls)
        well = Patient(make_scripted, "well", KINDS[kind], context if kind.endswith("s") else None)
        s = make_silex(conf=FAST)
        s.manifests.put("ingress", ingress("base", {"silex.test": "base"}))
        s.manifests.put("base", checked("base", ill.port, well.port, **{
            "": kind, "unhealthy_threshold": 2, **annotations}))
        return s.start(), ill, well
    return make


@pytest.mark.parametrize("kind", KINDS)
def test_up_down_up(treat, kind):
    silex, ill, _ = treat(kind)
    wait_until(lambda: ill.checks > 3, what="checks")
    assert "endpoint down" not in silex.log()
    wait_all(silex, {"ill", "well"})
    ill.well = False
    silex.wait_log(f"endpoint down.*127.0.0.1:{ill.port}")
    wait_all(silex, {"well"})
    ill.well = True
    silex.wait_log(f"endpoint up again.*127.0.0.1:{ill.port}")
    wait_all(silex, {"ill", "well"})


@pytest.mark.parametrize("kind", KINDS)
def test_slow(treat, kind):
    def never(patient, peer):
        peer.sock.recv(65536)
        patient.slow.wait(20)
    silex, ill, _ = treat(kind, never)
    silex.wait_log(f"endpoint down.*127.0.0.1:{ill.port}.*did not answer in time")
    ill.slow.set()
    wait_all(silex, {"well"})


GARBAGE = [
    ("https", b"nonsense, and not little of it\r\n\r\n", "not HTTP/1"),
    ("https", b"", "without an answer"),
    ("grpc", b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n", "not HTTP/2"),
    ("grpc", b"", "without an answer"),
    ("grpc", b"\xff" * 40, "not HTTP/2"),
    ("grpc", frame(frames.SETTINGS) + frame(frames.RST_STREAM, 0, 1, b"\0\0\0\7"), "reset the call"),
    ("grpc", frame(frames.SETTINGS) + frame(frames.DATA, 1, 1, b"\0\0\0\0\2no"), "no gRPC health"),
    ("grpc", frame(frames.SETTINGS) + frame(frames.DATA, 1, 1, b"\1\0\0\0\2\x08\1"), "compressed"),
    ("grpc", frame(frames.SETTINGS) + frame(frames.DATA, 1, 1, b"\0\xff\xff\xff\xff"),
     "no gRPC health"),
    ("grpcs", b"SSH-2.0-nonsense\r\n", "not HTTP/2"),
]


@pytest.mark.parametrize("kind,answer,why", GARBAGE)
def test_garbage(treat, kind, answer, why):
    def script(_, peer):
        peer.sock.recv(65536)
        peer.sock.sendall(answer)
    silex, ill, _ = treat(kind, script)
    silex.wait_log(f"endpoint down.*127.0.0.1:{ill.port}.*{why}")
    wait_all(silex, {"well"})


def test_no_health_service(treat):
    """UNIMPLEMENTED comes as fields alone."""
    def script(_, peer):
        h2 = frames.Peer(peer.sock)
        h2.answer(h2.request(), [*HEAD, ("grpc-status", "12")])
        h2.drain()
    silex, ill, _ = treat("grpc", script)
    silex.wait_log(f"endpoint down.*127.0.0.1:{ill.port}.*grpc.health.v1.Health")


def test_what_a_grpc_check_asks(treat):
    silex, ill, _ = treat("grpc", service="shop.Cart", host="cart.test")
    wait_until(lambda: len(ill.seen) > 1, what="checks")
    ask = ill.seen[0]
    assert ask.fields[":path"] == "/grpc.health.v1.Health/Check"
    assert ask.fields[":method"] == "POST" and ask.fields[":scheme"] == "http"
    assert ask.fields[":authority"] == "cart.test" and ask.fields["te"] == "trailers"
    assert ask.fields["content-type"] == "application/grpc"
    assert ask.body == b"\0\0\0\0\x0b\x0a\x09shop.Cart"
    wait_all(silex, {"ill", "well"})


def test_grpc_as_servers_do_it(treat):
    """A ping first, which must be acknowledged; the message padded and in pieces."""
    acknowledged = []

    def script(_, peer):
        h2 = frames.Peer(peer.sock, [(3, 100)])
        stream = h2.request()
        h2.send(frame(frames.PING, 0, 0, b"12345678"))
        h2.until(lambda: h2.pings)
        acknowledged.extend(f for f in h2.frames if f[0] == frames.SETTINGS and f[1] & frames.ACK)
        h2.send(frame(frames.HEADERS, frames.END_HEADERS, stream, frames.block(HEAD)))
        for i, byte in enumerate(SERVING):
            h2.send(frame(frames.DATA, 8, stream, bytes([3, byte]) + b"\x01\x02\x03") if i % 2
                    else frame(frames.DATA, 0, stream, bytes([byte])))
        h2.send(frame(frames.HEADERS, 5, stream, frames.block(FINE)))
        h2.drain()
    silex, ill, _ = treat("grpc", script)
    wait_until(lambda: ill.checks > 3, what="checks")
    assert acknowledged
    assert silex.metrics()["silex_health_check_failures_total"] == 0


def test_server_name(treat, context):
    silex, ill, _ = treat("https", host="patient.test")
    names = []
    context.sni_callback = lambda sock, name, ctx: names.append(name)
    wait_until(lambda: names, what="a handshake")
    assert set(names) == {"patient.test"}
    silex.manifests.put("base", checked("base", ill.port, **{"": "https", "host": "192.0.2.1"}))
    wait_until(lambda: names[-1] is None, what="a handshake without a name")


def test_tls_that_fails(treat):
    """No TLS there at all."""
    def plain(_, peer):
        peer.sock.recv(65536)
        peer.answer(200)
    silex, ill, _ = treat("https", plain, with_tls=False)
    silex.wait_log(f"endpoint down.*127.0.0.1:{ill.port}.*failed the TLS handshake")
    wait_all(silex, {"well"})


def test_tls_that_never_ends(treat):
    def silent(patient, peer):
        peer.sock.recv(65536)
        patient.slow.wait(20)
    silex, ill, _ = treat("https", silent, with_tls=False)
    silex.wait_log(f"endpoint down.*127.0.0.1:{ill.port}.*did not end the TLS handshake in time")
    ill.slow.set()


def test_tls_of_another_kind(treat, context):
    """The server wants a certificate from us, and we have none."""
    context.verify_mode = ssl.CERT_REQUIRED
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    silex, ill, _ = treat("https")
    silex.wait_log(f"endpoint down.*127.0.0.1:{ill.port}.*TLS handshake")


@pytest.mark.parametrize("kind", KINDS)
def test_traffic_in_flight_is_not_touched(treat, kind):
    silex, ill, well = treat(kind)
    clients = [silex.client().request("/slow") for _ in range(4)]
    # /metrics itself is one
    wait_until(lambda: silex.metrics()["silex_requests_active"] >= 5, what="slow requests")
    ill.well = False
    silex.wait_log(f"endpoint down.*127.0.0.1:{ill.port}")
    ill.slow.set()
    well.slow.set()
    assert all(c.read().status == 200 for c in clients)
    wait_all(silex, {"well"})


def test_the_configuration_says_which_status(make_silex, make_scripted, context):
    """Defaults of silex.conf, without an annotation: 503 is what is wanted here."""
    odd = Patient(make_scripted, "odd", https, context)
    odd.well = False
    s = make_silex(conf=FAST + "upstream-check = https\nupstream-check-status-min = 500\n"
                   "upstream-check-status-max = 503\n")
    s.manifests.put("base", backends("base", odd.port), ingress("base", {"silex.test": "base"}))
    s.start()
    wait_until(lambda: odd.checks > 4, what="checks")
    assert s.metrics()["silex_health_check_failures_total"] == 0
    odd.well = True
    s.wait_log("endpoint down.*unexpected status")
