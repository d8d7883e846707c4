"""TLS towards endpoints: backend-protocol HTTPS and AUTO_HTTP."""

import hashlib
import http.server
import socket
import ssl
import threading

import pytest

from certs import Pair, secret, tls
from harness import backends, ingress
from origins import HttpServer
from test_edge import metric, reason
from test_tls import TlsClient


class Handler(http.server.BaseHTTPRequestHandler):
    """Answers with what it saw of the connection; keeps it open."""
    protocol_version = "HTTP/1.1"
    wbufsize = 65536

    def log_message(self, *_):
        pass

    def answer(self, body):
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("X-Resumed", str(getattr(self.connection, "session_reused", None)))
        self.send_header("X-Port", str(self.client_address[1]))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        if self.path.startswith("/bytes/"):
            self.answer(b"0123456789abcdef" * (int(self.path[7:]) // 16))
        else:
            self.answer(b"hello")
        if self.path == "/close":
            self.close_connection = True

    def do_POST(self):
        left, digest = int(self.headers["Content-Length"]), hashlib.sha256()
        while left > 0:
            piece = self.rfile.read(min(left, 65536))
            digest.update(piece)
            left -= len(piece)
        self.answer(digest.hexdigest().encode())


class Server(HttpServer):
    names = ()


@pytest.fixture
def serve(tmp_path):
    """serve(tls=True, version=None) -> a server on .server_port"""
    made = []

    def start(secure=True, version=None):
        s = Server(("127.0.0.1", 0), Handler)
        s.context, s.names = None, []
        if secure:
            pair = Pair(tmp_path / f"origin{len(made)}", "origin.test")
            s.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            s.context.load_cert_chain(pair.crt, pair.key)
            s.context.sni_callback = lambda sock, name, ctx: s.names.append(name)
            if version:
                s.context.minimum_version = s.context.maximum_version = version
        threading.Thread(target=s.serve_forever, args=(0.02,), daemon=True).start()
        made.append(s)
        return s
    yield start
    for s in made:
        s.shutdown()
        s.server_close()


def route(silex, port, protocol="HTTPS", **annotations):
    silex.manifests.put("base", backends("base", port),
                        ingress("base", {"silex.test": "base"},
                                annotations={"backend-protocol": protocol, **annotations}))


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_requests_over_pooled_tls(make_silex, serve, version):
    """No server name is sent, nothing is verified; one connection serves them all."""
    origin, s = serve(version=version), make_silex()
    route(s, origin.server_port)
    s.start()
    with s.client() as c:
        ports = set()
        for _ in range(20):
            a = c.get("/")
            assert a.status == 200 and a.body == b"hello"
            ports.add(a.get("x-port"))
    assert len(ports) == 1
    assert set(origin.names) == {None}
    assert metric(s, "silex_upstream_tls_handshakes_total") == 1


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_new_connections_resume(make_silex, serve, version):
    origin, s = serve(version=version), make_silex(
        conf="upstream-keepalive-connections = 0\n")
    route(s, origin.server_port)
    s.start()
    assert s.get("/close").get("x-resumed") == "False"
    for _ in range(5):
        assert s.get("/close").get("x-resumed") == "True"
    assert metric(s, "silex_upstream_tls_resumed_total") == 5


def test_large_content_both_ways(make_silex, serve):
    origin, s = serve(), make_silex()
    route(s, origin.server_port, **{"proxy-body-size": "100m"})
    s.start()
    assert s.get("/bytes/20000000").body == b"0123456789abcdef" * 1250000
    body = bytes(range(256)) * 40000
    want = hashlib.sha256(body).hexdigest().encode()
    assert s.get("/", method="POST", body=body).body == want


def test_endpoint_that_speaks_no_tls(make_silex, serve):
    origin, s = serve(secure=False), make_silex()
    route(s, origin.server_port)
    s.start()
    assert s.get("/").status == 502
    assert reason(s, "upstream_tls") >= 1


def test_plain_text_before_the_handshake(make_silex, make_scripted):
    """An answer written before hands are shaken is no answer (nginx CVE-2026-1642)."""
    def script(peer):
        peer.send("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nforged")
        peer.sock.recv(1000)
    origin, s = make_scripted(script), make_silex()
    route(s, origin.port)
    s.start()
    a = s.get("/")
    assert a.status == 502 and b"forged" not in a.body


def test_endpoint_that_never_shakes_hands(make_silex):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        s = make_silex()
        route(s, silent.getsockname()[1], **{"proxy-connect-timeout": "1",
                                             "proxy-next-upstream-tries": "1"})
        s.start()
        assert s.get("/").status == 504


def test_auto_http_is_as_the_client(make_silex, serve, tmp_path):
    plain, s = serve(secure=False), make_silex()
    route(s, plain.server_port, "AUTO_HTTP")
    s.start()
    assert s.get("/").get("x-resumed") == "None"
    secure, pair = serve(), Pair(tmp_path / "pair", "silex.test")
    s = make_silex(https=True)
    s.manifests.put("base", backends("base", secure.server_port), secret("cert", pair.crt, pair.key),
                    ingress("base", {"silex.test": "base"}, tls=[tls("cert", "silex.test")],
                            annotations={"backend-protocol": "auto_http"}))
    s.start()
    with TlsClient(s) as c:
        assert c.get("/").get("x-resumed") == "False"
