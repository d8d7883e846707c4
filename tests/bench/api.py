#!/usr/bin/python3
"""`make bench-api`: what following a real API server costs, with 10,000 of each kind loaded.

    tests/e2e/run.sh BUILD tests/bench/api.py --build DIR [--objects N] [--seconds S]

  first sync   the master's start to the first table, beside a bare client reading the same
  memory       the master's, after that sync and after everything below
  latency      one change after the other: from its arrival in the master to its adoption by the
               slowest worker (silex_event_to_live_seconds: a change counts once, by its last
               worker), and from the client's PATCH to the first answer by the new endpoint
  storm        endpoint changes at a fixed rate: the master's CPU time, publications, latency

The storm is written into etcd, past the API server's front door, because this machine's CPUs are
shared by everything that runs here; the events come through the API server's watch all the same.
Writes DIR/bench/api.md and api.json. It asserts nothing, but nothing in it waits without end.
"""

import argparse
import http.client
import json
import os
import pathlib
import statistics
import sys
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests/e2e"), str(ROOT / "tests/integration")]

import harness  # noqa: E402
import seed  # noqa: E402
from cluster import ADMIN, Cluster  # noqa: E402
from replica import Replica  # noqa: E402

ADDRESSES = ("198.18.0.11", "198.18.0.12")
NAMES = ("a", "b")
SLICES = f"/apis/discovery.k8s.io/v1/namespaces/{seed.NS}/endpointslices/"
KINDS = ("/apis/networking.k8s.io/v1/ingresses", "/api/v1/services",
         "/apis/discovery.k8s.io/v1/endpointslices")
LATENCY_OBJECT = 1  # whose endpoint goes to and fro
PATIENCE = 120  # seconds for any one step
GAP = 0.01  # seconds from one change being live to the next: each is a publication of its own


def say(text):
    print(f"bench-api: {text}", file=sys.stderr, flush=True)


def quantile(values, q):
    return sorted(values)[int(q * (len(values) - 1))]


def connect(cluster):
    return http.client.HTTPSConnection("127.0.0.1", cluster.port, context=cluster.context,
                                       timeout=PATIENCE)


def read_bare(cluster):
    """Seconds a client needs to receive the three first pictures by WatchList, all at once. An
    API server that is not ready for it answers 429 or ends the stream: asked again in a while, or
    three impatient readers would take the processors it needs to become ready."""
    failures = []

    def one(path):
        deadline = time.monotonic() + PATIENCE
        try:
            while not whole(path):
                assert time.monotonic() < deadline, f"{path}: no first picture in {PATIENCE} s"
                time.sleep(0.2)
        except (OSError, AssertionError, http.client.HTTPException) as e:
            failures.append(f"{path}: {e!r}")

    def whole(path):
        c = connect(cluster)
        c.request("GET", f"{path}?watch=1&sendInitialEvents=true&allowWatchBookmarks=true"
                  "&resourceVersionMatch=NotOlderThan", headers={"Authorization": f"Bearer {ADMIN}"})
        try:
            answer = c.getresponse()
            if answer.status != 200:
                return False
            tail = b""
            while b"initial-events-end" not in tail:
                piece = answer.read1(1 << 20)
                if not piece:
                    return False
                tail = tail[-64:] + piece
            return True
        finally:
            c.close()
    start = time.monotonic()
    threads = [threading.Thread(target=one, args=(p,)) for p in KINDS]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not failures, failures
    return time.monotonic() - start


def start_replica(tmp, cluster, number):
    """(replica, seconds from its start to readiness)."""
    r = Replica(tmp / f"silex{number}", cluster, workers=2, access_log=False,
                flags=["--log-level", "warn", "--disable-leader-election",
                       "--update-status=false", "--disable-sync-events"])
    start = time.monotonic()
    r.start(ready=False)
    harness.wait_until(lambda: r.healthz("/readyz", quiet=True) == 200, PATIENCE, "readiness")
    return r, time.monotonic() - start


def event_to_live(replica):
    """{quantile: milliseconds} since the replica's start."""
    got = replica.metrics()
    return {q: 1000 * got[f'silex_event_to_live_quantile_seconds{{quantile="{q}"}}']
            for q in ("0.5", "0.9", "0.99")}


def figures(values_ms):
    return {str(q): quantile(values_ms, q) for q in (0.5, 0.9, 0.99)}


def change_once(api, client, n, count):
    """PATCH the slice's address; (ms until the API server confirmed, ms until it was live)."""
    body = json.dumps({"endpoints": [{"addresses": [ADDRESSES[count % 2]],
                                      "conditions": {"ready": True}}]})
    start = time.monotonic()
    api.request("PATCH", SLICES + seed.name(n), body, {
        "Authorization": f"Bearer {ADMIN}", "Content-Type": "application/merge-patch+json"})
    answer = api.getresponse()
    answer.read()
    written = time.monotonic()
    assert answer.status == 200
    while time.monotonic() < start + PATIENCE:
        client.request("GET", "/", headers={"Host": seed.host(n)})
        got = client.getresponse()
        got.read()
        if got.getheader("X-Origin") == NAMES[count % 2]:
            return 1000 * (written - start), 1000 * (time.monotonic() - start)
    raise AssertionError(f"change {count} is not live after {PATIENCE} s")


def measure_latency(cluster, replica, count):
    api = connect(cluster)
    client = http.client.HTTPConnection(replica.host, replica.http_port, timeout=PATIENCE)
    runs = []
    for i in range(count):
        runs.append(change_once(api, client, LATENCY_OBJECT, i + 1))
        time.sleep(GAP)
    return {"changes": count, "event_to_live_ms": event_to_live(replica),
            "write_confirmed_ms": figures([w for w, _ in runs]),
            "write_to_live_ms": figures([live for _, live in runs])}


class Storm:
    """Endpoint changes at `rate` a second into etcd, each of another slice than the last."""

    def __init__(self, cluster, objects, rate, seconds):
        self.cluster, self.sent = cluster, 0
        self.puts = [[json.dumps(seed.put_of(seed.slice_(n, a))).encode() for a in ADDRESSES]
                     for n in range(min(objects, 2000))]
        self.rate, self.seconds, self.threads = rate, seconds, []

    def run(self):
        self.start = time.monotonic()
        lanes = 2
        self.threads = [threading.Thread(target=self._lane, args=(i, lanes)) for i in range(lanes)]
        for t in self.threads:
            t.start()
        for t in self.threads:
            t.join()
        return time.monotonic() - self.start

    def _lane(self, lane, lanes):
        c = http.client.HTTPConnection("127.0.0.1", self.cluster.etcd_port, timeout=PATIENCE)
        for i in range(lane, self.rate * self.seconds, lanes):
            ahead = self.start + i / self.rate - time.monotonic()
            if ahead > 0:
                time.sleep(ahead)
            c.request("POST", "/v3/kv/put",
                      self.puts[i % len(self.puts)][(i // len(self.puts) + 1) % 2])
            c.getresponse().read()
            self.sent += 1


def measure_storm(cluster, replica, objects, rate, seconds):
    storm = Storm(cluster, objects, rate, seconds)
    cpu, events = replica.cpu_seconds(), replica.metric("silex_api_events_total")
    versions = replica.version()
    took = storm.run()
    # The board is filled twice a second: what was sent has come when the count stands there.
    harness.wait_until(lambda: replica.metric("silex_api_events_total") - events >= storm.sent
                       or time.monotonic() > storm.start + took + 3, 10, "the last events")
    got = replica.metric("silex_api_events_total") - events
    return {"wanted_rate": rate, "seconds": took, "sent_rate": storm.sent / took,
            "events": got, "lost": storm.sent - got,
            "master_cores": (replica.cpu_seconds() - cpu) / took,
            "publications_a_second": (replica.version() - versions) / took,
            "event_to_live_ms": event_to_live(replica)}


def measure(cluster, tmp, args):
    r = {"objects": args.objects, "load": [os.getloadavg()[0]]}
    say(f"putting {args.objects} of each kind into the cluster")
    seed.fill(cluster, args.objects, ADDRESSES[0])
    r["bare_read_s"] = statistics.median(read_bare(cluster) for _ in range(3))
    syncs = []
    for n in range(3):
        replica, took = start_replica(tmp, cluster, n)
        syncs.append(took)
        if n < 2:
            replica.stop()
    r["first_sync_s"] = statistics.median(syncs)
    r["rss_after_sync_mb"] = replica.rss_bytes() / 2**20
    say(f"first sync {r['first_sync_s']:.2f} s, a bare client {r['bare_read_s']:.2f} s, "
        f"master {r['rss_after_sync_mb']:.0f} MB")
    r["latency"] = measure_latency(cluster, replica, args.changes)
    say(f"latency {r['latency']}")
    replica.stop()
    replica, _ = start_replica(tmp, cluster, 9)
    r["storm"] = measure_storm(cluster, replica, args.objects, args.rate, args.seconds)
    say(f"storm {r['storm']}")
    r["rss_after_storm_mb"] = replica.rss_bytes() / 2**20
    r["load"].append(os.getloadavg()[0])
    replica.stop()
    return r


def row(what, got, wanted):
    return f"| {what} | {got} | {wanted} |"


def text(r):
    q, s = r["latency"], r["storm"]
    ms = "{0[0.5]:.2f} / {0[0.9]:.2f} / {0[0.99]:.2f} ms".format
    return "\n".join([
        f"# Following a real API server, {r['objects']:,} Ingresses, Services and EndpointSlices",
        "", "Times are p50 / p90 / p99. API server, etcd, load and Silex share this machine's CPUs; "
        f"load average {r['load'][0]:.1f} at the beginning, {r['load'][1]:.1f} at the end.",
        "", "| what | measured | wanted |", "|---|---|---|",
        row("event received → live in the slowest worker", ms(q["event_to_live_ms"]),
            "p50 ≤ 1 ms, p99 ≤ 5 ms"),
        row("client's PATCH → answered by the new endpoint", ms(q["write_to_live_ms"]), ""),
        row("client's PATCH → confirmed by the API server", ms(q["write_confirmed_ms"]), ""),
        row(f"master's CPU at {s['sent_rate']:.0f} endpoint changes a second",
            f"{s['master_cores']:.2f} cores", "< 0.5 at 1,000"),
        row("... publications a second", f"{s['publications_a_second']:.0f}", ""),
        row("... event received → live", ms(s["event_to_live_ms"]), ""),
        row(f"first sync of {3 * r['objects']:,} objects, from exec to ready",
            f"{r['first_sync_s']:.2f} s", "≤ 3 s beyond the API's own"),
        row("... a bare client reading the same", f"{r['bare_read_s']:.2f} s", ""),
        row("master's memory after it", f"{r['rss_after_sync_mb']:.0f} MB", "≤ 60 MB"),
        row("... and after the storm", f"{r['rss_after_storm_mb']:.0f} MB", ""), ""])


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build")
    parser.add_argument("--objects", type=int, default=10_000)
    parser.add_argument("--changes", type=int, default=1000)
    parser.add_argument("--rate", type=int, default=1000)
    parser.add_argument("--seconds", type=int, default=10)
    args = parser.parse_args()
    out = args.build.resolve() / "bench"
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as directory:
        tmp = pathlib.Path(directory)
        cluster = Cluster(tmp / "cluster")
        origins = []
        try:
            cluster.start()
            cluster.kubectl("apply", "-f", str(ROOT / "deploy/rbac.yaml"))
            cluster.apply(harness.ingress_class())
            origins = [harness.Origin(harness.BUILD, n, a, 8080) for n, a in zip(NAMES, ADDRESSES)]
            result = measure(cluster, tmp, args)
        finally:
            for o in origins:
                o.stop()
            cluster.stop()
    (out / "api.json").write_text(json.dumps(result, indent=1))
    (out / "api.md").write_text(text(result))
    print(text(result))


if __name__ == "__main__":
    main()
