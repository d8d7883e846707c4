"""server-alias: more names of a host, over HTTP/1.1 and HTTP/2, with and without TLS."""

import json

import pytest

from certs import Pair, secret, tls
from frames import H2
from harness import backends, ingress, path, wait_until
from test_passthrough import TlsEcho
from test_tls import TlsClient, der, wait_cert

ALIAS = {"server-alias": "b.test, *.c.test"}


def origin_of(s, host, target="/echo"):
    answer = s.get(target, host)
    return json.loads(answer.body)["origin"] if answer.status == 200 else answer.status


def test_more_names(make_silex, make_origin):
    s = make_silex(workers=2)
    one, two = make_origin("one"), make_origin("two")
    s.manifests.put("one", backends("one", one.port), ingress("one", {"a.test": "one"}, annotations=ALIAS))
    s.start()
    for host in ("a.test", "b.test", "B.Test:80", "x.c.test"):
        seen = json.loads(s.get("/echo", host).body)
        assert seen["origin"] == "one"
        fields = {k.lower(): v for k, v in seen["headers"]}
        assert fields["host"] == fields["x-forwarded-host"] == host
    assert [s.get("/echo", host).status for host in ("c.test", "y.x.c.test", "d.test")] == [404] * 3
    # Another one's path of the host is the alias' as well; the alias itself may become a host.
    s.manifests.put("two", backends("two", two.port), ingress("two", {"a.test": [path("/echo/two", "two")]}))
    wait_until(lambda: origin_of(s, "b.test", "/echo/two") == "two", what="the path")
    s.manifests.put("three", ingress("three", {"b.test": "two"}))
    wait_until(lambda: origin_of(s, "b.test") == "two", what="the host of its own")
    s.wait_log("server-alias b.test has no effect")
    s.manifests.delete("three")
    wait_until(lambda: origin_of(s, "b.test") == "one", what="the alias again")
    s.manifests.put("one", backends("one", one.port), ingress("one", {"a.test": "one"}))
    wait_until(lambda: s.get("/echo", "b.test").status == 404, what="the end of the name")
    assert origin_of(s, "a.test") == "one"


def test_http2(make_silex, origin):
    s = make_silex()
    s.manifests.put("one", backends("one", origin.port), ingress("one", {"a.test": "one"}, annotations=ALIAS))
    s.start()
    with H2(s.http_port) as c:
        assert c.get("/echo", authority="b.test").status == 200
        assert c.get("/echo", authority="d.test").status == 404


def test_redirects_keep_the_name(make_silex, origin):
    s = make_silex(https=True)
    s.manifests.put("one", backends("one", origin.port),
                    ingress("one", {"a.test": "one"}, annotations={
                        **ALIAS, "app-root": "/app", "force-ssl-redirect": "true",
                        "from-to-www-redirect": "true"}))
    s.start()
    answer = s.get("/x", "b.test")
    assert (answer.status, answer.get("location")) == (308, "https://b.test/x")
    assert s.get("/", "www.a.test").get("location").startswith("http://a.test")
    assert s.get("/", "www.b.test").status == 404


def test_bad_names_are_told(make_silex, origin):
    s = make_silex()
    s.manifests.put("one", backends("one", origin.port),
                    ingress("one", {"a.test": "one"}, annotations={"server-alias": "~^x, ok.test"}))
    s.start()
    s.wait_log(r'server-alias: \\"~\^x\\" is no host name')
    assert origin_of(s, "ok.test") == "origin"


# -- TLS --------------------------------------------------------------------------------------------


@pytest.fixture
def secured(make_silex, origin, tmp_path):
    """secured(names of the certificate): a.test with TLS and the other name b.test."""
    def start(*names, annotations=None, **how):
        s = make_silex(https=True, **how)
        pair = Pair(tmp_path / "pair", *names)
        s.manifests.put("one", backends("one", origin.port), secret("cert", pair.crt, pair.key),
                        ingress("one", {"a.test": "one"}, tls=[tls("cert", "a.test")],
                                annotations={**ALIAS, **(annotations or {})}))
        s.pair = pair
        return s.start()
    return start


def test_the_certificate_of_the_host(secured):
    s = secured("a.test", "b.test")
    wait_cert(s, s.pair.der(), "b.test")
    with TlsClient(s, "b.test") as c:
        assert c.get("/echo", host="b.test").status == 200
    assert s.get("/x", "b.test").get("location") == "https://b.test/x"


def test_a_certificate_that_is_not_for_the_name(secured):
    s = secured("a.test")
    wait_cert(s, s.pair.der(), "a.test")
    s.wait_log("server-alias b.test is served with the default certificate")
    assert der(s, "b.test") != s.pair.der()
    assert s.get("/x", "b.test").status == 200  # and there is no redirect to it
    assert s.get("/x", "a.test").status == 308


def test_passthrough_is_for_the_host_alone(make_silex, tmp_path):
    pair = Pair(tmp_path / "pair", "a.test", "b.test")
    echo = TlsEcho(pair)
    s = make_silex(https=True, flags=["--enable-ssl-passthrough"])
    s.manifests.put("one", backends("one", echo.port),
                    ingress("one", {"a.test": "one"}, annotations={**ALIAS, "ssl-passthrough": "true"}))
    s.start()
    wait_cert(s, pair.der(), "a.test")
    assert der(s, "b.test") != pair.der()
    s.wait_log("TLS of the names of server-alias is terminated")
    # Told again it is the same Ingress: nothing about it can hurt the master.
    s.manifests.put("one", backends("one", echo.port),
                    ingress("one", {"a.test": "one", "c.test": "one"},
                            annotations={**ALIAS, "ssl-passthrough": "true"}))
    wait_cert(s, pair.der(), "c.test")
    echo.sock.close()


def test_canaries_of_the_host(make_silex, make_origin):
    s = make_silex()
    s.manifests.put("one", backends("one", make_origin("one").port), backends("new", make_origin("new").port),
                    ingress("one", {"a.test": "one"}, annotations={**ALIAS}),
                    ingress("new", {"a.test": "new"},
                            annotations={"canary": "true", "canary-by-header": "X-Canary"}))
    s.start()
    answer = s.get("/echo", "b.test", fields={"X-Canary": "always"})
    assert answer.json()["origin"] == "new"
    assert origin_of(s, "b.test") == "one"
