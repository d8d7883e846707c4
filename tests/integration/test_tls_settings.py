"""Settings of TLS towards clients: the session cache, sizes of records, unknown names, DHE."""

import socket
import ssl

import pytest

from certs import Pair, secret, tls
from harness import PATIENCE, backends, ingress, wait_until
from test_edge import reason
from test_tls import TlsClient, connect, context

V12, V13 = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3


@pytest.fixture
def start(make_silex, origin, tmp_path):
    def go(conf="", *, kind="p256", hosts=("silex.test",), annotations=None):
        pair = Pair(tmp_path / "pair", *hosts, kind=kind)
        s = make_silex(https=True, conf=conf)
        s.manifests.put("base", backends("base", origin.port),
                        ingress("base", {h: "base" for h in hosts}, annotations=annotations,
                                tls=[tls("cert", *hosts)]), secret("cert", pair.crt, pair.key))
        return s.start()
    return go


# -- sessions -------------------------------------------------------------------------------------

def resumes(s, ctx):
    with TlsClient(s, ctx=ctx) as c:
        c.get("/echo")
        session = c.sock.session
    if session is None:
        return False
    with TlsClient(s, ctx=ctx, session=session) as c:
        assert c.get("/echo").status == 200
        return c.sock.session_reused


@pytest.mark.parametrize("version", [V12, V13])
@pytest.mark.parametrize("conf,want", [
    ("ssl-session-tickets = false", True),
    ("ssl-session-tickets = false\nssl-session-cache = false", False),
    ("ssl-session-cache = false", True)])
def test_the_cache_serves_clients_without_tickets(start, conf, want, version):
    assert resumes(start(conf), context(version)) == want


def test_a_client_that_takes_no_tickets(start):
    ctx = context(V12)
    ctx.options |= ssl.OP_NO_TICKET
    assert resumes(start(), ctx)


# -- records --------------------------------------------------------------------------------------

def records(s, target, version):
    """The lengths of the records of application data that an answer comes in."""
    raw, into, out = b"", ssl.MemoryBIO(), ssl.MemoryBIO()
    tls_end = context(version).wrap_bio(into, out, server_hostname="silex.test")
    with socket.create_connection((s.host, s.https_port), PATIENCE) as sock:
        def step(what):
            nonlocal raw
            while True:
                try:
                    done = what()
                except ssl.SSLWantReadError:
                    done = None
                sock.sendall(out.read())
                if done is not None:
                    return done
                got = sock.recv(65536)
                assert got
                raw += got
                into.write(got)
        step(lambda: tls_end.do_handshake() or True)
        raw = b""
        tls_end.write(f"GET {target} HTTP/1.1\r\nHost: silex.test\r\n"
                      "Connection: close\r\n\r\n".encode())
        text = b""
        while len(text) < 100_000:
            text += step(lambda: tls_end.read(65536))
    lengths, at = [], 0
    while at + 5 <= len(raw):
        n = int.from_bytes(raw[at + 3:at + 5], "big")
        if raw[at] == 23:
            lengths.append(n)
        at += 5 + n
    return lengths


@pytest.mark.parametrize("version", [V12, V13])
@pytest.mark.parametrize("size,most", [("1k", 1024), ("4k", 4096), ("64k", 16384), (None, 16384)])
def test_records_are_no_larger_than_asked(start, size, most, version):
    s = start(f"ssl-buffer-size = {size}" if size else "")
    lengths = records(s, "/bytes/100000", version)
    assert most // 2 < max(lengths) <= most + 64


def test_an_answer_of_many_small_records_is_whole(start):
    s = start("ssl-buffer-size = 512")
    with TlsClient(s) as c:
        assert len(c.get("/bytes/3000000").body) == 3_000_000


# -- names ----------------------------------------------------------------------------------------

def refused(s, name):
    try:
        connect(s, name).close()
        return False
    except ssl.SSLError as e:
        assert "UNRECOGNIZED_NAME" in str(e).upper().replace(" ", "_"), e
        return True


def test_unknown_names_are_rejected(start):
    s = start("ssl-reject-handshake = true", hosts=("silex.test", "*.wild.test"))
    for name in ("silex.test", "SILEX.test", "x.wild.test"):
        assert not refused(s, name)
        with TlsClient(s, name) as c:
            assert c.get("/echo", name).status == 200
    for name in ("nobody.test", "x.y.wild.test", "wild.test", None):
        assert refused(s, name), name
    wait_until(lambda: reason(s, "conn_tls_rejected") == 4, what="a counted reason")


def test_unknown_names_get_the_default_certificate(start):
    assert not refused(start(), "nobody.test")


# -- ciphers --------------------------------------------------------------------------------------

def test_dhe_where_it_is_asked_for(start):
    cipher = "DHE-RSA-AES128-GCM-SHA256"
    s = start(kind="rsa", annotations={"ssl-ciphers": cipher})
    with connect(s, ctx=context(V12, cipher)) as c:
        assert c.cipher()[0] == cipher
