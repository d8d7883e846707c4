"""What a client may do to a TLS handshake, and that it harms nobody: tiny records, names of 64 KB or
with NUL, renegotiation, a protocol other than the one agreed on."""

import socket
import ssl
import struct
import subprocess

import pytest

from certs import Pair, secret, tls
from frames import PREFACE, SETTINGS, frame
from harness import PATIENCE, backends, ingress, wait_until
from test_tls import TlsClient, context

V12, V13 = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3


@pytest.fixture
def secured(make_silex, origin, tmp_path):
    pair = Pair(tmp_path / "pair", "silex.test")
    s = make_silex(https=True, flags=["--ssl-handshake-timeout", "5"])
    s.manifests.put("base", backends("base", origin.port), secret("cert", pair.crt, pair.key),
                    ingress("base", {"silex.test": "base"}, tls=[tls("cert", "silex.test")]))
    s.start()
    yield s
    with TlsClient(s) as c:  # whatever was done to it
        assert c.get("/echo").status == 200


class Hand:
    """A client's end of TLS whose first flight can be changed before it is sent."""

    def __init__(self, s, version=None, name="silex.test"):
        self.into, self.out = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context(version).wrap_bio(self.into, self.out, server_hostname=name)
        self.sock = socket.create_connection((s.host, s.https_port), PATIENCE)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with pytest.raises(ssl.SSLWantReadError):
            self.tls.do_handshake()
        self.hello = self.out.read()

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.sock.close()

    def go(self, what):
        """Until what() has a result."""
        while True:
            try:
                done = what()
            except ssl.SSLWantReadError:
                done = None
            self.sock.sendall(self.out.read())
            if done is not None:
                return done
            got = self.sock.recv(65536)
            if not got:
                raise ConnectionError
            self.into.write(got)

    def shake(self):
        self.go(lambda: self.tls.do_handshake() or True)

    def get(self):
        self.tls.write(b"GET /echo HTTP/1.1\r\nHost: silex.test\r\n\r\n")
        return self.go(lambda: self.tls.read(65536))

    def alert(self):
        """The description of the alert that ends it; None when it is closed without."""
        raw = b""
        while len(raw) < 7:
            try:
                got = self.sock.recv(65536)
            except ConnectionError:
                return None
            if not got:
                return None
            raw += got
        assert raw[0] == 21 and raw[5] == 2, raw  # a fatal one
        return raw[6]


def records(message, size):
    """A handshake message in records of so many bytes."""
    return b"".join(b"\x16\x03\x01" + struct.pack(">H", len(message[i:i + size])) +
                    message[i:i + size] for i in range(0, len(message), size))


def hello_with_name(name):
    """A ClientHello for TLS 1.2 with this server name, made by hand."""
    entry = b"\0" + struct.pack(">H", len(name)) + name
    extension = struct.pack(">HH", 0, len(entry) + 2) + struct.pack(">H", len(entry)) + entry
    body = (b"\x03\x03" + bytes(32) + b"\0" + struct.pack(">H", 2) + b"\xc0\x2b" + b"\1\0" +
            struct.pack(">H", len(extension)) + extension)
    return b"\1" + struct.pack(">I", len(body))[1:] + body


@pytest.mark.parametrize("version", [V12, V13])
@pytest.mark.parametrize("size", [1, 7, 100])
def test_a_hello_in_tiny_records(secured, size, version):
    with Hand(secured, version) as h:
        h.sock.sendall(records(h.hello[5:], size))
        h.shake()
        assert h.get().startswith(b"HTTP/1.1 200")


def test_a_hello_byte_by_byte(secured):
    with Hand(secured) as h:
        for i in range(len(h.hello)):
            h.sock.sendall(h.hello[i:i + 1])
        h.shake()
        assert h.get().startswith(b"HTTP/1.1 200")


def failures(s):
    return s.metrics()["silex_tls_failed_total"]


def test_a_server_name_of_64_kilobytes(secured):
    for n in (256, 16000, 65000):
        before = failures(secured)
        with Hand(secured) as h:
            h.sock.sendall(records(hello_with_name(b"a" * n), 16000))
            assert h.alert() in (None, 50, 47, 40, 112)  # decode_error, illegal_parameter, ...
        wait_until(lambda b=before: failures(secured) == b + 1, what="a counted failure")


def test_a_name_with_nul(secured):
    for name in (b"silex.test\0", b"silex.test\0.evil.test", b"\0silex.test"):
        before = failures(secured)
        with Hand(secured) as h:
            h.sock.sendall(records(hello_with_name(name), 16000))
            assert h.alert() is not None, name
        wait_until(lambda b=before: failures(secured) == b + 1, what="a counted failure")


@pytest.mark.parametrize("extension", [
    b"", b"\0", b"\0\0", b"\0\1\0", b"\0\3\0\0\0", b"\0\4\0\0\1", b"\0\4\0\xff\xff\1",
    b"\0\4\1\0\1a", b"\xff\xff\0\0\1a", b"\0\x08\0\0\1a\0\0\1b"])
def test_name_lists_that_are_none(secured, extension):
    body = (b"\x03\x03" + bytes(32) + b"\0" + struct.pack(">H", 2) + b"\xc0\x2b" + b"\1\0")
    ext = struct.pack(">HH", 0, len(extension)) + extension
    body += struct.pack(">H", len(ext)) + ext
    before = failures(secured)
    with Hand(secured) as h:
        h.sock.sendall(records(b"\1" + struct.pack(">I", len(body))[1:] + body, 16000))
        h.alert()
    wait_until(lambda: failures(secured) == before + 1, what="a counted failure")


def test_no_renegotiation(secured):
    command = ["openssl", "s_client", "-connect", f"127.0.0.1:{secured.https_port}", "-servername",
               "silex.test", "-tls1_2"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT) as p:
        p.stdin.write(b"R\n")
        p.stdin.flush()
        out = p.communicate(timeout=PATIENCE)[0].decode()
    assert "RENEGOTIATING" in out and "no renegotiation" in out, out
    wait_until(lambda: secured.metrics()["silex_tls_handshakes_total"] == 1, what="one handshake")


def agreed(s, *protocols):
    ctx = context()
    ctx.set_alpn_protocols(protocols)
    return TlsClient(s, ctx=ctx)


def test_http1_where_http2_was_agreed_on(secured, origin):
    with agreed(secured, "h2") as c:
        c.send(b"GET /echo HTTP/1.1\r\nHost: silex.test\r\n\r\n" * 3)
        assert b"HTTP/1.1" not in c.read_all()
    assert secured.metrics().get("silex_requests_total", 0) == 0


def test_protocols_that_nobody_knows(secured):
    with agreed(secured, "spdy/3", "h3") as c:
        assert c.sock.selected_alpn_protocol() is None
        assert c.get("/echo").status == 200
    with agreed(secured, "h", "h22", "http/1.1") as c:
        assert c.sock.selected_alpn_protocol() == "http/1.1"
        assert c.get("/echo").status == 200


def test_http2_needs_its_preface_whole(secured):
    with agreed(secured, "h2") as c:
        c.send(PREFACE[:-1] + b"x" + frame(SETTINGS))
        assert b":status" not in c.read_all()
