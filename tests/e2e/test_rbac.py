"""Exactly the rights of deploy/rbac.yaml: with them nothing is refused, and without any single
one Silex says which is missing, so that none is there in vain."""

import copy
import pathlib

import pytest
import yaml

import harness
from harness import backends, ingress
from replica import NS
from test_kinds import HOST_A, serve, wait_who

RBAC = pathlib.Path(__file__).resolve().parents[2] / "deploy" / "rbac.yaml"
DOCUMENTS = list(yaml.safe_load_all(RBAC.read_text()))


def grants():
    """(kind of role, number of the rule, resource): all that is granted. Not by verb: list is for
    API servers without WatchList."""
    return [(doc["kind"], n, resource) for doc in DOCUMENTS
            for n, rule in enumerate(doc.get("rules", [])) for resource in rule["resources"]]


def without(account, kind, number, resource):
    """The objects of rbac.yaml for another account, one resource of one rule left out."""
    made = []
    for doc in copy.deepcopy(DOCUMENTS):
        if doc["kind"] == "Namespace":
            continue
        doc["metadata"]["name"] = account
        if doc["kind"] == kind:
            left = doc["rules"][number]["resources"]
            left.remove(resource)
            if not left:
                del doc["rules"][number]
        for part in (doc.get("roleRef"), *doc.get("subjects", [])):
            if part:
                part["name"] = account
        made.append(doc)
    return made


def pods_of_replicas(cluster, *names):
    """As if these replicas ran as pods on a node: their status addresses come from it."""
    cluster.request("POST", "/api/v1/nodes", {"metadata": {"name": "node-1"}})
    cluster.request("PATCH", "/api/v1/nodes/node-1", {"metadata": {"labels": {
        "topology.kubernetes.io/zone": "zone-1"}}}, "application/merge-patch+json")
    cluster.request("PATCH", "/api/v1/nodes/node-1/status", {"status": {"addresses": [
        {"type": "InternalIP", "address": "198.18.0.1"}]}}, "application/merge-patch+json")
    for name in names:
        cluster.apply({"apiVersion": "v1", "kind": "Pod",
                       "metadata": {"name": name, "namespace": NS, "labels": {"app": "silex"}},
                       "spec": {"nodeName": "node-1", "securityContext": {
                           "runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
                           "containers": [{"name": "silex", "image": "silex", "securityContext": {
                               "allowPrivilegeEscalation": False,
                               "capabilities": {"drop": ["ALL"]}}}]}})
        cluster.request("PATCH", f"/api/v1/namespaces/{NS}/pods/{name}/status", {"status": {
            "phase": "Running", "conditions": [
                {"type": "Ready", "status": "True",
                 "lastTransitionTime": "2026-01-01T00:00:00Z"}]}}, "application/merge-patch+json")


LEASE = {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease",
         "metadata": {"name": "ingress-controller-leader", "namespace": NS},
         "spec": {"holderIdentity": "", "leaseDurationSeconds": 1}}


@pytest.fixture
def everything(cluster, ns, make_origin):
    """What makes Silex use each of its rights: host served by origin "a", with a Secret named."""
    make_origin("a", HOST_A)
    pods_of_replicas(cluster, "silex-0")
    cluster.apply({"apiVersion": "v1", "kind": "ConfigMap",
                   "metadata": {"name": "silex", "namespace": NS}, "data": {}})
    cluster.kubectl("delete", "lease", "--all", "-n", NS)
    host = f"{ns}.example.test"
    serve(cluster, ns, host)
    cluster.apply(*backends("tls", ns=ns), ingress("tls", {f"tls.{host}": "web"}, ns=ns, tls=[
        {"hosts": [f"tls.{host}"], "secretName": "no-such-secret"}]))
    return host


FLAGS = ["--configmap", f"{NS}/silex", "--status-update-interval", "5",
         "--enable-topology-aware-routing"]


def status_of(cluster, ns, name):
    return cluster.get(f"/apis/networking.k8s.io/v1/namespaces/{ns}/ingresses/{name}")["status"]


def test_nothing_is_refused(cluster, ns, make_silex, everything):
    silex = make_silex(flags=FLAGS).start()
    wait_who(silex, everything, "a")
    harness.wait_until(lambda: status_of(cluster, ns, "web")["loadBalancer"].get("ingress"),
                       what=f"the status; {silex.log()}")
    cluster.apply(ingress("poke", {f"poke.{everything}": "web"}, ns=ns))
    silex.wait_metric("silex_events_written_total", lambda v: v > 0)
    assert "403" not in silex.log() and "the role needs" not in silex.log(), silex.log()
    silex.wait_log("endpoints of this zone are preferred[^\n]*zone=zone-1")
    troubles = {k: v for k, v in silex.metrics().items() if k.startswith("silex_api_trouble{")}
    assert troubles and not any(troubles.values())


def flags_for(kind, resource):
    """What makes a lone replica use that right."""
    if resource == "leases":
        return FLAGS
    if (kind, resource) == ("Role", "services"):
        return [*FLAGS, "--disable-leader-election", "--publish-service", f"{NS}/silex"]
    return [*FLAGS, "--disable-leader-election"]


def test_each_grant_is_needed(cluster, ns, make_silex, everything):
    """One replica for each, all at once: a refusal is believed only after a while."""
    replicas = {}
    for n, case in enumerate(grants()):
        account = f"less-{n}"
        cluster.apply(*without(account, *case))
        kind, _, resource = case
        replicas[case] = make_silex(account=account, flags=flags_for(kind, resource))
        if resource == "leases":  # to be made, the first time; there, the second time
            replicas[case].start(ready=False)
            replicas[case].wait_log("the role needs [^\n]*leases")
            cluster.apply(LEASE)
        else:
            replicas[case].start(ready=False)
    assert len(replicas) > 10
    for (kind, _, resource), one in replicas.items():
        if resource in ("events", "ingresses/status"):
            one.wait_ready()
    cluster.apply(ingress("poke", {f"poke.{everything}": "web"}, ns=ns))
    for (kind, _, resource), one in replicas.items():
        one.wait_log(rf"the role needs [^\n]*{resource}")
        others = {r for _, _, r in grants()} - {resource}
        assert not any(f"the role needs {r}" in one.log() for r in others)
