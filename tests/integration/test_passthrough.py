"""ssl-passthrough: TLS of a host goes to its Service as it is, beside hosts that end here."""

import signal
import socket
import ssl
import threading

import pytest

from certs import Pair, secret, tls
from client import TIMEOUT
from harness import alive, backends, free_port, ingress, wait_until
from streams_world import is_dead
from test_edge import metric, reason, v1
from test_tls import TlsClient, der, wait_cert

PASS = {"ssl-passthrough": "true"}


class TlsEcho:
    """An origin that ends TLS itself and echoes."""

    def __init__(self, pair):
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(pair.crt, pair.key)
        self.sock = socket.create_server(("127.0.0.1", 0))
        self.port = self.sock.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                sock, _ = self.sock.accept()
            except OSError:
                return
            threading.Thread(target=self.run, args=(sock,), daemon=True).start()

    def run(self, sock):
        try:
            with self.context.wrap_socket(sock, server_side=True) as s:
                while data := s.recv(65536):
                    s.sendall(data)
        except OSError:
            pass


@pytest.fixture
def echo_tls(tmp_path):
    """An origin with a certificate of its own for pass.test and whatever lies below."""
    pair = Pair(tmp_path / "origin", "pass.test", "*.pass.test")
    o = TlsEcho(pair)
    o.pair = pair
    yield o
    o.sock.close()


@pytest.fixture
def world(make_silex, origin, echo_tls, tmp_path):
    """silex.test ends here, pass.test does not."""
    pair = Pair(tmp_path / "pair", "silex.test")

    def start(annotations=None, host="pass.test", more=(), **how):
        s = make_silex(https=True, flags=["--enable-ssl-passthrough", *how.pop("flags", [])], **how)
        s.manifests.put("here", backends("base", origin.port), secret("cert", pair.crt, pair.key),
                        ingress("base", {"silex.test": "base"}, tls=[tls("cert", "silex.test")]))
        s.manifests.put("there", backends("echo", echo_tls.port, port=443),
                        ingress("pass", {host: "echo"}, annotations=annotations or PASS), *more)
        fix_port(s)
        s.start()
        s.mine = pair
        wait_cert(s, pair.der())
        return s
    return start


def fix_port(s):
    """The builder's shorthand means port 80; the Service has 443."""
    path = s.manifests.dir / "there.json"
    path.write_text(path.read_text().replace('"number": 80', '"number": 443'))


def hello(name="pass.test"):
    """A ClientHello as bytes."""
    context = ssl.create_default_context()
    read, write = ssl.MemoryBIO(), ssl.MemoryBIO()
    try:
        context.wrap_bio(read, write, server_hostname=name).do_handshake()
    except ssl.SSLWantReadError:
        pass
    return write.read()


def raw(silex):
    s = socket.create_connection(("127.0.0.1", silex.https_port), TIMEOUT)
    s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return s


def answers_with_server_hello(sock):
    """What an endpoint says to a ClientHello it likes: a handshake record, type 2."""
    got = b""
    while len(got) < 6:
        piece = sock.recv(1000)
        assert piece, got
        got += piece
    return got[0] == 22 and got[5] == 2


def test_both_kinds_on_one_port(world, echo_tls):
    s = world()
    for _ in range(3):
        assert der(s, "pass.test") == echo_tls.pair.der()
        assert der(s, "silex.test") == s.mine.der()
    with TlsClient(s, "pass.test") as c:
        c.send(b"not HTTP at all")
        assert c.take(15) == b"not HTTP at all"
    with TlsClient(s, "silex.test") as c:
        assert c.get("/").status == 200
    wait_until(lambda: metric(s, "silex_tls_passed_through_total") == 4, what="a count")
    wait_until(lambda: metric(s, "silex_stream_sessions_ended_total") == 4, what="their ends")
    s.wait_access(lambda x: "] TCP 200 " in x)


def test_names_in_any_case_and_unknown_ones(world, echo_tls):
    s = world()
    assert der(s, "PASS.Test") == echo_tls.pair.der()
    unknown = der(s, "unknown.test")
    assert unknown not in (echo_tls.pair.der(), s.mine.der())
    assert der(s, "www.pass.test") == unknown


def test_a_wildcard(world, echo_tls, tmp_path):
    """It takes one label, but no host of its own that ends here."""
    s = world(host="*.pass.test")
    assert der(s, "a.pass.test") == echo_tls.pair.der()
    assert der(s, "a.b.pass.test") != echo_tls.pair.der()
    assert der(s, "pass.test") != echo_tls.pair.der()
    own = Pair(tmp_path / "own", "own.pass.test")
    s.manifests.put("own", secret("own", own.crt, own.key),
                    ingress("own", {"own.pass.test": "base"}, tls=[tls("own", "own.pass.test")]))
    wait_cert(s, own.der(), "own.pass.test")
    assert der(s, "a.pass.test") == echo_tls.pair.der()


def test_on_and_off(world, echo_tls):
    """A change of the annotation is live at once; a session that is open lives on."""
    s = world(workers=2)
    workers = set(s.workers())
    with TlsClient(s, "pass.test") as c:
        c.send(b"one")
        assert c.take(3) == b"one"
        s.manifests.put("there", backends("echo", echo_tls.port, port=443),
                        ingress("pass", {"pass.test": "echo"}))
        fix_port(s)
        wait_until(lambda: all(der(s, "pass.test") != echo_tls.pair.der() for _ in range(8)),
                   what="TLS to end here")
        c.send(b"two")
        assert c.take(3) == b"two"
    s.manifests.put("there", backends("echo", echo_tls.port, port=443),
                    ingress("pass", {"pass.test": "echo"}, annotations=PASS))
    fix_port(s)
    wait_cert(s, echo_tls.pair.der(), "pass.test")
    s.manifests.delete("there")
    wait_until(lambda: all(der(s, "pass.test") != echo_tls.pair.der() for _ in range(8)),
               what="nobody to pass through to")
    assert set(s.workers()) == workers


def test_the_services_own_address(make_silex, echo_tls):
    """With a ClusterIP the connection goes there, not to the endpoints."""
    s = make_silex(https=True, flags=["--enable-ssl-passthrough"])
    svc, one = backends("echo", free_port(), port=echo_tls.port)
    svc["spec"]["clusterIP"] = "127.0.0.1"
    made = ingress("pass", {"pass.test": "echo"}, annotations=PASS)
    made["spec"]["rules"][0]["http"]["paths"][0]["backend"]["service"]["port"] = {
        "number": echo_tls.port}
    s.manifests.put("there", svc, one, made)
    s.start()
    wait_cert(s, echo_tls.pair.der(), "pass.test")
    svc["spec"]["clusterIP"] = "None"  # headless: its endpoints, of which none is there
    s.manifests.put("there", svc, one, made)

    def refused():
        with raw(s) as c:
            c.sendall(hello())
            return is_dead(c)
    wait_until(refused, what="the endpoint that is not there")
    wait_until(lambda: reason(s, "stream_connect_failed") >= 1, what="the reason")


@pytest.mark.parametrize("size", [1, 7, 100])
def test_a_fragmented_hello(world, size):
    """Cut into segments, and into records."""
    s = world()
    data = hello()
    message, records = data[5:], b""
    for i in range(0, len(message), 50):
        part = message[i:i + 50]
        records += b"\x16\x03\x01" + len(part).to_bytes(2, "big") + part
    for one in (data, records):
        with raw(s) as c:
            for i in range(0, len(one), size):
                c.sendall(one[i:i + size])
            assert answers_with_server_hello(c)
    wait_until(lambda: metric(s, "silex_tls_passed_through_total") == 2, what="a count")


def test_a_fragmented_hello_that_ends_here(world):
    s = world()
    with raw(s) as c:
        data = hello("silex.test")
        for i in range(0, len(data), 11):
            c.sendall(data[i:i + 11])
        assert answers_with_server_hello(c)
    assert metric(s, "silex_tls_passed_through_total") == 0


def test_a_hello_that_does_not_come(world):
    s = world(conf="ssl-handshake-timeout = 200ms\n")
    for data in (b"", hello()[:50]):
        with raw(s) as c:
            c.sendall(data)
            assert is_dead(c)
    wait_until(lambda: reason(s, "conn_tls_timeout") == 2, what="the reasons")


def test_a_hello_that_ends_in_the_middle(world):
    s = world()
    with raw(s) as c:
        c.sendall(hello()[:50])
        c.shutdown(socket.SHUT_WR)
        c.recv(1000)
        assert is_dead(c)
    wait_until(lambda: reason(s, "conn_tls_closed") + reason(s, "conn_tls_failed") == 1,
               what="the reason")


def test_garbage(world):
    """No TLS, broken TLS, far too much: answered as if nothing were passed through."""
    s = world()
    with raw(s) as c:
        c.sendall(b"GET / HTTP/1.1\r\nHost: pass.test\r\n\r\n")
        assert c.recv(1000).startswith(b"HTTP/1.1 400 ")
    large = b"\x16\x03\x01\x40\x00\x01\x01\x00\x00" + b"\x03\x03" + b"r" * 32 + b"\x00\xff\xfe"
    for data in (b"\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00", b"\x16\x03\x01\x00\x00", b"\xff" * 100,
                 hello()[:5] + b"\x00" * 500, large + b"c" * 20_000):
        with raw(s) as c:
            try:
                c.sendall(data)
                c.shutdown(socket.SHUT_WR)
                while c.recv(1000):
                    pass
            except OSError:
                pass
    assert der(s, "silex.test") == s.mine.der()
    assert metric(s, "silex_tls_passed_through_total") == 0


def test_many_slow_clients_at_once(world, echo_tls):
    """They wait in the kernel and hold nobody up."""
    s = world(conf="ssl-handshake-timeout = 60s\n")
    slow, data = [raw(s) for _ in range(200)], hello()
    try:
        for c in slow:
            c.sendall(data[:100])
        assert der(s, "pass.test") == echo_tls.pair.der()
        assert der(s, "silex.test") == s.mine.der()
        for c in slow:
            c.sendall(data[100:])
        for c in slow:
            c.recv(1)
    finally:
        for c in slow:
            c.close()
    wait_until(lambda: metric(s, "silex_connections_active") <= 1, what="their end")


def test_void_annotations_are_told(world):
    s = world(annotations={**PASS, "proxy-body-size": "1m"})
    s.wait_log("SslPassthrough.*other annotations have no effect on TLS")


def test_no_path_for_it(world, echo_tls):
    s = world()
    made = ingress("pass", {"pass.test": "echo"}, annotations=PASS)
    made["spec"]["rules"][0]["http"]["paths"][0]["path"] = "/app"
    s.manifests.put("there", backends("echo", echo_tls.port, port=443), made)
    s.wait_log("SslPassthrough.*no path / with a Service")
    wait_until(lambda: der(s, "pass.test") != echo_tls.pair.der(), what="TLS to end here")


def test_not_enabled(make_silex, echo_tls):
    s = make_silex(https=True)
    s.manifests.put("there", backends("echo", echo_tls.port),
                    ingress("pass", {"pass.test": "echo"}, annotations=PASS))
    s.start()
    s.wait_log("SslPassthrough.*start Silex with --enable-ssl-passthrough")
    assert der(s, "pass.test") != echo_tls.pair.der()


def test_the_flag_of_ingress_nginx(world, echo_tls):
    s = world(flags=["--ssl-passthrough-proxy-port=442"])
    assert der(s, "pass.test") == echo_tls.pair.der()


def test_drain(world):
    s = world()
    old = s.worker()
    with TlsClient(s, "pass.test") as c:
        c.send(b"one")
        assert c.take(3) == b"one"
        s.kill(signal.SIGHUP)
        s.wait_log("configuration taken over")
        c.send(b"two")
        assert c.take(3) == b"two"
        assert alive(old)
    wait_until(lambda: not alive(old), what="the old worker's end")


def test_proxy_protocol(make_silex, echo_tls):
    """Its header is off the socket before; the endpoint gets none, as in ingress-nginx."""
    s = make_silex(https=True, flags=["--enable-ssl-passthrough"],
                   conf="use-proxy-protocol = true\n")
    s.manifests.put("there", backends("echo", echo_tls.port),
                    ingress("pass", {"pass.test": "echo"}, annotations=PASS))
    s.start()
    context = ssl.create_default_context(cafile=str(echo_tls.pair.crt))

    def passed():
        with raw(s) as c:
            c.sendall(v1())
            try:
                with context.wrap_socket(c, server_hostname="pass.test") as t:
                    return t.getpeercert(binary_form=True) == echo_tls.pair.der()
            except ssl.SSLError:
                return False
    wait_until(passed, what="the endpoint's certificate")
    s.wait_access(lambda x: x.startswith("[192.0.2.7] ") and " TCP 200 " in x)
