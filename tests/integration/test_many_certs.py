"""Certificates by the hundred: each host has its own, also when all take turns, and those that
nobody asks for cost no more than their bytes."""

import base64
import pathlib
import ssl
import subprocess

from certs import tls
from harness import BUILD, SANITIZED, backends, ingress
from manifests import meta
from test_tls import der

# More than is kept ready: 1024 in a worker (worker/tls/tls_engine.h), 256 keys (keystore.h).
COUNT = 300 if SANITIZED else 1100
# Bytes of an unused certificate, in all processes together; sanitizers keep what was freed.
MOST = 400_000 if SANITIZED else 4096


def make(count):
    """{host: (crt, key)}, PEM in base64."""
    out = subprocess.run([BUILD / "tests/load/certgen", str(count), "many.test"], check=True,
                         capture_output=True, text=True).stdout
    return {host: (crt, key) for host, crt, key in map(str.split, out.splitlines())}


def der_of(crt):
    return ssl.PEM_cert_to_DER_cert(base64.b64decode(crt).decode())


def put(silex, origin, pairs, with_certs):
    silex.manifests.put("origin", backends("origin", origin.port))
    for host, (crt, key) in pairs.items():
        name = host.split(".")[0]
        objects = [ingress(name, {host: "origin"}, tls=[tls(name, host)] if with_certs else None)]
        if with_certs:
            objects.append({"apiVersion": "v1", "kind": "Secret", "metadata": meta(name),
                            "type": "kubernetes.io/tls", "data": {"tls.crt": crt, "tls.key": key}})
        silex.manifests.put(name, *objects)


def memory(silex):
    """Bytes of private and of shared memory, of master, keys process and worker."""
    total = 0
    for pid in (silex.pid, silex.keys(), silex.worker()):
        for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith(("RssAnon", "RssShmem")):
                total += int(line.split()[1]) * 1024
    return total


def test_each_host_has_its_own_in_any_order(make_silex, origin):
    pairs, s = make(COUNT), make_silex(https=True)
    put(s, origin, pairs, True)
    s.start()
    assert "going live without" not in s.log()
    for _ in range(2):
        for host, (crt, _) in pairs.items():
            assert der(s, host) == der_of(crt), host


def test_an_unused_one_costs_its_bytes(make_silex, origin):
    pairs, used = make(COUNT), {}
    for with_certs in (False, True):
        s = make_silex(https=True)
        put(s, origin, pairs, with_certs)
        s.start()
        used[with_certs] = memory(s)
        if with_certs:
            host, (crt, _) = next(iter(pairs.items()))
            assert der(s, host) == der_of(crt)
        s.stop()
    assert (used[True] - used[False]) / COUNT < MOST
