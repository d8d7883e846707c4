"""Services of type ExternalName: names resolved by the master, their TTL honoured, and what a
tenant's name must not lead to."""

import pytest

from fakeapi import FakeApi
from harness import ingress, ingress_class, service, wait_until
from load import GENTLE, Load, assert_clean
from nameserver import NameServer

NAME = "db.example.test"


@pytest.fixture
def dns():
    n = NameServer()
    yield n
    n.stop()


def external(port, name=NAME):
    return service("out", port, kind="ExternalName", externalName=name)


@pytest.fixture
def start(make_silex, dns):
    def run(origin, *flags):
        s = make_silex(flags=["--dns-servers", dns.address, *flags])
        s.manifests.put("out", external(origin.port), ingress("out", {"silex.test": [
            {"path": "/", "pathType": "Prefix", "backend": {"service": {
                "name": "out", "port": {"number": origin.port}}}}]}))
        return s.start()
    return run


def test_resolved_and_followed(start, dns, make_origin):
    """When the TTL is over the name is asked again, and the new address gets the traffic."""
    first = make_origin("first")
    make_origin("second", bind="127.0.0.2", port=first.port)
    dns.names[NAME] = ["127.0.0.1"]
    silex = start(first)
    silex.wait_status(200)
    load = Load(silex, 2, pause=GENTLE)
    assert silex.get().body.startswith(b"origin first")
    dns.names[NAME] = ["127.0.0.2"]
    wait_until(lambda: silex.get().body.startswith(b"origin second"), what="the new address")
    assert_clean(load.stop())


def test_name_server_away(start, dns, origin):
    """The last addresses stay while nobody answers."""
    dns.names[NAME] = ["127.0.0.1"]
    silex = start(origin)
    silex.wait_status(200)
    asked = len(dns.asked)
    wait_until(lambda: len(dns.asked) > asked, what="another question")
    load = Load(silex, 2, pause=GENTLE)
    dns.deaf = True
    dns.names[NAME] = []
    wait_until(lambda: silex.metrics()["silex_requests_total"] > 50, what="traffic")
    assert silex.get().status == 200
    assert_clean(load.stop())


def test_unknown_then_known(start, dns, origin):
    silex = start(origin)
    silex.wait_log("its name cannot be resolved")
    assert silex.get().status == 503
    dns.names[NAME] = ["127.0.0.1"]
    silex.wait_status(200)


def test_disabled(start, dns, origin):
    dns.names[NAME] = ["127.0.0.1"]
    silex = start(origin, "--disable-svc-external-name")
    silex.wait_log("disable-svc-external-name refuses")
    assert silex.get().status == 503
    assert NAME not in dns.asked


V4 = ["127.0.0.1", "169.254.169.254", "0.0.0.0", "224.0.0.1"]


@pytest.mark.parametrize("literal,address", [(True, a) for a in V4] +
                         [(False, a) for a in [*V4, "::1", "fe80::1", "ff02::1"]])
def test_refused_from_the_api(make_silex, dns, origin, address, literal):
    """Over the API anybody's Service may come: not to what is only ours to reach."""
    api = FakeApi()
    dns.names[NAME] = [address]
    api.put(ingress_class(), external(origin.port, address if literal else NAME),
            ingress("out", {"silex.test": "out"}))
    silex = make_silex(source=["--apiserver-host", api.url],
                       flags=["--disable-leader-election", "--dns-servers", dns.address]).start()
    silex.wait_log("leads to a loopback or link-local")
    assert silex.get().status == 503
    api.down()


def test_allowed_from_the_api(make_silex, dns, origin):
    api = FakeApi()
    dns.names[NAME] = ["127.0.0.1"]
    api.put(ingress_class(), external(origin.port), ingress("out", {"silex.test": [
        {"path": "/", "pathType": "Prefix", "backend": {"service": {
            "name": "out", "port": {"number": origin.port}}}}]}))
    silex = make_silex(source=["--apiserver-host", api.url],
                       flags=["--disable-leader-election", "--dns-servers", dns.address,
                              "--external-name-allow-local"]).start()
    silex.wait_status(200)
    api.down()
