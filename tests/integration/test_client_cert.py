"""Client certificates: auth-tls-* as ingress-nginx has it, and what binds a client to its host."""

import ssl
import subprocess
import urllib.parse

import pytest

from api_world import api, follow  # noqa: F401
from authority import Authority, ca_secret
from certs import Pair, secret, tls
from frames import H2
from harness import PATIENCE, backends, ingress, wait_until
from test_edge import reason
from test_tls import TlsClient, context

V12, V13 = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3
MISSING, BAD = "No required SSL certificate was sent", "The SSL certificate error"


class World:
    """Certificates that many tests need; made once, since each is a process of openssl."""

    def __init__(self, tmp):
        self.pair = Pair(tmp / "pair", "silex.test", "a.test", "b.test", "plain.test", "also.test",
                         "*.wild.test")
        self.ca, self.other = Authority(tmp / "ca"), Authority(tmp / "other", "Other CA")
        self.below = Authority(tmp / "below", "Below", self.ca)
        self.lowest = Authority(tmp / "lowest", "Lowest", self.below)
        self.good = self.ca.issue("/O=Org/CN=good")
        self.expired = self.ca.issue("/CN=expired", start=-20, end=-10)
        self.stranger = self.other.issue("/CN=good")
        self.revoked = self.ca.issue("/CN=revoked")
        self.ca.revoke(self.revoked)
        self.crl = self.ca.crl()


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    return World(tmp_path_factory.mktemp("clients"))


def asking(client=None, version=None):
    """A TLS context of a client that has this certificate, or none."""
    c = context(version)
    if client:
        c.load_cert_chain(client.crt, client.key)
    return c


def put(s, origin, world, annotations, hosts=("silex.test",), *, name="base", ca=None, crl=None,
        **how):
    """Hosts that ask for certificates of ca."""
    given = {"auth-tls-secret": "default/ca", **annotations}
    named = [h for h in hosts if h]
    s.manifests.put(
        name, backends(name, origin.port),
        ingress(name, {h: name for h in hosts}, tls=[tls("cert", *named)] if named else None,
                annotations={k: v for k, v in given.items() if v is not None}, **how),
        secret("cert", world.pair.crt, world.pair.key),
        *([] if ca is False else [ca_secret("ca", *(ca or [world.ca]), crl=crl)]))


@pytest.fixture
def start(make_silex, origin, world):
    def go(annotations=None, hosts=("silex.test",), *, workers=1, conf="", **how):
        s = make_silex(https=True, workers=workers, conf=conf)
        put(s, origin, world, annotations or {}, hosts, **how)
        return s.start()
    return go


def ask(s, client=None, target="/echo", host="silex.test", version=None, name=None, **how):
    with TlsClient(s, name or host, ctx=asking(client, version)) as c:
        return c.get(target, host, **how)


def said(answer):
    return {k.lower(): v for k, v in answer.json()["headers"]}


# -- who comes in ---------------------------------------------------------------------------------

@pytest.mark.parametrize("version", [V12, V13])
@pytest.mark.parametrize("mode", ["on", "optional", "optional_no_ca", "off", None])
def test_modes(start, world, mode, version):
    s = start({"auth-tls-verify-client": mode}, crl=world.crl)
    lax = mode == "optional_no_ca"
    rows = {  # client: verdict upstream, or the answer's words
        None: "NONE" if mode not in ("on", None) else MISSING,
        world.good: "SUCCESS",
        world.expired: BAD,
        world.stranger: "FAILED:" if lax else BAD,
        world.revoked: BAD,
    }
    for client, want in rows.items():
        a = ask(s, client, version=version)
        if mode == "off":
            assert said(a)["ssl-client-verify"] == "NONE"
        elif want in (MISSING, BAD):
            assert a.status == 400 and want in a.text, (mode, client and client.crt, a)
            assert "text/html" in a.get("content-type")
        else:
            assert a.status == 200, (mode, client and client.crt, a)
            assert said(a)["ssl-client-verify"].startswith(want)
    missing = 1 if mode in ("on", None) else 0
    bad = 0 if mode == "off" else 2 if lax else 3
    wait_until(lambda: (reason(s, "client_cert_missing"), reason(s, "client_cert_bad")) ==
               (missing, bad), what="counted reasons")


def test_what_the_origin_is_told(start, world):
    s = start()
    h = said(ask(s, world.good, fields={"ssl-client-verify": "SUCCESS", "SSL-Client-Cert": "x",
                                        "Ssl-Client-Subject-Dn": "CN=admin",
                                        "ssl-client-issuer-dn": "CN=admin"}))
    assert h["ssl-client-verify"] == "SUCCESS"
    assert h["ssl-client-subject-dn"] == "CN=good,O=Org"
    assert h["ssl-client-issuer-dn"] == "CN=Test CA"
    assert "ssl-client-cert" not in h


@pytest.mark.parametrize("annotations", [{"auth-tls-verify-client": "optional"},
                                         {"auth-tls-secret": None}])
def test_nobody_can_say_it_of_himself(start, annotations):
    """Without a certificate, and on a host that asks for none, in any spelling."""
    s = start(annotations)
    lies = {"ssl-client-verify": "SUCCESS", "ssl-client-subject-dn": "CN=admin",
            "ssl-client-issuer-dn": "CN=x", "ssl-client-cert": "x", "ssl_client_verify": "SUCCESS",
            "Connection": "close, ssl-client-verify"}
    h = said(ask(s, fields=lies))
    mine = {k: v for k, v in h.items() if k.replace("_", "-").startswith("ssl-client")}
    assert mine == ({} if "auth-tls-secret" in annotations else {"ssl-client-verify": "NONE"})


@pytest.mark.parametrize("version", [V12, V13])
def test_the_certificate_itself(start, world, version):
    s = start({"auth-tls-pass-certificate-to-upstream": "true"})
    with TlsClient(s, ctx=asking(world.good, version)) as c:
        for _ in range(2):
            given = said(c.get("/echo"))["ssl-client-cert"]
            assert urllib.parse.unquote(given) == world.good.pem()
            assert not set(given) - set("%-._~") - {ch for ch in given if ch.isalnum()}


@pytest.mark.parametrize("depth,status", [(None, 200), ("0", 200), ("1", 200), ("2", 200)])
def test_depth_lets_one_intermediate_in(start, world, depth, status):
    s = start({"auth-tls-verify-depth": depth})
    assert ask(s, world.below.issue("/CN=x")).status == status


def test_depth_keeps_longer_chains_out(start, origin, world):
    far = world.lowest.issue("/CN=far")
    s = start({"auth-tls-verify-depth": "1"})
    assert ask(s, far).status == 400
    put(s, origin, world, {"auth-tls-verify-depth": "2"})
    wait_until(lambda: ask(s, far).status == 200, what="the new depth")


def test_a_chain_without_its_intermediate(start, world):
    alone = world.below.issue("/CN=x")
    alone.crt.write_text(alone.pem())
    s = start()
    assert ask(s, alone).status == 400


# -- answers --------------------------------------------------------------------------------------

def test_error_page_elsewhere(start, world):
    s = start({"auth-tls-error-page": "https://help.test/certificates?x=1"})
    for client in (None, world.expired):
        a = ask(s, client)
        assert a.status == 302 and a.get("location") == "https://help.test/certificates?x=1"
    assert ask(s, world.good).status == 200


def test_error_page_of_the_host(start, world):
    s = start({"auth-tls-error-page": "/echo?why=cert"})
    for method, asked in (("GET", "GET"), ("POST", "GET"), ("HEAD", "HEAD")):
        with TlsClient(s, ctx=asking(world.expired)) as c:
            c.request("/bytes/5", method=method, body=b"" if method == "POST" else None)
            a = c.read(method)
            if method != "HEAD":
                seen = a.json()
                assert seen["method"] == asked and seen["target"] == "/echo?why=cert"
                assert said(a)["ssl-client-verify"] == "FAILED:certificate has expired"
            assert a.status == 200


@pytest.mark.parametrize("pattern,status", [
    ("CN=good", 200), ("CN=(bad|good)", 200), ("CN=go", 200), ("CN=bad", 403), ("CN=GOOD", 403),
    ("CN=go$", 403), ("CN=.*", 200)])
def test_match_cn(start, world, pattern, status):
    s = start({"auth-tls-match-cn": pattern})
    a = ask(s, world.good)
    assert a.status == status
    if status == 403:
        assert a.text == "client certificate unauthorized"
        assert reason(s, "client_cert_unauthorized") == 1
    assert ask(s).status == 400


def test_match_cn_looks_at_no_other_attribute(start, world):
    s = start({"auth-tls-match-cn": "CN=good"})
    for subject in ("/O=CN=good/CN=evil", "/O=x,CN=good/CN=evil", "/CN=evil/O=,CN=good"):
        assert ask(s, world.ca.issue(subject)).status == 403, subject
    assert ask(s, world.ca.issue("/CN=good/O=x/OU=y")).status == 200


def test_match_cn_without_a_certificate(start):
    s = start({"auth-tls-match-cn": "CN=good", "auth-tls-verify-client": "optional"})
    assert ask(s).status == 403
    assert s.get("/").status == 403  # the plain port, as nginx


def test_a_regex_that_runs_away_lets_nobody_in(start, world):
    s = start({"auth-tls-match-cn": "CN=(a+)+$"})
    assert ask(s, world.ca.issue("/CN=" + "a" * 40 + "b")).status == 403


@pytest.mark.parametrize("version", [V12, V13])
def test_a_nul_in_a_name(start, world, version):
    """A SAN and a subject with NUL: nothing is cut there, nor taken for its beginning."""
    san = "subjectAltName=DER:30:0c:82:0a:67:6f:6f:64:00:65:76:69:6c:73"
    s = start({"auth-tls-pass-certificate-to-upstream": "true"})
    a = ask(s, world.ca.issue("/CN=nul", san=san), version=version)
    assert a.status == 200 and said(a)["ssl-client-subject-dn"] == "CN=nul"
    a = ask(s, world.ca.issue("/CN=Grüße, \"x\"\\+y"), version=version)
    assert said(a)["ssl-client-subject-dn"] == 'CN=Gr\\C3\\BC\\C3\\9Fe\\, \\"x\\"\\+y'


def test_names_beyond_all_measure(start, world):
    many = "/CN=" + "x" * 60 + "".join("/OU=" + "y" * 60 for _ in range(140))
    s = start({"auth-tls-verify-client": "optional_no_ca"})
    a = ask(s, world.ca.issue(many))
    assert a.status == 400 and BAD in a.text


# -- hosts ----------------------------------------------------------------------------------------

@pytest.fixture
def two(make_silex, origin, world):
    """a.test and b.test ask for certificates, plain.test does not."""
    s = make_silex(https=True)
    put(s, origin, world, {}, ("a.test",), name="a")
    put(s, origin, world, {"auth-tls-verify-client": "optional"}, ("b.test",), name="b")
    put(s, origin, world, {"auth-tls-secret": None}, ("plain.test", "also.test"), name="plain")
    return s.start()


def test_a_client_is_bound_to_its_host(two, world):
    with TlsClient(two, "a.test", ctx=asking(world.good)) as c:
        assert c.get("/echo", "a.test").status == 200
        assert c.get("/echo", "A.TEST.").status == 200
        assert c.get("/echo", "a.test:8443").status == 200
        for host in ("b.test", "plain.test", "nobody.test"):
            assert c.get("/echo", host).status == 421, host
        assert c.get("/echo", "a.test").status == 200
    wait_until(lambda: reason(two, "misdirected") == 3, what="a counted reason")


def test_who_was_not_asked_is_sent_to_a_connection_of_its_own(two, world):
    with TlsClient(two, "plain.test", ctx=asking(world.good)) as c:
        assert c.get("/echo", "plain.test").status == 200
        assert c.get("/echo", "also.test").status == 200
        for host in ("a.test", "b.test"):
            assert c.get("/echo", host).status == 421, host


def test_who_names_no_host_has_no_certificate(two, world):
    with TlsClient(two, None, ctx=asking(world.good)) as c:
        assert c.get("/echo", "plain.test").status == 200
        assert c.get("/echo", "a.test").status == 400
        assert said(c.get("/echo", "b.test"))["ssl-client-verify"] == "NONE"


def test_http2_streams_of_other_hosts(two, world):
    """Coalescing (RFC 9113 §9.1.1): one certificate for all of them, one address."""
    ctx = asking(world.good)
    ctx.set_alpn_protocols(["h2"])
    with TlsClient(two, "a.test", ctx=ctx) as tcp:
        assert tcp.sock.selected_alpn_protocol() == "h2"
        h2 = H2(0, sock=tcp.sock)
        for host, status in (("a.test", 200), ("b.test", 421), ("plain.test", 421),
                             ("a.test", 200)):
            assert h2.get("/echo", authority=host, scheme="https").status == status, host
    ctx = asking(None)
    ctx.set_alpn_protocols(["h2"])
    with TlsClient(two, "a.test", ctx=ctx) as tcp:
        h2 = H2(0, sock=tcp.sock)
        assert h2.get("/echo", authority="a.test", scheme="https").status == 400


def test_the_catch_all_host(make_silex, origin, world):
    s = make_silex(https=True)
    put(s, origin, world, {}, ("",), name="all")
    put(s, origin, world, {"auth-tls-secret": None}, ("plain.test",), name="plain")
    s.start()
    for name in (None, "any.test"):
        assert ask_as(s, name, "any.test", world.good) == 200, name
        assert ask_as(s, name, "any.test", None) == 400, name
    assert ask_as(s, "plain.test", "plain.test", None) == 200
    assert ask_as(s, "plain.test", "any.test", world.good) == 421
    assert ask_as(s, "any.test", "plain.test", world.good) == 421


def ask_as(s, name, host, client):
    with TlsClient(s, name, ctx=asking(client)) as c:
        return c.get("/echo", host).status


def test_a_wildcard_host(make_silex, origin, world):
    s = make_silex(https=True)
    put(s, origin, world, {}, ("*.wild.test",), name="wild")
    s.start()
    assert ask_as(s, "x.wild.test", "x.wild.test", world.good) == 200
    assert ask_as(s, "x.wild.test", "x.wild.test", None) == 400
    assert ask_as(s, "x.wild.test", "y.wild.test", world.good) == 421


# -- sessions -------------------------------------------------------------------------------------

def resumed(s, name, ctx, session):
    with TlsClient(s, name, ctx=ctx, session=session) as c:
        return c.sock.session_reused, c.get("/echo", name)


def session_of(s, name, ctx):
    with TlsClient(s, name, ctx=ctx) as c:
        c.get("/echo", name)
        return c.sock.session


@pytest.mark.parametrize("version", [V12, V13])
def test_a_session_resumes_with_its_certificate(two, world, version):
    ctx = asking(world.good, version)
    session = session_of(two, "a.test", ctx)
    again, a = resumed(two, "a.test", ctx, session)
    assert again and said(a)["ssl-client-subject-dn"] == "CN=good,O=Org"


@pytest.mark.parametrize("version", [V12, V13])
def test_a_session_never_crosses_hosts(two, world, version):
    """nginx' CVE-2025-23419: a ticket of one host on another that asks is a full handshake."""
    for first, second in (("plain.test", "a.test"), ("b.test", "a.test"), ("a.test", "b.test"),
                          ("a.test", "plain.test")):
        ctx = asking(world.good, version)
        again, a = resumed(two, second, ctx, session_of(two, first, ctx))
        assert not again and a.status == 200, (first, second)
    anonymous = asking(None, version)
    again, a = resumed(two, "a.test", anonymous, session_of(two, "b.test", anonymous))
    assert not again and a.status == 400
    again, _ = resumed(two, "also.test", anonymous, session_of(two, "plain.test", anonymous))
    assert again  # where nobody is asked, names do not matter


@pytest.mark.parametrize("conf", ["", "ssl-session-tickets = false"])
@pytest.mark.parametrize("version", [V12, V13])
def test_a_bad_certificate_is_looked_at_each_time(start, world, version, conf):
    s = start(conf=conf)
    ctx = asking(world.stranger, version)
    session = session_of(s, "silex.test", ctx)
    if session is not None:
        assert not resumed(s, "silex.test", ctx, session)[0]
    ctx = asking(world.good, version)
    again, a = resumed(s, "silex.test", ctx, session_of(s, "silex.test", ctx))
    assert again and said(a)["ssl-client-verify"] == "SUCCESS"


@pytest.mark.parametrize("version", [V12, V13])
def test_the_session_cache_knows_hosts_apart(make_silex, origin, world, version):
    s = make_silex(https=True, conf="ssl-session-tickets = false")
    put(s, origin, world, {}, ("a.test",), name="a")
    put(s, origin, world, {"auth-tls-secret": None}, ("plain.test",), name="plain")
    s.start()
    ctx = asking(world.good, version)
    again, a = resumed(s, "a.test", ctx, session_of(s, "plain.test", ctx))
    assert not again and a.status == 200


def test_a_changed_ca_ends_sessions_but_no_connection(start, origin, world):
    ctx = asking(world.good, V13)
    s = start()
    session = session_of(s, "silex.test", ctx)
    with TlsClient(s, ctx=ctx) as old:
        assert old.get("/echo").status == 200
        put(s, origin, world, {}, ca=[world.other])
        wait_until(lambda: ask(s, world.stranger).status == 200, what="the new CA")
        assert old.get("/echo").status == 200
    again, a = resumed(s, "silex.test", ctx, session)
    assert not again and a.status == 400


def test_a_new_revocation_list_serves_the_next_handshake(start, origin, world):
    s = start()
    assert ask(s, world.revoked).status == 200
    put(s, origin, world, {}, crl=world.crl)
    wait_until(lambda: ask(s, world.revoked).status == 400, what="the revocation list")
    assert ask(s, world.good).status == 200


def test_who_came_before_the_host_began_to_ask(start, origin, world):
    s = start({"auth-tls-secret": None})
    with TlsClient(s, ctx=asking(world.good)) as c:
        assert c.get("/echo").status == 200
        put(s, origin, world, {})
        wait_until(lambda: ask(s).status == 400, what="the host to ask")
        assert c.get("/echo").status == 421
    assert ask(s, world.good).status == 200


# -- what is wrong with the configuration ---------------------------------------------------------

@pytest.mark.parametrize("annotations,ca,words", [
    ({}, False, "does not exist"),
    ({"auth-tls-secret": "ca"}, None, "must be the namespace and the name"),
    ({"auth-tls-secret": "default/ca/x"}, None, "must be the namespace and the name"),
    ({"auth-tls-secret": "other/ca"}, None, "names another namespace"),
    ({"auth-tls-match-cn": "good"}, None, "must be a regular expression that begins with CN="),
    ({"auth-tls-match-cn": "CN=("}, None, "auth-tls-match-cn is no regular expression"),
    ({}, b"", "holds no ca.crt"),
    ({}, b"hello", "ca.crt holds no PEM certificate"),
    ({}, b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
     "PEM block 1 of ca.crt is no certificate"),
])
def test_misconfigured_hosts_are_closed(make_silex, origin, world, annotations, ca, words):
    s = make_silex(https=True)
    put(s, origin, world, annotations, ca=False)
    if ca is not False:
        s.manifests.put("ca", ca_secret("ca", world.ca, crt=ca))
    s.manifests.put("fine", backends("fine", origin.port), ingress("fine", {"fine.test": "fine"}))
    s.start()
    s.wait_log(words)
    assert ask(s, world.good).status == 403
    assert ask(s, world.good, "/nowhere").status == 403
    assert s.get("/echo").status == 403  # before any redirect
    assert s.get("/echo", "fine.test").status == 200
    put(s, origin, world, {})
    s.manifests.put("ca", ca_secret("ca", world.ca))
    wait_until(lambda: ask(s, world.good).status == 200, what="the mended host")


def test_the_secret_of_an_api_server(follow, api, world):  # noqa: F811
    """It is watched by its name, as those of tls sections are."""
    s = follow(https=True)
    api.put(ca_secret("ca", world.ca), secret("cert", world.pair.crt, world.pair.key),
            ingress("a", {"a.test": "base"}, tls=[tls("cert", "a.test")],
                    annotations={"auth-tls-secret": "default/ca"}))
    wait_until(lambda: ask(s, world.good, host="a.test").status == 200, what="the host")
    assert ask(s, host="a.test").status == 400
    assert sorted(w.name for w in api.watches("secrets")) == ["ca", "cert"]
    api.put(ca_secret("ca", world.other))
    wait_until(lambda: ask(s, world.stranger, host="a.test").status == 200, what="the new CA")
    api.delete("Secret", "ca")
    wait_until(lambda: ask(s, world.stranger, host="a.test").status == 403, what="the closed host")
    api.delete("Ingress", "a")
    wait_until(lambda: not api.watches("secrets"), what="the end of the watches")


def test_a_ca_that_goes_closes_the_host(start, origin, world):
    s = start()
    assert ask(s, world.good).status == 200
    put(s, origin, world, {}, ca=False)
    s.wait_log("host silex.test answers 403 to everything, because of Secret default/ca")
    wait_until(lambda: ask(s, world.good).status == 403, what="the closed host")


def test_another_namespace_when_it_is_allowed(make_silex, origin, world):
    s = make_silex(https=True, conf="allow-cross-namespace-resources = true\n")
    put(s, origin, world, {"auth-tls-secret": "other/ca"}, ca=False)
    s.manifests.put("ca", ca_secret("ca", world.ca, ns="other"))
    s.start()
    assert ask(s, world.good).status == 200 and ask(s).status == 400


def test_the_oldest_ingress_decides(make_silex, origin, world):
    s = make_silex(https=True)
    put(s, origin, world, {}, name="old")
    s.manifests.put("young", ingress("young", {"silex.test": [
        {"path": "/young", "pathType": "Prefix",
         "backend": {"service": {"name": "old", "port": {"number": 80}}}}]},
        annotations={"auth-tls-secret": "default/ca", "auth-tls-verify-client": "off"}))
    s.start()
    assert ask(s, None, "/young").status == 400
    s.wait_log(r"auth-tls-\* have no effect on host silex.test, because Ingress default/old")


def test_what_has_no_effect_is_told(start, world):
    s = start({"auth-tls-secret": None, "auth-tls-verify-client": "on"})
    s.wait_log("auth-tls-verify-client: has no effect without auth-tls-secret")
    assert ask(s).status == 200


def test_a_wrong_mode_is_the_strict_one(start, world):
    s = start({"auth-tls-verify-client": "maybe", "auth-tls-error-page": "@named"})
    s.wait_log('auth-tls-verify-client: .*maybe.* must be')
    s.wait_log('auth-tls-error-page: .*@named.* must be')
    assert ask(s).status == 400 and ask(s, world.good).status == 200


def test_the_plain_port_is_told_of(start):
    s = start({"ssl-redirect": "false"})
    s.wait_log("host silex.test is served over plain HTTP too")
    a = s.get("/echo", fields={"ssl-client-verify": "SUCCESS"})
    assert a.status == 200 and "ssl-client-verify" not in said(a)


def test_curl_and_http2(start, world):
    s = start()
    resolve = f"silex.test:{s.https_port}:127.0.0.1"
    for flags, want in (((), "400 2"), (("--cert", world.good.crt, "--key", world.good.key),
                                        "200 2")):
        out = subprocess.run(["curl", "-sk", "--http2", *flags, "--resolve", resolve, "-o",
                              "/dev/null", "-w", "%{http_code} %{http_version}",
                              f"https://silex.test:{s.https_port}/echo"],
                             capture_output=True, text=True, check=True, timeout=PATIENCE).stdout
        assert out == want


@pytest.mark.parametrize("alias", ["also.test", "uncertified.test"])
def test_another_name_of_the_host_asks_too(start, world, alias):
    """server-alias, whether the host's certificate is for the name or not."""
    s = start({"server-alias": alias})
    assert ask(s, host=alias).status == 400
    assert ask(s, world.stranger, host=alias).status == 400
    assert said(ask(s, world.good, host=alias))["ssl-client-verify"] == "SUCCESS"
    # A certificate shown to one name is none shown to the other.
    assert ask(s, world.good, host=alias, name="silex.test").status == 421
