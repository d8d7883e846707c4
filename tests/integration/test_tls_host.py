"""What one host has of TLS for itself: ssl-ciphers and ssl-prefer-server-ciphers."""

import ssl

import pytest

from certs import Pair, secret, tls
from harness import backends, ingress, wait_until
from test_tls import connect, context

AES128, AES256, CHACHA = (f"ECDHE-ECDSA-{c}" for c in (
    "AES128-GCM-SHA256", "AES256-GCM-SHA384", "CHACHA20-POLY1305"))


@pytest.fixture
def put(make_silex, origin, tmp_path):
    """put(annotations): a.test has them, b.test has none."""
    pair = Pair(tmp_path / "pair", "a.test", "b.test")
    s = make_silex(https=True)

    def go(annotations):
        s.manifests.put(
            "base", backends("base", origin.port), secret("cert", pair.crt, pair.key),
            ingress("a", {"a.test": "base"}, annotations=annotations, tls=[tls("cert", "a.test")]),
            ingress("b", {"b.test": "base"}, tls=[tls("cert", "b.test")]))
        return s if s.process else s.start()
    return go


def chosen(s, name, *ciphers):
    """The cipher of TLS 1.2 that is agreed on; None when there is none in common."""
    try:
        with connect(s, name, context(ssl.TLSVersion.TLSv1_2, ":".join(ciphers))) as c:
            return c.cipher()[0]
    except (ssl.SSLError, ConnectionError):
        return None


def test_ciphers_of_a_host(put):
    s = put({"ssl-ciphers": f"{AES256}:{CHACHA}"})
    assert chosen(s, "a.test", AES128, CHACHA, AES256) == AES256
    assert chosen(s, "a.test", AES128) is None
    assert chosen(s, "b.test", AES256, AES128) == AES128
    with connect(s, "a.test", context(ssl.TLSVersion.TLSv1_3)) as c:
        assert c.cipher()[0].startswith("TLS_")
    put({"ssl-ciphers": AES128})
    wait_until(lambda: chosen(s, "a.test", AES256, AES128) == AES128, what="the new cipher")
    put({})
    wait_until(lambda: chosen(s, "a.test", AES256) == AES256, what="the ciphers of all hosts")


@pytest.mark.parametrize("ours", ["true", "false", None])
def test_whose_order_counts(put, ours):
    s = put({} if ours is None else {"ssl-prefer-server-ciphers": ours})
    assert chosen(s, "a.test", CHACHA, AES128) == (CHACHA if ours == "false" else AES128)
    assert chosen(s, "b.test", CHACHA, AES128) == AES128


@pytest.mark.parametrize("ciphers", ["NOBODY-KNOWS-THIS", "AES128;ssl_ecdh_curve x", "@SECLEVEL=x"])
def test_ciphers_that_do_not_exist(put, ciphers):
    s = put({"ssl-ciphers": ciphers})
    s.wait_log("ssl-ciphers names no cipher that exists: host a.test")
    assert chosen(s, "a.test", AES256, AES128) == AES128


def test_strength_and_level(put):
    s = put({"ssl-ciphers": f"{AES128}:{AES256}:@STRENGTH:@SECLEVEL=1"})
    assert chosen(s, "a.test", AES128, AES256) == AES256
