"""TLS towards clients: certificates by name, renewal, resumption, redirects, and where keys are."""

import datetime
import os
import signal
import socket
import ssl
import time

import pytest

from certs import Pair, secret, tls
from client import Client
from handshakes import Handshakes
from harness import PATIENCE, SANITIZED, backends, ingress, wait_until

HSTS = "max-age=31536000; includeSubDomains"
FAKE = "Kubernetes Ingress Controller Fake Certificate"


def context(version=None, ciphers=None):
    c = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    c.check_hostname, c.verify_mode = False, ssl.CERT_NONE
    if version:
        c.minimum_version = c.maximum_version = version
    if ciphers:
        c.set_ciphers(ciphers)
    return c


def connect(silex, name="silex.test", ctx=None, session=None, timeout=PATIENCE):
    """A shaken hand; the name None sends no SNI."""
    sock = socket.create_connection((silex.host, silex.https_port), timeout)
    try:
        return (ctx or context()).wrap_socket(sock, server_hostname=name, session=session)
    except BaseException:
        sock.close()
        raise


class TlsClient(Client):
    """The strict client over TLS."""

    def __init__(self, silex, name="silex.test", **how):
        self.sock, self.buf = connect(silex, name, **how), b""


def der(silex, name="silex.test", **how):
    with connect(silex, name, **how) as s:
        return s.getpeercert(binary_form=True)


def wait_cert(silex, want, name="silex.test"):
    """All workers adopt a version each by itself: ask often enough to meet them all."""
    n = 4 * max(1, len(silex.workers()))
    wait_until(lambda: all(der(silex, name) == want for _ in range(n)),
               what=f"the certificate of {name}; log:\n{silex.log()}")


@pytest.fixture
def pair(tmp_path):
    return Pair(tmp_path / "pair", "silex.test")


def put(silex, origin, pair, *, annotations=None, hosts=("silex.test",), entry=None):
    silex.manifests.put(
        "base", backends("base", origin.port),
        ingress("base", {h: "base" for h in hosts}, annotations=annotations,
                tls=[entry or tls("cert", *hosts)]),
        *([secret("cert", pair.crt, pair.key)] if pair else []))


@pytest.fixture
def secured(make_silex, origin, pair):
    """Two workers; host silex.test has a certificate."""
    s = make_silex(workers=2, https=True)
    put(s, origin, pair)
    return s.start()


# -- serving --------------------------------------------------------------------------------------

def test_a_request_over_tls(secured, pair):
    with TlsClient(secured) as c:
        assert c.sock.getpeercert(binary_form=True) == pair.der()
        for _ in range(3):
            a = c.get("/echo")
            assert a.status == 200
            assert a.get("strict-transport-security") == HSTS
            said = {k.lower(): v for k, v in a.json()["headers"]}
            assert said["x-forwarded-proto"] == said["x-scheme"] == "https"
            assert said["x-forwarded-port"] == "443"


def test_hsts_on_our_own_answers_and_not_on_plain(secured):
    with TlsClient(secured, "nobody.test") as c:
        a = c.get("/", host="nobody.test")
        assert a.status == 404 and a.get("strict-transport-security") == HSTS
    assert secured.get("/", host="nobody.test").get("strict-transport-security") is None


@pytest.mark.parametrize("kind", ["rsa", "p256", "p384", "p521", "ed25519"])
def test_kinds_of_keys(make_silex, origin, tmp_path, kind):
    pair = Pair(tmp_path / kind, "silex.test", kind=kind)
    s = make_silex(https=True)
    put(s, origin, pair)
    s.start()
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        assert der(s, ctx=context(version)) == pair.der()


def test_old_versions_and_static_rsa_are_refused(secured):
    for ctx in (context(ssl.TLSVersion.TLSv1_2, "AES128-SHA256:AES256-GCM-SHA384"),
                context(ssl.TLSVersion.TLSv1_1, "DEFAULT:@SECLEVEL=0")):
        with pytest.raises((ssl.SSLError, ConnectionError)):
            connect(secured, ctx=ctx)
    wait_until(lambda: secured.metrics()["silex_tls_failed_total"] >= 2, what="counted failures")


def test_large_bodies_both_ways(make_silex, origin, pair):
    s = make_silex(https=True)
    put(s, origin, pair, annotations={"proxy-body-size": "0"})
    s.start()
    n = 3_000_000
    body = os.urandom(n)
    with TlsClient(s) as c:
        a = c.get("/sink", method="POST", body=body)
        assert a.status == 200 and str(n) in a.text
        a = c.get(f"/bytes/{n}")
        assert a.status == 200 and len(a.body) == n


def test_many_requests_in_one_write(secured):
    """What is received in one record but asked in turns is not lost inside OpenSSL."""
    with TlsClient(secured) as c:
        one = b"GET /echo HTTP/1.1\r\nHost: silex.test\r\nX-Fill: " + b"x" * 900 + b"\r\n\r\n"
        c.send(one * 60)
        for _ in range(60):
            assert c.read().status == 200


def test_slow_reader_gets_everything(secured):
    with TlsClient(secured) as c:
        c.request("/bytes/4000000")
        time.sleep(0.3)  # let every buffer on the way fill up
        assert len(c.read().body) == 4_000_000


# -- names ----------------------------------------------------------------------------------------

def test_exact_wildcard_and_default(make_silex, origin, tmp_path):
    exact = Pair(tmp_path / "exact", "a.example.com")
    wild = Pair(tmp_path / "wild", "*.example.com")
    other = Pair(tmp_path / "default", "default.test")
    s = make_silex(workers=2, https=True, flags=["--default-ssl-certificate", "default/other"])
    s.manifests.put("base", backends("base", origin.port),
                    ingress("one", {"a.example.com": "base"}, tls=[tls("exact", "a.example.com")]),
                    ingress("two", {"*.example.com": "base"}, tls=[tls("wild", "*.example.com")]),
                    secret("exact", exact.crt, exact.key), secret("wild", wild.crt, wild.key),
                    secret("other", other.crt, other.key))
    s.start()
    for name, want in (("a.example.com", exact), ("A.EXAMPLE.com", exact), ("b.example.com", wild),
                       ("c.b.example.com", other), ("nobody.test", other), (None, other)):
        assert der(s, name) == want.der(), name


def test_self_signed_when_no_default_is_named(secured):
    import subprocess
    pem = ssl.DER_cert_to_PEM_cert(der(secured, "nobody.test"))
    text = subprocess.run(["openssl", "x509", "-noout", "-subject"], input=pem, text=True,
                          capture_output=True, check=True).stdout
    assert FAKE in text


def test_certificate_found_by_its_names(make_silex, origin, pair):
    """A tls entry that does not name the host: its Secret serves when it is for the host."""
    s = make_silex(https=True)
    put(s, origin, pair, entry={"secretName": "cert"})
    s.start()
    assert der(s) == pair.der()


# -- changes --------------------------------------------------------------------------------------

def test_renewal_serves_the_next_handshake_and_touches_no_connection(secured, origin, tmp_path):
    renewed = Pair(tmp_path / "renewed", "silex.test", kind="rsa")
    with TlsClient(secured) as old:
        assert old.get("/echo").status == 200
        put(secured, origin, renewed)
        wait_cert(secured, renewed.der())
        assert old.get("/echo").status == 200
    with TlsClient(secured) as new:
        assert new.get("/echo").status == 200


@pytest.mark.parametrize("broken", ["missing", "garbage", "unfit", "expired", "other name"])
def test_what_cannot_be_served_is_told_and_the_default_serves(secured, origin, pair, tmp_path,
                                                              broken):
    bad = {
        "missing": lambda: ([], "does not exist"),
        "garbage": lambda: ([secret("cert", b"no pem", b"nor this")], "holds no PEM certificate"),
        "unfit": lambda: ([secret("cert", pair.crt, Pair(tmp_path / "x", "silex.test").key)],
                          "not the key of the first certificate"),
        "expired": lambda: (expired(tmp_path), "it expired on"),
        "other name": lambda: ([(lambda p: secret("cert", p.crt, p.key))(
            Pair(tmp_path / "y", "other.test"))], "not for this name"),
    }[broken]
    objects, words = bad()
    secured.manifests.put("base", backends("base", origin.port),
                          ingress("base", {"silex.test": "base"}, tls=[tls("cert", "silex.test")]),
                          *objects)
    secured.wait_log(r"Secret default/cert.*" + words)
    wait_until(lambda: der(secured) == der(secured, "nobody.test"), what="the default certificate")
    with TlsClient(secured) as c:
        assert c.get("/echo").status == 200
    put(secured, origin, pair)
    wait_cert(secured, pair.der())


def expired(tmp_path):
    """openssl req has no -not_before before 3.4: a CA's signature with given dates has."""
    import subprocess
    d = tmp_path / "expired"
    p = Pair(d, "silex.test")
    (d / "index.txt").write_text("")
    (d / "serial").write_text("01\n")
    (d / "ca.conf").write_text(
        f"[ca]\ndefault_ca=x\n[x]\ndatabase={d}/index.txt\nserial={d}/serial\nnew_certs_dir={d}\n"
        f"certificate={p.crt}\nprivate_key={p.key}\ndefault_md=sha256\npolicy=y\n[y]\n"
        "commonName=supplied\n")
    run = dict(check=True, capture_output=True)
    subprocess.run(["openssl", "req", "-new", "-key", p.key, "-subj", "/CN=silex.test", "-out",
                    d / "csr"], **run)
    day = datetime.datetime.now(datetime.timezone.utc)
    old, new = (day - datetime.timedelta(days=n) for n in (20, 10))
    subprocess.run(["openssl", "ca", "-batch", "-config", d / "ca.conf", "-selfsign", "-keyfile",
                    p.key, "-in", d / "csr", "-out", d / "old.crt", "-notext",
                    "-startdate", old.strftime("%Y%m%d000000Z"),
                    "-enddate", new.strftime("%Y%m%d000000Z")], **run)
    return [secret("cert", d / "old.crt", p.key)]


# -- resumption -----------------------------------------------------------------------------------

@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_sessions_resume_on_any_worker(secured, version):
    ctx = context(version)
    with TlsClient(secured, ctx=ctx) as c:
        c.get("/echo")
        session = c.sock.session
        assert not c.sock.session_reused
    for _ in range(20):
        with TlsClient(secured, ctx=ctx, session=session) as c:
            assert c.sock.session_reused
            assert c.get("/echo").status == 200
    assert secured.metrics()["silex_tls_resumed_total"] >= 20


# -- what is no TLS -------------------------------------------------------------------------------

def test_plain_http_on_the_tls_port(secured):
    with Client(secured.https_port, secured.host) as c:
        a = c.get("/")
        assert a.status == 400 and "plain HTTP request was sent to HTTPS port" in a.text
        assert c.at_eof()


def test_garbage_and_silence(make_silex, origin, pair):
    s = make_silex(https=True, flags=["--ssl-handshake-timeout", "300ms"])
    put(s, origin, pair)
    s.start()
    with Client(s.https_port, s.host) as c:
        c.send(b"\x00\x01\x02garbage" * 10)
        c.read_all()
    with Client(s.https_port, s.host) as c:
        c.send(b"\x16\x03\x01\x02\x00\x01")  # the beginning of a ClientHello, and no more
        assert c.at_eof()
    assert der(s) == pair.der()
    wait_until(lambda: s.metrics()["silex_connections_active"] == 1, what="only the probe is left")


# -- redirects ------------------------------------------------------------------------------------

def location(silex, target="/", host="silex.test", status=308):
    a = silex.get(target, host)
    assert a.status == status, a
    return a.get("location")


def test_redirect_to_https(secured):
    assert location(secured, "/x/y?a=b") == "https://silex.test/x/y?a=b"
    assert location(secured, "/x/") == "https://silex.test/x"
    assert location(secured, "/") == "https://silex.test"
    assert location(secured, "/", "silex.test:8080") == "https://silex.test"
    assert secured.get("/.well-known/acme-challenge/token").status == 200
    with TlsClient(secured) as c:
        assert c.get("/echo").status == 200  # no redirect over https


@pytest.mark.parametrize("annotations,certificate,target,want", [
    ({"ssl-redirect": "false"}, True, "/a", None),
    ({}, False, "/a", None),
    ({"force-ssl-redirect": "true"}, False, "/a", "https://silex.test/a"),
    ({"preserve-trailing-slash": "true"}, True, "/a/", "https://silex.test/a/"),
])
def test_redirect_annotations(make_silex, origin, pair, annotations, certificate, target, want):
    s = make_silex(https=True)
    if certificate:
        put(s, origin, pair, annotations=annotations)
    else:
        s.manifests.put("base", backends("base", origin.port),
                        ingress("base", {"silex.test": "base"}, annotations=annotations))
    s.start()
    if want is None:
        assert s.get(target).status == 200
    else:
        assert location(s, target) == want


def test_redirect_with_a_missing_secret_and_settings(make_silex, origin):
    s = make_silex(https=True, conf="http-redirect-code = 301\npreserve-trailing-slash = true\n"
                                    "no-tls-redirect-locations = /open, /also\n")
    put(s, origin, None)
    s.start()
    assert location(s, "/a/", status=301) == "https://silex.test/a/"
    assert s.get("/open/x").status == 200 and s.get("/also").status == 200


# -- keys: see also test_keys.py ------------------------------------------------------------------

def test_the_keys_process_is_confined(secured):
    status = dict(x.split(":", 1) for x in
                  open(f"/proc/{secured.keys()}/status", encoding="ascii").read().splitlines())
    assert status["NoNewPrivs"].strip() == "1"
    assert status["CapEff"].strip() == "0" * 16
    if not SANITIZED:
        assert status["Seccomp"].strip() == "2"
    if os.geteuid() == 0:
        assert status["Uid"].split()[0] not in ("0", *(
            open(f"/proc/{w}/status", encoding="ascii").read().split("Uid:\t")[1].split()[0]
            for w in secured.workers()))
    for fd in os.listdir(f"/proc/{secured.keys()}/fd"):
        target = os.readlink(f"/proc/{secured.keys()}/fd/{fd}")
        assert target.startswith(("socket:", "pipe:", "/dev/null")) or int(fd) in (1, 2), target


def test_keys_process_killed_under_load(secured, pair):
    """Full handshakes go on all the time; each succeeds or fails within two seconds."""
    with Handshakes(lambda: der(secured, timeout=10) == pair.der(), 4) as shaking:
        for _ in range(3):
            old = secured.keys()
            os.kill(old, signal.SIGKILL)
            wait_until(lambda o=old: secured.keys() not in (0, o), what="another keys process")
            shaking.wait_good()
    shaking.assert_none_hung()
    assert shaking.bad() == secured.metrics()["silex_tls_signatures_late_total"] <= 3 * 4
    assert der(secured) == pair.der()


def test_a_worker_born_later_can_sign(secured, pair):
    secured.expect_deaths = True
    for victim in secured.workers():
        os.kill(victim, signal.SIGKILL)
        wait_until(lambda v=victim: len(secured.workers()) == 2 and v not in secured.workers(),
                   what="a new worker")
    wait_until(lambda: secured.healthz("/readyz", True) == 200, what="readiness")
    wait_cert(secured, pair.der())


def test_workers_serve_on_when_the_master_is_gone(make_silex, origin, pair):
    s = make_silex(https=True)
    put(s, origin, pair)
    s.start()
    left = s.tree()
    s.kill(signal.SIGKILL)
    s.process.wait()
    try:
        for _ in range(5):
            with TlsClient(s) as c:
                assert c.sock.getpeercert(binary_form=True) == pair.der()
                assert c.get("/echo").status == 200
    finally:
        s.process = None
        s.kill_all(left)


# -- HTTP/2 by ALPN -------------------------------------------------------------------------------

def test_http2_is_agreed_on_by_alpn(secured):
    import subprocess
    resolve = f"silex.test:{secured.https_port}:127.0.0.1"
    for flag, version in (("--http2", "2"), ("--http1.1", "1.1")):
        out = subprocess.run(["curl", "-sk", flag, "--resolve", resolve, "-o", "/dev/null", "-D",
                              "-", "-w", "%{http_version} %{size_download}",
                              f"https://silex.test:{secured.https_port}/bytes/300000"],
                             capture_output=True, text=True, check=True, timeout=PATIENCE).stdout
        assert out.endswith(f"{version} 300000"), out
        assert HSTS in out
