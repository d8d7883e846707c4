"""Private keys live in the keys process and nowhere else; it may die, and they come again."""

import os
import signal
import ssl
import time

import pytest

import memory
from api_world import api, follow, kubeconfig  # noqa: F401
from certs import Pair, secret, tls
from fakeapi import server_context
from handshakes import Handshakes
from harness import PATIENCE, SANITIZED, backends, ingress, wait_until
from test_tls import der, put, wait_cert
import tls_files


def no_key_but_in_keys(silex, pair):
    """Only the keys process has it. What the master had in a buffer is gone in a moment; under
    sanitizers, whose allocator keeps what was freed, only the workers are looked at."""
    needles = memory.forms(pair)
    assert memory.found(silex.keys(), needles), "the search finds nothing where it should"
    for worker in silex.workers():
        assert not memory.found(worker, needles)
    if not SANITIZED:
        wait_until(lambda: not memory.found(silex.pid, needles), PATIENCE, "a master without the key")


def kill_keys(silex):
    old = silex.keys()
    os.kill(old, signal.SIGKILL)
    wait_until(lambda: silex.keys() not in (0, old), what="another keys process")


def wait_served(silex, pair, name="silex.test"):
    """A full handshake is done by every worker."""
    def served():
        try:
            return all(der(silex, name) == pair.der()
                       for _ in range(4 * max(1, len(silex.workers()))))
        except (OSError, ssl.SSLError):
            return False
    wait_until(served, what=f"the certificate of {name}; log:\n{silex.log()}")


def test_the_search_finds_what_is_there(tmp_path):
    """In this very process, which has read the key."""
    pair = Pair(tmp_path / "pair", "silex.test", kind="rsa")
    needles = memory.forms(pair)
    assert len(needles) >= 6
    assert memory.found(os.getpid(), needles).keys() == needles.keys()


@pytest.mark.parametrize("kind", ["rsa", "p256", "ed25519"])
@pytest.mark.parametrize("form", ["yaml", "json"])
def test_no_key_in_the_master_from_manifests(make_silex, origin, tmp_path, kind, form):
    pair, other = (Pair(tmp_path / n, "silex.test", kind=kind) for n in ("pair", "other"))
    s = make_silex(workers=2, https=True)
    text = (backends("base", origin.port),
            ingress("base", {"silex.test": "base"}, tls=[tls("cert", "silex.test")]))
    if form == "yaml":
        s.manifests.write("secret.yaml", as_yaml(pair))
    else:
        s.manifests.put("secret", secret("cert", pair.crt, pair.key))
    s.manifests.put("base", *text)
    s.start()
    wait_served(s, pair)
    no_key_but_in_keys(s, pair)
    kill_keys(s)
    wait_served(s, pair)
    no_key_but_in_keys(s, pair)
    # A renewed pair, and the old one is nowhere.
    s.manifests.put("secret", secret("cert", other.crt, other.key))
    if form == "yaml":
        s.manifests.delete("secret.yaml")
    wait_served(s, other)
    no_key_but_in_keys(s, other)


def as_yaml(pair):
    """As people write it: stringData with block scalars, which is also the longest way through
    libyaml. data holds another value of it, which stringData replaces."""
    def block(path):
        return "".join(f"    {x}\n" for x in path.read_text().splitlines())
    return ("apiVersion: v1\nkind: Secret\nmetadata:\n  name: cert\ntype: kubernetes.io/tls\n"
            f"stringData:\n  tls.crt: |\n{block(pair.crt)}  tls.key: |\n{block(pair.key)}")


@pytest.fixture(params=["http", "https", "all secrets"])
def through(request, api, tmp_path):
    """How Silex follows the fake API server: its flags."""
    flags = ["--watch-all-secrets"] if request.param == "all secrets" else []
    if request.param == "https":
        pki = tls_files.make(tmp_path / "pki", "127.0.0.1")
        api.tls = server_context(*pki.server)
        (tmp_path / "ca.pem").write_bytes(pki.ca.read_bytes())
        flags += ["--kubeconfig", str(kubeconfig(tmp_path, api))]
    return flags


@pytest.mark.parametrize("kind", ["rsa", "p256"])
def test_no_key_in_the_master_from_the_api(follow, api, origin, tmp_path, through, kind):
    pair, other = (Pair(tmp_path / n, "silex.test", kind=kind) for n in ("pair", "other"))
    unused = Pair(tmp_path / "unused", "unused.test", kind=kind)
    api.put(secret("cert", pair.crt, pair.key), secret("unused", unused.crt, unused.key))
    s = follow(*through, source=["--disable-leader-election"] if "--kubeconfig" in through
               else None, workers=2, https=True)
    api.put(ingress("base", {"silex.test": "base"}, tls=[tls("cert", "silex.test")]))
    wait_served(s, pair)
    no_key_but_in_keys(s, pair)
    kill_keys(s)
    wait_served(s, pair)
    no_key_but_in_keys(s, pair)
    api.put(secret("cert", other.crt, other.key))
    wait_served(s, other)
    no_key_but_in_keys(s, other)
    if not SANITIZED:
        assert not memory.found(s.pid, memory.forms(unused))
    # A Secret that came long before anybody wanted it.
    api.put(ingress("late", {"unused.test": "base"}, tls=[tls("unused", "unused.test")]))
    wait_served(s, unused, "unused.test")
    no_key_but_in_keys(s, unused)


def test_a_default_certificate_comes_again_too(make_silex, origin, tmp_path):
    pair = Pair(tmp_path / "pair", "default.test")
    s = make_silex(workers=2, https=True, flags=["--default-ssl-certificate", "default/cert"])
    put(s, origin, pair)
    s.start()
    wait_served(s, pair, "nobody.test")
    kill_keys(s)
    wait_served(s, pair, "nobody.test")
    no_key_but_in_keys(s, pair)


def test_an_ingress_that_comes_later_gets_its_certificate(make_silex, origin, pair):
    """The Secret was read, and its key forgotten, long before."""
    s = make_silex(workers=2, https=True)
    s.manifests.put("base", backends("base", origin.port),
                    ingress("base", {"other.test": "base"}), secret("cert", pair.crt, pair.key))
    s.start()
    s.manifests.put("later", ingress("later", {"silex.test": "base"},
                                     tls=[tls("cert", "silex.test")]))
    wait_cert(s, pair.der())
    no_key_but_in_keys(s, pair)


@pytest.fixture
def pair(tmp_path):
    return Pair(tmp_path / "pair", "silex.test")


def test_keys_lost_while_the_api_is_away(follow, api, origin, tmp_path, pair):
    """What needs the lost key fails at once and counted; the self-signed one is served meanwhile;
    when the API is back, so is the key."""
    api.put(secret("cert", pair.crt, pair.key))
    s = follow(workers=2, https=True)
    api.put(ingress("base", {"silex.test": "base"}, tls=[tls("cert", "silex.test")]))
    wait_served(s, pair)
    api.down()
    kill_keys(s)
    s.wait_log("does not have every key yet")
    wait_until(lambda: der_or_none(s, "nobody.test"), what="the self-signed certificate")
    before = s.metrics()["silex_tls_signatures_late_total"]
    begin = time.monotonic()
    assert der_or_none(s, "silex.test") is None
    assert time.monotonic() - begin < PATIENCE / 2  # it takes no time; two seconds are the bound
    wait_until(lambda: s.metrics()["silex_tls_signatures_late_total"] > before, what="the count")
    assert s.get("/echo").status == 308  # the host still has its certificate
    api.listen()
    wait_served(s, pair)
    no_key_but_in_keys(s, pair)


def der_or_none(silex, name):
    try:
        return der(silex, name)
    except (OSError, ssl.SSLError):
        return None


def test_a_file_that_is_broken_when_it_is_read_again(make_silex, origin, pair):
    """The key cannot come; everything else stays, and comes when the file is mended."""
    s = make_silex(workers=2, https=True)
    s.manifests.put("base", backends("base", origin.port),
                    ingress("base", {"silex.test": "base"}, tls=[tls("cert", "silex.test")]))
    s.manifests.write("secret.yaml", as_yaml(pair))
    s.start()
    wait_served(s, pair)
    s.manifests.write("secret.yaml", "kind: [Secret\n")
    s.wait_log("the previous version of Secret cert stays")
    assert der(s) == pair.der()  # the keys process has it still
    kill_keys(s)
    s.wait_log("does not have every key yet")
    wait_until(lambda: der_or_none(s, "nobody.test"), what="the self-signed certificate")
    assert der_or_none(s, "silex.test") is None
    s.manifests.write("secret.yaml", as_yaml(pair))
    wait_served(s, pair)


def test_keys_process_killed_under_load_of_the_api(follow, api, origin, pair):
    """Full handshakes all the while: each succeeds or fails in time, and the failed are counted."""
    api.put(secret("cert", pair.crt, pair.key))
    s = follow(workers=2, https=True)
    api.put(ingress("base", {"silex.test": "base"}, tls=[tls("cert", "silex.test")]))
    wait_served(s, pair)
    with Handshakes(lambda: der(s) == pair.der(), 3) as shaking:
        for _ in range(2):
            kill_keys(s)
            shaking.wait_good()
    shaking.assert_none_hung()
    assert shaking.bad() == s.metrics()["silex_tls_signatures_late_total"]
