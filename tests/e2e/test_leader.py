"""Two replicas: one writes status, and when it dies the other does, within the lease's time."""

import datetime
import json

import harness
from harness import backends, ingress
from replica import NS

TTL = 4  # seconds, the least there is
LEASE = "e2e-leader"
ADDRESS = {"silex-0": "198.51.100.10", "silex-1": "198.51.100.11"}


def replica(make_silex, name):
    return make_silex(name=name, flags=[
        "--election-id", LEASE, "--election-ttl", f"{TTL}s", "--status-update-interval", "5",
        "--publish-status-address", ADDRESS[name]])


def address_of(cluster, ns, name="web"):
    got = cluster.get(f"/apis/networking.k8s.io/v1/namespaces/{ns}/ingresses/{name}")
    entries = got["status"]["loadBalancer"].get("ingress") or [{}]
    return entries[0].get("ip")


def wait_address(cluster, ns, address, *replicas):
    def said():
        return address_of(cluster, ns) == address
    harness.wait_until(said, what=f"status {address}; " + "".join(r.log() for r in replicas))


def allow_lease(cluster):
    """rbac.yaml names the default Lease; this test has one of its own."""
    cluster.apply({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role",
                   "metadata": {"name": LEASE, "namespace": NS},
                   "rules": [{"apiGroups": ["coordination.k8s.io"], "resources": ["leases"],
                              "resourceNames": [LEASE], "verbs": ["get", "update"]}]},
                  {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding",
                   "metadata": {"name": LEASE, "namespace": NS},
                   "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role",
                               "name": LEASE},
                   "subjects": [{"kind": "ServiceAccount", "name": "silex", "namespace": NS}]})


def writes(cluster, resource):
    """The audit log's successful writes, oldest first: (seconds since the epoch, object sent)."""
    for line in (cluster.dir / "audit.log").read_text().splitlines():
        e = json.loads(line)
        if e["objectRef"]["resource"] == resource and e["responseStatus"]["code"] < 300:
            at = datetime.datetime.fromisoformat(e["stageTimestamp"].replace("Z", "+00:00"))
            yield at.timestamp(), e["objectRef"], e["requestObject"]


def holds(cluster):
    """(seconds, holder) of each writing of the Lease."""
    return [(at, o["spec"]["holderIdentity"]) for at, ref, o in writes(cluster, "leases")
            if ref.get("name") == LEASE or o["metadata"].get("name") == LEASE]


def gap_between_holders(cluster):
    """Seconds from the last sign of life of the first to the first of the second."""
    written = holds(cluster)
    last = max(at for at, holder in written if holder == "silex-0")
    return min(at for at, holder in written if holder == "silex-1" and at > last) - last


def assert_one_writer(cluster, ns):
    """Every status was written by whoever held the Lease at that time."""
    held = holds(cluster)
    seen = 0
    for at, ref, patch in writes(cluster, "ingresses"):
        if ref["namespace"] != ns or not (entries := patch["status"]["loadBalancer"]["ingress"]):
            continue
        # The log's times are those of answers: what is that close may have been the other way round.
        then = [max((h for h in held if h[0] <= at), default=held[0]),
                *(h for h in held if at < h[0] <= at + 0.1)]
        won = [won for won, holder in then if ADDRESS.get(holder) == entries[0]["ip"]]
        assert won, (at, then, patch, held)
        assert at - max(won) < TTL, "written by a leader whose Lease had run out"
        seen += 1
    assert seen >= 2


def test_takeover(cluster, ns, make_silex):
    allow_lease(cluster)
    cluster.apply(*backends("web", ns=ns), ingress("web", {f"{ns}.example.test": "web"}, ns=ns))
    first = replica(make_silex, "silex-0").start()
    wait_address(cluster, ns, ADDRESS["silex-0"], first)
    second = replica(make_silex, "silex-1").start()
    second.wait_log("ready")
    cluster.apply(ingress("more", {f"more.{ns}.example.test": "web"}, ns=ns))
    harness.wait_until(lambda: address_of(cluster, ns, "more") == ADDRESS["silex-0"],
                       what="the leader to write the new Ingress")
    assert second.metric("silex_leader") == 0 and first.metric("silex_leader") == 1

    pids = first.tree()
    first.kill(9)
    first.process.wait()
    first.process = None
    harness.Silex.kill_all(pids)
    second.wait_metric("silex_leader", lambda v: v == 1)
    wait_address(cluster, ns, ADDRESS["silex-1"], second)
    assert_one_writer(cluster, ns)
    gap = gap_between_holders(cluster)
    assert TTL <= gap < 2 * TTL, gap  # not before the Lease ran out, and soon after
    second.stop()
    harness.wait_until(lambda: address_of(cluster, ns) is None,
                       what="the last replica to clear the status")


def test_orderly_end_hands_over(cluster, ns, make_silex):
    """A leader that is stopped gives the Lease up: the other need not wait for its end, and
    finds the status as it should be."""
    allow_lease(cluster)
    cluster.apply(*backends("web", ns=ns), ingress("web", {f"{ns}.example.test": "web"}, ns=ns))
    first = replica(make_silex, "silex-0").start()
    wait_address(cluster, ns, ADDRESS["silex-0"], first)
    second = replica(make_silex, "silex-1").start()
    first.stop()
    wait_address(cluster, ns, ADDRESS["silex-1"], second)
    assert_one_writer(cluster, ns)


def test_leader_that_stood_still(cluster, ns, make_silex):
    """The leader stands still for longer than its Lease: when it wakes it does not write."""
    allow_lease(cluster)
    cluster.apply(*backends("web", ns=ns), ingress("web", {f"{ns}.example.test": "web"}, ns=ns))
    first = replica(make_silex, "silex-0").start()
    wait_address(cluster, ns, ADDRESS["silex-0"], first)
    second = replica(make_silex, "silex-1").start()
    first.kill(19)
    try:
        second.wait_metric("silex_leader", lambda v: v == 1)
        wait_address(cluster, ns, ADDRESS["silex-1"], second)
        cluster.apply(ingress("more", {f"more.{ns}.example.test": "web"}, ns=ns))
    finally:
        first.kill(18)
    first.wait_metric("silex_leader", lambda v: v == 0)
    harness.wait_until(lambda: address_of(cluster, ns, "more") == ADDRESS["silex-1"],
                       what="the new leader to write the new Ingress")
    assert_one_writer(cluster, ns)
