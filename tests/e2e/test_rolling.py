"""Deployments roll under load: the real controllers make slices of stand-in pods, and not one
request fails, whether pods wait before they end or just die."""

import pytest

import harness
from harness import ingress, service
from kubelet import deployment
from load import assert_clean
from test_kinds import who

REPLICAS = 3


def ready_pods(cluster, ns, version):
    pods = cluster.get(f"/api/v1/namespaces/{ns}/pods?labelSelector=version%3D{version}")["items"]
    return {p["metadata"]["name"] for p in pods
            if any(c["type"] == "Ready" and c["status"] == "True"
                   for c in p["status"].get("conditions", []))}


def wait_served_by(cluster, ns, silex, host, version):
    """Until the answers come from the ready pods of this version and nobody else."""
    def served():
        wanted = ready_pods(cluster, ns, version)
        return len(wanted) == REPLICAS and {who(silex, host) for _ in range(30)} == wanted
    harness.wait_until(served, 30, f"{version} alone to serve; log:\n{silex.log()}")


@pytest.mark.parametrize("grace", [1, 0], ids=["prestop", "killed"])
def test_rolling_update(cluster, ns, silex, make_kubelet, make_load, grace):
    kubelet = make_kubelet(ns)
    host = f"{ns}.example.test"
    cluster.apply(deployment("web", REPLICAS, "v1", ns, grace),
                  service("web", [{"port": 80, "targetPort": "http"}], ns=ns,
                          selector={"app": "web"}),
                  ingress("web", {host: "web"}, ns=ns))
    wait_served_by(cluster, ns, silex, host, "v1")
    load = make_load(silex, connections=16, host=host)
    cluster.apply(deployment("web", REPLICAS, "v2", ns, grace))
    wait_served_by(cluster, ns, silex, host, "v2")
    harness.wait_until(lambda: len(kubelet.pods) == REPLICAS, what="the old pods to end")
    counts = load.stop()
    assert_clean(counts)
    assert counts["ok"] > 1000
    assert len(kubelet.started) == 2 * REPLICAS


def test_scale_to_nothing_and_back(cluster, ns, silex, make_kubelet):
    make_kubelet(ns)
    host = f"{ns}.example.test"
    cluster.apply(deployment("web", REPLICAS, "v1", ns, 0),
                  service("web", [{"port": 80, "targetPort": "http"}], ns=ns,
                          selector={"app": "web"}),
                  ingress("web", {host: "web"}, ns=ns))
    wait_served_by(cluster, ns, silex, host, "v1")
    cluster.kubectl("scale", "deployment/web", "--replicas=0", "-n", ns)
    silex.wait_status(503, host=host)
    cluster.kubectl("scale", "deployment/web", f"--replicas={REPLICAS}", "-n", ns)
    wait_served_by(cluster, ns, silex, host, "v1")
