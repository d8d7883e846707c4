"""What the tests of the API source share: the fake server, a Silex that follows it, and traffic
that must not notice anything. A test file imports the fixtures it uses by name."""

import contextlib
import json

import pytest

from fakeapi import FakeApi
from harness import backends, ingress, ingress_class, wait_until
from load import GENTLE, Load, assert_clean


@pytest.fixture
def api():
    a = FakeApi()
    yield a
    a.down()


def fill(api, origin):
    api.put(ingress_class(), backends("base", origin.port), ingress("base", {"silex.test": "base"}))


def kubeconfig(tmp, api, **user):
    """A kubeconfig for a server with TLS or a user with a token; returns its path."""
    cluster = {"server": api.url}
    if api.tls is not None:
        cluster["certificate-authority"] = str(tmp / "ca.pem")
    path = tmp / "kubeconfig"
    path.write_text(json.dumps({
        "apiVersion": "v1", "kind": "Config", "current-context": "c",
        "clusters": [{"name": "c", "cluster": cluster}], "users": [{"name": "u", "user": user}],
        "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}]}))
    return path


@pytest.fixture
def follow(make_silex, api, origin):
    """follow(flags...) -> a Silex on the API that serves silex.test."""
    def start(*flags, source=None, ready=True, **how):
        fill(api, origin)
        source = source or ["--apiserver-host", api.url]
        return make_silex(source=source, flags=["--disable-leader-election", *flags],
                          **how).start(ready)
    return start


@contextlib.contextmanager
def traffic(silex):
    """Requests all the while; none of them fails, and some came after the last change."""
    load = Load(silex, 2, pause=GENTLE)
    yield
    before = silex.metrics()["silex_requests_total"]
    wait_until(lambda: silex.metrics()["silex_requests_total"] > before + 20, what="traffic")
    assert_clean(load.stop())


def publish_host(api, name, service_name="base", **how):
    """A new host, whose being served proves that changes arrive."""
    api.put(ingress(name, {f"{name}.test": service_name}, **how))


def arrives(silex, api, name="proof"):
    publish_host(api, name)
    silex.wait_status(200, host=f"{name}.test")


def next_request(api, verb, plural, since):
    return wait_until(lambda: api.asked(verb, plural, since), what=f"{verb} {plural}")[0]


def mark(api):
    return len(api.requests)


def trouble(silex, plural):
    return silex.metrics()[f'silex_api_trouble{{resource="{plural}"}}']


def wait_well(silex):
    wait_until(lambda: silex.metrics()["silex_api_stale_since_timestamp_seconds"] == 0,
               what=f"no trouble left:\n{silex.log()}")
