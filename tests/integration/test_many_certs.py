"""Certificates by the hundred: each host has its own, also when all take turns, and those that
nobody asks for cost no more than their bytes; what the metrics say of them."""

import base64
import pathlib
import re
import ssl
import subprocess
import time

from certs import KINDS, secret, tls
from harness import BUILD, SANITIZED, backends, ingress, wait_until
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


def samples(s, family):
    """{host: (labels, value)} of a family of certificates."""
    found = {}
    for line in s.admin("/metrics").text.splitlines():
        m = re.fullmatch(rf"nginx_ingress_controller_{family}\{{(.*)\}} (\d+)", line)
        if m:
            labels = dict(re.findall(r'(\w+)="((?:[^"\\]|\\.)*)"', m[1]))
            assert labels["host"] not in found
            found[labels.pop("host")] = labels, int(m[2])
    return found


def test_what_the_metrics_say(make_silex, origin, tmp_path):
    """Labels as in ingress-nginx: facts, metrics §D."""
    s, made = make_silex(https=True), {}
    s.manifests.put("origin", backends("origin", origin.port, ns="shop"))
    for n, (kind, algorithm) in enumerate((("rsa", "RSA"), ("p256", "ECDSA"), ("ed25519", "Ed25519"))):
        crt, key = tmp_path / f"{n}.crt", tmp_path / f"{n}.key"
        subprocess.run(["openssl", "req", "-x509", "-newkey", *KINDS[kind], "-noenc", "-days", "3",
                        "-keyout", key, "-out", crt, "-set_serial", str(10 ** 30 + n), "-subj",
                        f"/O=Good \"CA\"/CN=issuer {n}/serialNumber=S{n}", "-addext",
                        f"subjectAltName=DNS:{kind}.test"], check=True, capture_output=True)
        s.manifests.put(kind, secret(f"pair-{kind}", crt, key, ns="shop"), ingress(
            kind, {f"{kind}.test": "origin"}, ns="shop", tls=[tls(f"pair-{kind}", f"{kind}.test")]))
        made[f"{kind}.test"] = {
            "namespace": "shop", "secret_name": f"pair-{kind}", "class": "k8s.io/ingress-nginx",
            "identifier": f"S{n}-{10 ** 30 + n}", "issuer_organization": 'Good \\"CA\\"',
            "issuer_common_name": f"issuer {n}", "serial_number": str(10 ** 30 + n),
            "public_key_algorithm": algorithm}
    s.start()
    info, expire = samples(s, "ssl_certificate_info"), samples(s, "ssl_expire_time_seconds")
    for host, labels in made.items():
        constant = {k: v for k, v in info[host][0].items() if k.startswith("controller_")}
        assert len(constant) == 3
        assert info[host] == ({**constant, **labels}, 1)
        short = {k: labels[k] for k in ("namespace", "class", "secret_name", "identifier")}
        assert expire[host][0] == {**constant, **short}
        assert 0 < expire[host][1] - time.time() <= 3 * 86400
    assert set(info) == set(expire) == {*made, "_"}
    s.manifests.delete("rsa")
    wait_until(lambda: "rsa.test" not in samples(s, "ssl_certificate_info"), what="it to be gone")
