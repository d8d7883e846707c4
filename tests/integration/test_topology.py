"""--enable-topology-aware-routing: traffic stays in the zone of the node this pod runs on, as far
as EndpointSlice hints say so."""

import pytest

from api_world import api  # noqa: F401
from harness import endpoint, ingress, ingress_class, service, slice_, wait_until

POD = {"POD_NAME": "silex-0", "POD_NAMESPACE": "infra"}


def node(name, zone=None):
    labels = {"topology.kubernetes.io/zone": zone} if zone else {}
    return {"apiVersion": "v1", "kind": "Node", "metadata": {"name": name, "labels": labels}}


def pod(node_name):
    return {"apiVersion": "v1", "kind": "Pod",
            "metadata": {"name": "silex-0", "namespace": "infra"}, "spec": {"nodeName": node_name}}


def hinted(port, *zones):
    one = endpoint("127.0.0.1")
    if zones:
        one["hints"] = {"forZones": [{"name": z} for z in zones]}
    return slice_("base", [one], port)


@pytest.fixture
def zones(make_silex, api, make_origin):
    """zones(env) -> a Silex in front of an endpoint in zone a and one in zone b."""
    a, b = make_origin("in-a"), make_origin("in-b")

    def start(env, *flags):
        api.put(ingress_class(), service("base"), hinted(a.port, "a"), hinted(b.port, "b"),
                ingress("base", {"silex.test": "base"}))
        return make_silex(source=["--apiserver-host", api.url], env=env, flags=[
            "--update-status=false", "--enable-topology-aware-routing", *flags]).start()
    start.a, start.b = a, b
    return start


def answered_by(silex):
    return {silex.get().body.split()[1].decode() for _ in range(8)}


def wait_answered_by(silex, *names):
    wait_until(lambda: answered_by(silex) == set(names), what=f"{names}; log:\n{silex.log()}")


def test_follows_hints(zones, api):
    """From the first request on; then a hint goes, the node moves, and it is deleted."""
    api.put(node("n1", "a"), node("n2", "b"))
    silex = zones({**POD, "NODE_NAME": "n1"})
    assert answered_by(silex) == {"in-a"}
    assert {w.name for w in api.watches("nodes")} == {"n1"}
    assert not api.asked("get", "pods")
    api.put(hinted(zones.b.port))
    wait_answered_by(silex, "in-a", "in-b")
    api.put(hinted(zones.b.port, "b"))
    wait_answered_by(silex, "in-a")
    api.put(node("n1", "b"))
    wait_answered_by(silex, "in-b")
    api.delete("Node", "n1", ns="")
    wait_answered_by(silex, "in-a", "in-b")
    silex.wait_log("zone is not known")


def test_node_of_the_pod(zones, api):
    """Without NODE_NAME the Pod says where it runs; until the API answers, it is asked again."""
    api.put(node("n1", "a"), pod("n1"))
    api.on("get", "pods", lambda r: r.fail(503), times=2)
    silex = zones(POD)
    assert answered_by(silex) == {"in-a"}
    assert len(api.asked("get", "pods")) == 3


@pytest.mark.parametrize("env,forbidden,said", [
    ({}, set(), "POD_NAME and POD_NAMESPACE are not set"),
    (POD, {"pods"}, "the role needs pods: get"),
    (POD, set(), "no Pod of the name"),
    ({**POD, "NODE_NAME": "n1"}, {"nodes"}, 'resources .*nodes'),
    ({**POD, "NODE_NAME": "n9"}, set(), "zone is not known"),
])
def test_unknown_place(zones, api, env, forbidden, said):
    """Whatever is missing is said, and endpoints of all zones are used."""
    api.put(node("n1", "a"))
    api.forbidden = forbidden
    silex = zones(env)
    silex.wait_log(said)
    wait_answered_by(silex, "in-a", "in-b")


def test_off(zones, api):
    """Not asked for: no Node is looked at, hints have no say."""
    api.put(node("n1", "a"))
    silex = zones({**POD, "NODE_NAME": "n1"}, "--enable-topology-aware-routing=false")
    assert answered_by(silex) == {"in-a", "in-b"}
    assert not api.asked("watch", "nodes") and not api.asked("list", "nodes")


def test_manifests(make_silex, make_origin):
    """Without an API server a Node of the directory says it."""
    a, b = make_origin("in-a"), make_origin("in-b")
    silex = make_silex(env={"NODE_NAME": "n1"}, flags=["--enable-topology-aware-routing"])
    silex.manifests.put("base", service("base"), hinted(a.port, "a"), hinted(b.port, "b"),
                        ingress("base", {"silex.test": "base"}))
    silex.manifests.put("node", node("n1", "b"))
    silex.start()
    assert answered_by(silex) == {"in-b"}
    silex.manifests.put("node", node("n1", "a"))
    wait_answered_by(silex, "in-a")
