"""What a certificate costs while nobody asks for it, and whether handshakes notice the others.

Four runs of Silex with one worker: one host with a certificate, 10,000 hosts without, 10,000
hosts with one each (kubernetes.io/tls, ECDSA P-256, a Secret and an Ingress a host), self-signed,
and with a chain as most certificates have one (2 KB). Memory is
private memory and shared memory of master, keys process and worker; what 10,000 hosts without
certificates need is taken off. Handshakes are full ones, to one name all the time.
"""

import os
import pathlib
import statistics
import subprocess
import time

import proxies
import tls

COUNT = 10_000
PROCESSES = ("master", "keys", "worker")


class Silex(tls.Silex):
    """configure(): `pairs`, {host: (crt, key)} in base64, are the certificates of the first hosts."""
    pairs = {}

    def configure(self):
        proxies.Silex.configure(self)
        self.tls_port = proxies.free_port()
        directory = proxies.k8s.Manifests(self.dir / "manifests")
        for host, (crt, key) in self.pairs.items():
            name = host.split(".")[0]
            secret = {"apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/tls",
                      "metadata": proxies.k8s.meta(f"cert-{name}"),
                      "data": {"tls.crt": crt, "tls.key": key}}
            directory.put(f"{name[:3]}/{name}", secret, proxies.k8s.ingress(
                name, {host: "origin"}, annotations={"ssl-redirect": "false"},
                tls=[{"hosts": [host], "secretName": f"cert-{name}"}]))

    def roles(self):
        found = {"master": self.process.pid, "worker": self.worker()}
        for p in self.pids():
            if b"--keys-process" in pathlib.Path(f"/proc/{p}/cmdline").read_bytes() or \
               b"keys" in pathlib.Path(f"/proc/{p}/cmdline").read_bytes().split(b"\0")[0]:
                found["keys"] = p
        return found


def memory(pid):
    """Bytes of private memory and of shared memory; readable of every process, unlike its smaps."""
    fields = dict(line.split(":", 1) for line in
                  pathlib.Path(f"/proc/{pid}/status").read_text().splitlines() if ":" in line)
    return sum(int(fields[k].split()[0]) * 1024 for k in ("RssAnon", "RssShmem"))


def make_pairs(build, *chain):
    out = subprocess.run([build / "tests/load/certgen", str(COUNT), "bench.test", *chain],
                         capture_output=True, text=True, check=True).stdout
    return {host: (crt, key) for host, crt, key in (line.split() for line in out.splitlines())}


def settle(proxy):
    """The roles' memory once it no longer changes."""
    before = None
    while True:
        now = {role: memory(pid) for role, pid in proxy.roles().items()}
        if now == before:
            return now
        before = now
        time.sleep(0.5)


def started(directory, origin, cpu, hosts, pairs, what):
    Silex.pairs = pairs
    where = directory / "certs" / what
    os.makedirs(where, exist_ok=True)
    return Silex(where, origin, hosts, cpu)


def handshakes(running, load, seconds, rounds):
    runs = {name: [] for name in running}
    for _ in range(rounds):
        for name, p in running.items():
            runs[name].append(tls.spent(p, lambda p=p: tls.wrk(p, load, seconds, "-H",
                                                               "Connection: close")))
    return {name: statistics.median(r) for name, r in runs.items()}


def measure(build, directory, origin, cpus, seconds, rounds):
    load, cpu = cpus
    pairs = make_pairs(build)
    first = dict([next(iter(pairs.items()))])
    running, start, used = {}, {}, {}
    try:
        for what, hosts, some in (("one", 1, first), ("none", COUNT, {}),
                                  ("chains", COUNT, make_pairs(build, "chain")), ("all", COUNT, pairs)):
            running[what] = started(directory, origin, cpu, hosts, some, what).start()
            start[what] = running[what].started_in
            used[what] = settle(running[what])
            if what in ("none", "chains"):
                running.pop(what).stop()  # the next one has its instance's name
        shakes = handshakes(running, load, seconds, rounds)
        each = {w: {r: (used[w][r] - used["none"][r]) / COUNT for r in PROCESSES}
                for w in ("all", "chains")}
        for roles in each.values():
            roles["sum"] = sum(roles.values())
        return {"bytes": each["all"], "chain_bytes": each["chains"], "start_ms":
                {w: 1000 * s for w, s in start.items()}, "handshake_us": shakes}
    finally:
        for p in running.values():
            p.stop()


def markdown(r):
    b, c, us = r["bytes"], r["chain_bytes"], r["handshake_us"]
    return [f"| {COUNT:,} certificates | |", "|---|---:|",
            "| an unused certificate, bytes (to reach: 4096): "
            f"master {b['master']:.0f}, keys {b['keys']:.0f}, worker {b['worker']:.0f}; in all | "
            f"{b['sum']:.0f} |",
            f"| the same with a chain, 2 KB in DER: master {c['master']:.0f}, keys {c['keys']:.0f}, "
            f"worker {c['worker']:.0f}; in all | {c['sum']:.0f} |",
            f"| start to first answer, ms: {COUNT:,} hosts without certificates "
            f"{r['start_ms']['none']:.0f}; with | {r['start_ms']['all']:.0f} |",
            f"| a full handshake, µs: beside no other certificate {us['one']:.1f}; beside "
            f"{COUNT - 1:,} | {us['all']:.1f} (×{us['all'] / us['one']:.2f}) |"]
