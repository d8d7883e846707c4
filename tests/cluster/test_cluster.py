"""Silex in a whole cluster, as its users install it: deploy/silex.yaml on a real kubelet with containerd and runc,
and its own image. A client outside the node asks all the time; whatever rolls, not one request fails.

The tests build on one another: the cluster of the run goes through them in this order.
"""

import subprocess

import pytest
from cluster import BIN
from node import ADDRESS, DIR, NAME

from harness import ROOT, wait_until
from load import Load
from manifests import ingress, service

HOST, NS = "app.example.test", "app"
PATIENCE = 180
TCP_PORT = 8025
DRAIN_IDLE_MS = 1000  # worker/http1/h1c.c
APP = {"app.kubernetes.io/name": "app"}


class Entry:
    """How the client comes in: load.Load asks for these."""

    def __init__(self, node, http, https):
        self.prefix, self.host, self.http_port, self.https_port = node.prefix, ADDRESS, http, https


def application(version, replicas=2):
    """Two pods of the C origin, which answers with the name of the pod's version. It ignores SIGTERM, as many
    programs do that are process 1, and serves on while preStop waits."""
    return {
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "app", "namespace": NS},
        "spec": {
            "replicas": replicas, "selector": {"matchLabels": APP},
            "strategy": {"rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1}},
            "template": {"metadata": {"labels": APP}, "spec": {
                "terminationGracePeriodSeconds": 3,
                "containers": [{
                    "name": "origin", "image": "e2e.test/origin:1",
                    "args": ["--bind", "0.0.0.0", "--port", "8080", "--name", version],
                    "ports": [{"name": "http", "containerPort": 8080}],
                    "readinessProbe": {"httpGet": {"path": "/", "port": "http"}, "periodSeconds": 1},
                    "lifecycle": {"preStop": {"sleep": {"seconds": 1}}}}]}}}}


def certificate(host):
    """(certificate file, Secret)"""
    crt, key = DIR / "tls.crt", DIR / "tls.key"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                    "-keyout", key, "-out", crt, "-days", "2", "-subj", f"/CN={host}", "-addext",
                    f"subjectAltName=DNS:{host}"], check=True, capture_output=True)
    return crt, {"apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/tls",
                 "metadata": {"name": "app-tls", "namespace": NS},
                 "stringData": {"tls.crt": crt.read_text(), "tls.key": key.read_text()}}


@pytest.fixture(scope="module")
def told(cluster, node):
    """What a failed wait wants to say."""
    def tell():
        return (cluster.kubectl("get", "pods", "-A", "-o", "wide", check=False)
                + cluster.kubectl("get", "events", "-A", "--field-selector", "type=Warning", check=False) + node.logs())
    return tell


def rolled_out(cluster, told, what, ns):
    done = cluster.kubectl("rollout", "status", what, "-n", ns, f"--timeout={PATIENCE // 2}s", check=False)
    assert "successfully rolled out" in done, f"{done}\n{told()}"


def pods(cluster, ns, label):
    got = cluster.get(f"/api/v1/namespaces/{ns}/pods?labelSelector=app.kubernetes.io/name%3D{label}")["items"]
    return {p["metadata"]["name"]: p for p in got}


def settled(cluster, told, ns, label, n=2):
    """Until n pods are left, all of them ready."""
    def ready():
        now = pods(cluster, ns, label)
        good = all(c["status"] == "True" for p in now.values() for c in p["status"].get("conditions", [])
                   if c["type"] == "Ready")
        return [now] if len(now) == n and good else None
    try:
        return wait_until(ready, PATIENCE, "the pods")[0]
    except AssertionError as e:
        raise AssertionError(f"{e}\n{told()}") from None


def answer(node, entry, host=HOST):
    return node.curl("-H", f"Host: {host}", f"http://{ADDRESS}:{entry.http_port}/")


def wait_answer(node, entry, wanted, told):
    def good():
        return {answer(node, entry).split(" .")[0] for _ in range(8)} == {wanted}
    try:
        wait_until(good, PATIENCE, f"{wanted}, not {answer(node, entry)}")
    except AssertionError as e:
        raise AssertionError(f"{e}\n{told()}") from None


@pytest.fixture(scope="module")
def entry(cluster, node, told):
    """deploy/silex.yaml, applied; the client comes in by its Service."""
    cluster.kubectl("apply", "-f", str(ROOT / "deploy/silex.yaml"))
    rolled_out(cluster, told, "deployment/silex", "silex")
    ports = {p["name"]: p["nodePort"] for p in
             cluster.get("/api/v1/namespaces/silex/services/silex")["spec"]["ports"]}
    return Entry(node, ports["http"], ports["https"])


@pytest.fixture(scope="module")
def app(cluster, node, entry, told):
    """The application, its Ingress with TLS, served. The value: its certificate."""
    crt, secret = certificate(HOST)
    cluster.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NS}})
    cluster.apply(application("one"), secret,
                  service("app", [{"port": 80, "targetPort": "http"}], ns=NS, selector=APP),
                  ingress("app", {HOST: "app"}, ns=NS, annotations={"ssl-redirect": "false"},
                          tls=[{"hosts": [HOST], "secretName": "app-tls"}]))
    rolled_out(cluster, told, "deployment/app", NS)
    wait_answer(node, entry, "origin one", told)
    return crt


def loads(entry):
    return [Load(entry, 8, host=HOST), Load(entry, 2, host=HOST, close=True)]


def end(both, told):
    """None failed. Only a client that itself stood still for longer than Silex waits for what may be on its way to an
    idle connection (DRAIN_IDLE_MS) can meet that connection's end; HTTP has it send the request again."""
    for load in both:
        counts = load.stop()
        late = counts["closed"] if counts["stalled"] >= DRAIN_IDLE_MS else 0
        assert counts["failed"] == late, f"{counts}\n{told()}"
        assert counts["ok"] > 500


def https(node, port, crt):
    return node.curl("--cacert", str(crt), "--resolve", f"{HOST}:{port}:{ADDRESS}", f"https://{HOST}:{port}/")


def test_it_serves_http_and_https(cluster, node, entry, app):
    assert answer(node, entry).startswith("origin one")
    assert https(node, entry.https_port, app).startswith("origin one")
    for pod in pods(cluster, "silex", "silex").values():
        assert pod["spec"]["nodeName"] == NAME
        assert pod["status"]["containerStatuses"][0]["restartCount"] == 0
    leader = cluster.get("/apis/coordination.k8s.io/v1/namespaces/silex/leases/ingress-controller-leader")
    assert leader["spec"]["holderIdentity"] in pods(cluster, "silex", "silex")


def test_the_application_rolls_under_load(cluster, node, entry, app, told):
    both = loads(entry)
    cluster.apply(application("two"))
    rolled_out(cluster, told, "deployment/app", NS)
    settled(cluster, told, NS, "app")
    wait_answer(node, entry, "origin two", told)
    end(both, told)


def test_pods_of_the_application_are_killed_under_load(cluster, node, entry, app, told):
    """One by one and without grace; what is in flight to them goes to the other."""
    both = loads(entry)
    for name in pods(cluster, NS, "app"):
        cluster.kubectl("delete", "pod", name, "-n", NS, "--force", "--grace-period=0")
        rolled_out(cluster, told, "deployment/app", NS)
        settled(cluster, told, NS, "app")
    end(both, told)


def test_silex_rolls_under_load(cluster, node, entry, app, told):
    before = set(pods(cluster, "silex", "silex"))
    both = loads(entry)
    cluster.kubectl("set", "image", "deployment/silex", "silex=silex:0.1.1", "-n", "silex")
    rolled_out(cluster, told, "deployment/silex", "silex")
    after = settled(cluster, told, "silex", "silex")
    assert not before & set(after)
    assert all(p["spec"]["containers"][0]["image"] == "silex:0.1.1" for p in after.values())
    end(both, told)


def test_a_pod_of_silex_is_deleted_under_load(cluster, node, entry, app, told):
    both = loads(entry)
    name = sorted(pods(cluster, "silex", "silex"))[0]
    cluster.kubectl("delete", "pod", name, "-n", "silex", "--wait=false")
    wait_until(lambda: name not in pods(cluster, "silex", "silex"), PATIENCE, "its end")
    settled(cluster, told, "silex", "silex")
    end(both, told)


@pytest.fixture(scope="module")
def hostports(cluster, node, app, told):
    """The Deployment goes, the DaemonSet takes the node's ports 80 and 443."""
    cluster.kubectl("delete", "deployment,service,hpa,pdb", "--all", "-n", "silex")
    settled(cluster, told, "silex", "silex", 0)
    cluster.kubectl("apply", "-f", str(ROOT / "deploy/silex-daemonset.yaml"))
    rolled_out(cluster, told, "daemonset/silex", "silex")
    return Entry(node, 80, 443)


def test_the_daemonset_serves_on_the_nodes_ports(cluster, node, hostports, app, told):
    wait_answer(node, hostports, "origin two", told)
    assert https(node, 443, app).startswith("origin two")

    def address():
        got = cluster.get(f"/apis/networking.k8s.io/v1/namespaces/{NS}/ingresses/app")
        return [x.get("ip") for x in got["status"]["loadBalancer"].get("ingress", [])]
    wait_until(lambda: address() == [ADDRESS], PATIENCE, f"the node's address in the Ingress, not {address()}")


def test_the_daemonset_rolls_without_breaking_an_exchange(cluster, node, hostports, app, told):
    """Nobody else has the node's ports between the old pod and the new: connections are refused then (balancers
    ask another node), but none that was accepted is broken."""
    load = Load(hostports, 8, host=HOST)
    before = set(pods(cluster, "silex", "silex"))
    cluster.kubectl("set", "image", "daemonset/silex", "silex=silex:0.1.1", "-n", "silex")
    rolled_out(cluster, told, "daemonset/silex", "silex")
    assert not before & set(settled(cluster, told, "silex", "silex", 1))
    wait_answer(node, hostports, "origin two", told)
    counts = load.stop()
    broken = {k: counts[k] for k in ("closed", "short", "bad", "timeout")}
    assert not any(broken.values()), f"{counts}\n{told()}"
    assert counts["ok"] > 500


def helm(cluster, *argv):
    done = subprocess.run([BIN / "helm", *argv, "--kubeconfig", cluster.kubeconfig, "--namespace", "helm"],
                          capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_chart_takes_over_from_ingress_nginx(cluster, node, hostports, app, told):
    """Installed with a values.yaml that was written for the chart of ingress-nginx."""
    cluster.kubectl("delete", "-f", str(ROOT / "deploy/silex-daemonset.yaml"), f"--timeout={PATIENCE}s")
    notes = helm(cluster, "install", "silex", str(ROOT / "deploy/helm/silex"), "--create-namespace", "-f",
                 str(ROOT / "tests/install/values-ingress-nginx.yaml"), "--set-string", f"tcp.{TCP_PORT}={NS}/app:80")
    for ignored in ("controller.admissionWebhooks", "controller.image"):
        assert f"\n  {ignored}" in notes, notes
    try:
        name = cluster.get("/apis/apps/v1/namespaces/helm/daemonsets")["items"][0]["metadata"]["name"]
        rolled_out(cluster, told, f"daemonset/{name}", "helm")
        wait_answer(node, hostports, "origin two", told)
        assert https(node, 443, app).startswith("origin two")
        head = node.curl("-i", "-H", f"Host: {HOST}", f"http://{ADDRESS}/").lower()
        assert "\nx-frame-options: deny" in head, f"{head}\n{told()}"
        assert node.curl(f"http://{ADDRESS}:{TCP_PORT}/").startswith("origin two"), told()
    finally:
        helm(cluster, "uninstall", "silex", "--wait")


def test_it_leaves_nothing(cluster, node, hostports, told):
    cluster.kubectl("delete", "namespace", NS, "--wait=false")
    wait_until(lambda: node.containers() == [] and cluster.get("/api/v1/pods")["items"] == [], PATIENCE,
               f"all containers to end: {node.containers()}; {told()}")
