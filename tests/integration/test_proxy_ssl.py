"""proxy-ssl-*: endpoints are verified, and shown a certificate of ours."""

import http.server
import os
import signal
import ssl
import threading

import pytest

from endpoint_ca import RSA, Authority, opaque
from frames import Peer
from harness import backends, ingress, path, wait_until
from origins import HttpServer
from test_edge import metric, reason
from test_keys import no_key_but_in_keys

NAME = "endpoint.test"


class Handler(http.server.BaseHTTPRequestHandler):
    """Answers with what it saw of the connection; keeps it open."""
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_GET(self):
        subject = dict(x[0] for x in (self.connection.getpeercert() or {}).get("subject", ()))
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.send_header("X-Client", subject.get("commonName", "none"))
        self.send_header("X-Resumed", str(self.connection.session_reused))
        self.send_header("X-Version", self.connection.version())
        self.send_header("X-Cipher", self.connection.cipher()[0])
        self.send_header("X-Port", str(self.client_address[1]))
        self.end_headers()
        self.wfile.write(b"ok")
        self.close_connection = self.path == "/close"


class Endpoint(HttpServer):
    def __init__(self, own, clients=None):
        super().__init__(("127.0.0.1", 0), Handler)
        self.context, self.names = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), []
        self.context.load_cert_chain(own.chain, own.key)
        self.context.sni_callback = lambda sock, name, ctx: self.names.append(name)
        if clients is not None:
            self.context.verify_mode = ssl.CERT_REQUIRED
            self.context.load_verify_locations(clients.crt)
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()


@pytest.fixture
def endpoint():
    """endpoint(own, clients=None) -> an Endpoint; clients: the authority of theirs, required."""
    made = []

    def make(*how, **more):
        made.append(Endpoint(*how, **more))
        return made[-1]
    yield make
    for e in made:
        e.shutdown()
        e.server_close()


@pytest.fixture
def root(tmp_path):
    return Authority(tmp_path / "root")


def annotations(secret="default/up", **more):
    """more: without proxy-ssl-, "_" for "-"."""
    said = {"backend-protocol": "HTTPS", "proxy-ssl-secret": secret}
    return said | {f"proxy-ssl-{k.replace('_', '-')}": v for k, v in more.items()}


def route(silex, port, *more, host="silex.test", service="base", **said):
    silex.manifests.put(service, backends(service, port),
                        ingress(service, {host: service}, annotations=annotations(**said)), *more)


VERIFIED = {"verify": "on", "name": NAME}


# -- verification -----------------------------------------------------------------------------

@pytest.mark.parametrize("protocols", ["TLSv1.2", "TLSv1.3", "TLSv1.2 TLSv1.3"])
def test_verified_endpoint(make_silex, endpoint, root, protocols):
    e, s = endpoint(root.issue(NAME)), make_silex()
    route(s, e.server_port, opaque("up", ca_crt=root.crt), protocols=protocols, **VERIFIED)
    s.start()
    a = s.get("/")
    assert a.status == 200 and a.get("x-client") == "none"
    assert a.get("x-version") == protocols.split()[-1]
    assert set(e.names) == {None}, "no server name unless asked for"


def test_versions_default_to_1_2(make_silex, endpoint, root):
    e, s = endpoint(root.issue(NAME)), make_silex()
    route(s, e.server_port, opaque("up", ca_crt=root.crt), **VERIFIED)
    s.start()
    assert s.get("/").get("x-version") == "TLSv1.2"


@pytest.mark.parametrize("what, word", [
    ("authority", "unable to get local issuer certificate"), ("name", "hostname mismatch"),
    ("expired", "certificate has expired"), ("purpose", "unsuitable certificate purpose"),
    ("self-signed", "self-signed certificate")])
def test_endpoint_that_is_not_who_it_should_be(make_silex, endpoint, root, tmp_path, what, word):
    own = {
        "authority": lambda: Authority(tmp_path / "other").issue(NAME),
        "name": lambda: root.issue("other.test"),
        "expired": lambda: root.issue(NAME, days=-1),
        "purpose": lambda: root.issue(NAME, usage="clientAuth"),
        "self-signed": lambda: self_signed(tmp_path),
    }[what]()
    e, s = endpoint(own), make_silex()
    route(s, e.server_port, opaque("up", ca_crt=root.crt), **VERIFIED)
    s.start()
    assert s.get("/").status == 502
    assert reason(s, "upstream_tls") == 1
    s.wait_log(f"TLS towards an endpoint failed.*{word}")


def self_signed(tmp_path):
    own = Authority(tmp_path / "self", name=NAME)
    own.chain.write_bytes(own.crt.read_bytes())
    return own


def test_without_verify_anyone_will_do(make_silex, endpoint, root, tmp_path):
    e, s = endpoint(self_signed(tmp_path)), make_silex()
    route(s, e.server_port, opaque("up", ca_crt=root.crt))
    s.start()
    assert s.get("/").status == 200


@pytest.mark.parametrize("depth, status", [("1", 502), ("0", 502), ("2", 200), (None, 502)])
def test_depth(make_silex, endpoint, root, tmp_path, depth, status):
    """Two intermediate authorities; 1 is the default, and what 0 means."""
    last = Authority(tmp_path / "b", "b", parent=Authority(tmp_path / "a", "a", parent=root))
    e, s = endpoint(last.issue(NAME)), make_silex()
    route(s, e.server_port, opaque("up", ca_crt=root.crt), **VERIFIED,
          **({"verify_depth": depth} if depth else {}))
    s.start()
    assert s.get("/").status == status


def test_one_intermediate_is_within_the_default(make_silex, endpoint, root, tmp_path):
    e = endpoint(Authority(tmp_path / "a", "a", parent=root).issue(NAME))
    s = make_silex()
    route(s, e.server_port, opaque("up", ca_crt=root.crt), **VERIFIED)
    s.start()
    assert s.get("/").status == 200


def test_name_may_be_an_address(make_silex, endpoint, root):
    e, s = endpoint(root.issue(NAME, ips=["192.0.2.7"])), make_silex()
    route(s, e.server_port, opaque("up", ca_crt=root.crt), verify="on", name="192.0.2.7",
          server_name="on")
    s.manifests.put("other", backends("other", e.server_port), ingress(
        "other", {"other.test": "other"},
        annotations=annotations(verify="on", name="192.0.2.8")))
    s.start()
    assert s.get("/").status == 200 and s.get("/", "other.test").status == 502
    assert set(e.names) == {None}, "an address is no server name (RFC 6066)"


@pytest.mark.parametrize("value, sent", [("on", NAME), ("off", None), ("1", None)])
def test_server_name(make_silex, endpoint, root, value, sent):
    e, s = endpoint(root.issue(NAME)), make_silex()
    route(s, e.server_port, opaque("up", ca_crt=root.crt), server_name=value, **VERIFIED)
    s.start()
    assert s.get("/").status == 200 and set(e.names) == {sent}


def test_several_authorities(make_silex, endpoint, root, tmp_path):
    other = Authority(tmp_path / "other", "other")
    e, s = endpoint(root.issue(NAME)), make_silex()
    route(s, e.server_port, opaque("up", ca_crt=other.crt.read_bytes() + root.crt.read_bytes()),
          **VERIFIED)
    s.start()
    assert s.get("/").status == 200


def test_ciphers(make_silex, endpoint, root):
    e, s = endpoint(root.issue(NAME)), make_silex()
    route(s, e.server_port, opaque("up", ca_crt=root.crt),
          ciphers="ECDHE-ECDSA-AES128-GCM-SHA256", **VERIFIED)
    s.manifests.put("no", backends("no", e.server_port), ingress(
        "no", {"no.test": "no"}, annotations=annotations(ciphers="ECDHE-RSA-AES128-GCM-SHA256")))
    s.start()
    assert s.get("/").get("x-cipher") == "ECDHE-ECDSA-AES128-GCM-SHA256"
    assert s.get("/", "no.test").status == 502, "the endpoint has an ECDSA key"


# -- our certificate --------------------------------------------------------------------------

@pytest.mark.parametrize("protocols", ["TLSv1.2", "TLSv1.3"])
@pytest.mark.parametrize("kind", [None, RSA], ids=["ecdsa", "rsa"])
def test_client_certificate(make_silex, endpoint, root, kind, protocols):
    own = root.issue("silex", kind=kind)
    e, s = endpoint(root.issue(NAME), clients=root), make_silex(https=True)
    route(s, e.server_port, opaque("up", ca_crt=root.crt, tls_crt=own.chain, tls_key=own.key),
          protocols=protocols, **VERIFIED)
    s.start()
    with s.client() as c:
        assert [c.get("/").get("x-client") for _ in range(3)] == ["silex"] * 3
    assert metric(s, "silex_upstream_tls_handshakes_total") == 1


def test_no_certificate_no_answer(make_silex, endpoint, root):
    e, s = endpoint(root.issue(NAME), clients=root), make_silex()
    route(s, e.server_port, opaque("up", ca_crt=root.crt), **VERIFIED)
    s.start()
    assert s.get("/").status == 502


@pytest.mark.skipif(os.geteuid() != 0, reason="reading another process' memory needs root")
def test_private_key_is_in_the_keys_process_only(make_silex, endpoint, root):
    """The worker has shown the certificate; the key is elsewhere."""
    own = root.issue("silex")
    e, s = endpoint(root.issue(NAME), clients=root), make_silex(https=True)
    route(s, e.server_port, opaque("up", ca_crt=root.crt, tls_crt=own.chain, tls_key=own.key))
    s.start()
    assert s.get("/").get("x-client") == "silex"
    no_key_but_in_keys(s, own)


def test_keys_process_killed(make_silex, endpoint, root):
    """Its successor signs; what is asked meanwhile waits for it."""
    own = root.issue("silex")
    e, s = endpoint(root.issue(NAME), clients=root), make_silex(
        https=True, conf="upstream-keepalive-connections = 0\n")
    route(s, e.server_port, opaque("up", ca_crt=root.crt, tls_crt=own.chain, tls_key=own.key),
          protocols="TLSv1.3", **VERIFIED)
    s.start()
    for _ in range(3):
        old = s.keys()
        os.kill(old, signal.SIGKILL)
        assert s.get("/").get("x-client") == "silex"
        wait_until(lambda o=old: s.keys() not in (0, o), what="another keys process")
    assert s.get("/").get("x-client") == "silex"


def test_signature_that_does_not_come(make_silex, endpoint, root):
    """A keys process that hangs: a 502 in time, and the log says why. Others are served."""
    own = root.issue("silex")
    e, s = endpoint(root.issue(NAME), clients=root), make_silex(https=True)
    open_to_all = endpoint(root.issue(NAME))
    route(s, e.server_port, opaque("up", ca_crt=root.crt, tls_crt=own.chain, tls_key=own.key),
          next_upstream_tries="1")
    s.manifests.put("plain", backends("plain", open_to_all.server_port), ingress(
        "plain", {"plain.test": "plain"}, annotations={"backend-protocol": "HTTPS"}))
    s.start()
    keys = s.keys()
    os.kill(keys, signal.SIGSTOP)
    try:
        with s.client() as c:
            c.send("GET / HTTP/1.1\r\nHost: silex.test\r\n\r\n")
            assert s.get("/", "plain.test").status == 200
            assert c.read().status == 502
        s.wait_log("gave no signature")
    finally:
        os.kill(keys, signal.SIGCONT)
    assert s.get("/").get("x-client") == "silex"


# -- fails closed -----------------------------------------------------------------------------

def bad_secrets(root):
    own, other = root.issue("silex"), root.issue("other")
    return {
        "missing": None,
        "empty": opaque("up", token=b"x"),
        "no authority": opaque("up", tls_crt=own.crt, tls_key=own.key),
        "bad authority": opaque("up", ca_crt=b"-----BEGIN CERTIFICATE-----\nAAAA\n"
                                             b"-----END CERTIFICATE-----\n"),
        "no PEM": opaque("up", ca_crt=b"hello"),
        "another's key": opaque("up", ca_crt=root.crt, tls_crt=own.crt, tls_key=other.key),
        "no key": opaque("up", ca_crt=root.crt, tls_crt=own.crt),
    }


@pytest.mark.parametrize("what", ["missing", "empty", "no authority", "bad authority", "no PEM",
                                  "another's key", "no key"])
def test_bad_secret(make_silex, endpoint, root, what):
    """503 and a word about it, until it is mended; and again when it breaks."""
    bad, e, s = bad_secrets(root)[what], endpoint(root.issue(NAME)), make_silex(https=True)
    if bad is not None:
        s.manifests.put("secret", bad)
    route(s, e.server_port, **VERIFIED)
    s.start()
    assert s.get("/").status == 503 and reason(s, "denied") >= 1
    s.wait_log("proxy-ssl-secret.*503.*Secret default/up")
    s.manifests.put("secret", opaque("up", ca_crt=root.crt))
    s.wait_status(200)
    if bad is None:
        s.manifests.delete("secret")
    else:
        s.manifests.put("secret", bad)
    s.wait_status(503)
    assert not e.names or set(e.names) == {None}


@pytest.mark.parametrize("said, word", [
    ({"secret": "up"}, "namespace/name"), ({"secret": "other/up"}, "another namespace"),
    ({"ciphers": "NO-SUCH-CIPHER"}, "no cipher"), ({"ciphers": "A;B"}, "no list"),
    ({"name": "a b"}, "host name"), ({"name": "$host"}, "host name"),
    ({"verify": "on"}, "needs proxy-ssl-name"), ({"verify": "yes"}, "taken for on")])
def test_bad_annotation(make_silex, endpoint, root, said, word):
    e, s = endpoint(root.issue(NAME)), make_silex()
    route(s, e.server_port, opaque("up", ca_crt=root.crt), opaque("up", ns="other",
                                                                  ca_crt=root.crt), **said)
    s.start()
    assert s.get("/").status == 503
    s.wait_log(f"proxy-ssl-.*{word}")
    assert not e.names, "nobody was asked"


def test_versions_that_do_not_exist(make_silex, endpoint, root):
    e, s = endpoint(root.issue(NAME)), make_silex()
    route(s, e.server_port, opaque("up", ca_crt=root.crt), protocols="TLSv1 TLSv1.1", **VERIFIED)
    s.start()
    assert s.get("/").get("x-version") == "TLSv1.2"
    s.wait_log("proxy-ssl-protocols.*TLSv1.2 is used")


def test_others_are_not_read_without_the_secret(make_silex, endpoint, root, tmp_path):
    e, s = endpoint(self_signed(tmp_path)), make_silex()
    s.manifests.put("base", backends("base", e.server_port), ingress(
        "base", {"silex.test": "base"}, annotations={
            "backend-protocol": "HTTPS", "proxy-ssl-verify": "on", "proxy-ssl-name": NAME,
            "proxy-ssl-server-name": "on", "proxy-ssl-ciphers": "NO-SUCH-CIPHER"}))
    s.start()
    assert s.get("/").status == 200 and set(e.names) == {None}


def test_plain_endpoints_with_a_bad_secret(make_silex, origin):
    """As ingress-nginx: the location is denied whatever its protocol; a good one changes nothing."""
    s = make_silex()
    s.manifests.put("base", backends("base", origin.port), ingress(
        "base", {"silex.test": "base"}, annotations={"proxy-ssl-secret": "default/up",
                                                     "proxy-ssl-verify": "on"}))
    s.start()
    assert s.get("/").status == 503
    s.manifests.put("secret", opaque("up", ca_crt=b"none"))
    s.wait_log("ca.crt holds no PEM")
    assert s.get("/").status == 503


# -- changes, and what must not mix -----------------------------------------------------------

def test_changed_secret_is_for_new_connections(make_silex, endpoint, root, tmp_path):
    """A pooled connection that was verified by the old authority is not used under the new one."""
    other = Authority(tmp_path / "other", "other")
    e, s = endpoint(root.issue(NAME)), make_silex()
    route(s, e.server_port, **VERIFIED)
    s.manifests.put("secret", opaque("up", ca_crt=root.crt))
    s.start()
    first = s.get("/").get("x-port")
    assert s.get("/").get("x-port") == first
    s.manifests.put("secret", opaque("up", ca_crt=other.crt))
    s.wait_status(502)
    both = other.crt.read_bytes() + root.crt.read_bytes()
    s.manifests.put("secret", opaque("up", ca_crt=both))
    s.wait_status(200)
    a = s.get("/")
    assert a.get("x-port") != first and a.get("x-resumed") == "False"


def test_renewed_client_certificate(make_silex, endpoint, root):
    e, s = endpoint(root.issue(NAME), clients=root), make_silex(https=True)
    route(s, e.server_port)
    for name in ("first", "second", "third"):
        own = root.issue(name)
        s.manifests.put("secret", opaque("up", ca_crt=root.crt, tls_crt=own.chain,
                                         tls_key=own.key))
        if name == "first":
            s.start()
        wait_until(lambda n=name: s.get("/").get("x-client") == n, what=name)


def test_profiles_do_not_mix(make_silex, endpoint, root):
    """One endpoint, four ways to speak to it: no connection and no session of one serves another."""
    names = ("one", "two", "verified", "bare")
    e, s = endpoint(root.issue(NAME)), make_silex(https=True)
    e.context.verify_mode = ssl.CERT_OPTIONAL
    e.context.load_verify_locations(root.crt)
    for name in ("one", "two"):
        own = root.issue(name)
        route(s, e.server_port, opaque(name, ca_crt=root.crt, tls_crt=own.chain, tls_key=own.key),
              host=f"{name}.test", service=name, secret=f"default/{name}")
    route(s, e.server_port, opaque("up", ca_crt=root.crt), host="verified.test", service="verified",
          **VERIFIED)
    s.manifests.put("bare", backends("bare", e.server_port), ingress(
        "bare", {"bare.test": "bare"}, annotations={"backend-protocol": "HTTPS"}))
    s.start()
    ports = {}
    for _ in range(3):
        for name in names:
            a = s.get("/", f"{name}.test")
            assert a.status == 200
            assert a.get("x-client") == (name if name in ("one", "two") else "none")
            ports.setdefault(name, set()).add(a.get("x-port"))
    assert all(len(p) == 1 for p in ports.values()) and len(set.union(*ports.values())) == 4
    for name in names * 2:
        a = s.get("/close", f"{name}.test")
        assert a.get("x-client") == (name if name in ("one", "two") else "none")


@pytest.mark.parametrize("protocols", ["TLSv1.2", "TLSv1.3"])
def test_sessions_resume_within_a_profile(make_silex, endpoint, root, protocols):
    own = root.issue("silex")
    e = endpoint(root.issue(NAME), clients=root)
    s = make_silex(https=True, conf="upstream-keepalive-connections = 0\n")
    route(s, e.server_port, opaque("up", ca_crt=root.crt, tls_crt=own.chain, tls_key=own.key),
          protocols=protocols, **VERIFIED)
    s.manifests.put("other", backends("other", e.server_port), ingress(
        "other", {"other.test": "other"},
        annotations=annotations(protocols=protocols, verify="on", name=NAME, server_name="on")))
    s.start()
    assert s.get("/close").get("x-resumed") == "False"
    for _ in range(3):
        a = s.get("/close")
        assert a.get("x-resumed") == "True" and a.get("x-client") == "silex"
    assert s.get("/close", "other.test").get("x-resumed") == "False"


# -- whose settings count ---------------------------------------------------------------------

def two_ingresses(silex, port):
    """The older one verifies; the younger one has another path of the host, and says nothing."""
    said = annotations(**VERIFIED)
    silex.manifests.put(
        "base", backends("base", port),
        ingress("a-old", {"silex.test": "base"}, annotations=said,
                created="2026-01-01T00:00:00Z"),
        ingress("b-young", {"silex.test": [path("/young", "base")]},
                created="2026-02-01T00:00:00Z"))


def test_oldest_ingress_decides_for_the_host(make_silex, endpoint, root, tmp_path):
    e, s = endpoint(self_signed(tmp_path)), make_silex()
    s.manifests.put("secret", opaque("up", ca_crt=root.crt))
    two_ingresses(s, e.server_port)
    s.start()
    assert s.get("/").status == 502 and s.get("/young").status == 502
    s.manifests.delete("secret")
    s.wait_status(503)
    assert s.get("/young").status == 503, "endpoints that nobody verified get nothing"


def test_location_only(make_silex, endpoint, root, tmp_path):
    e = endpoint(self_signed(tmp_path))
    s = make_silex(conf="proxy-ssl-location-only = true\n")
    s.manifests.put("secret", opaque("up", ca_crt=root.crt))
    two_ingresses(s, e.server_port)
    s.start()
    assert s.get("/").status == 502 and s.get("/young").status == 200


# -- HTTP/2 -----------------------------------------------------------------------------------

def test_grpcs_with_everything(make_silex, make_scripted, root):
    """GRPCS: verified, our certificate shown, the name sent, h2 agreed on."""
    own, e = root.issue("silex"), root.issue(NAME)
    context, seen = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), []
    context.load_cert_chain(e.chain, e.key)
    context.load_verify_locations(root.crt)
    context.verify_mode = ssl.CERT_REQUIRED
    context.set_alpn_protocols(["h2"])
    context.sni_callback = lambda sock, name, ctx: seen.append(name)

    def script(conn):
        peer = Peer(context.wrap_socket(conn.sock, server_side=True))
        seen.append(dict(x[0] for x in peer.sock.getpeercert()["subject"])["commonName"])
        while (stream := peer.request()) is not None:
            peer.answer(stream, [(":status", "200")], b"two")
    scripted, s = make_scripted(script), make_silex(https=True)
    s.manifests.put(
        "base", backends("base", scripted.port),
        opaque("up", ca_crt=root.crt, tls_crt=own.chain, tls_key=own.key),
        ingress("base", {"silex.test": "base"}, annotations=annotations(
            server_name="on", protocols="TLSv1.3", **VERIFIED) | {"backend-protocol": "GRPCS"}))
    s.start()
    for _ in range(3):
        assert s.get("/").body == b"two"
    assert seen == [NAME, "silex"]
