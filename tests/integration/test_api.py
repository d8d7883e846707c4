"""The API server as the source, when it behaves: what is watched, what is written back."""

import signal

import pytest

from api_world import api  # noqa: F401
from harness import backends, ingress, ingress_class, service, wait_until
from load import GENTLE, Load, assert_clean


@pytest.fixture
def follow(make_silex, api, origin):
    """follow(flags..., env={...}) -> a Silex on the API that serves silex.test."""
    def start(*flags, env=None, ready=True, source=()):
        api.put(ingress_class(), backends("base", origin.port),
                ingress("base", {"silex.test": "base"}))
        return make_silex(source=["--apiserver-host", api.url, *source], flags=flags,
                          env=env).start(ready)
    return start


POD = {"POD_NAME": "silex-0", "POD_NAMESPACE": "infra"}


def namespace(name, **labels):
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}


def shown(api, name="base"):
    status = api.get("Ingress", name).get("status", {})
    return [next(iter(a.values())) for a in status.get("loadBalancer", {}).get("ingress", [])]


def test_namespace_selector(follow, api, origin):
    """Labels decide, and may change."""
    api.put(namespace("default", env="prod"), namespace("dev", env="test"))
    api.put(backends("base", origin.port, ns="dev"))
    silex = follow("--watch-namespace-selector", "env in (prod)")
    api.put(ingress("dev", {"dev.test": "base"}, ns="dev"))
    silex.wait_status(200)
    assert silex.get(host="dev.test").status == 404
    api.put(namespace("dev", env="prod"))
    silex.wait_status(200, host="dev.test")
    api.put(namespace("default", env="gone"))
    silex.wait_status(404)
    assert silex.get(host="dev.test").status == 200


def test_secrets_by_name_only(follow, api):
    """A Secret is asked for when an Ingress names it, and no longer when none does."""
    silex = follow()
    assert not api.asked("watch", "secrets") and not api.asked("list", "secrets")
    api.put(ingress("tls", {"tls.test": "base"}, tls=[{"hosts": ["tls.test"],
                                                         "secretName": "cert"}]))
    watch = api.watch("secrets")
    assert (watch.ns, watch.name) == ("default", "cert")
    silex.wait_status(200, host="tls.test", fields=[("X-Forwarded-Proto", "https")])
    api.delete("Ingress", "tls")
    wait_until(lambda: not api.watches("secrets"), what="the watch to end")


def test_both_sources(follow, api, make_silex, origin):
    """Manifests beside the API: both are served, and a file wins over the API's object."""
    api.put(ingress_class(), backends("base", origin.port), ingress("api", {"api.test": "base"}))
    silex = make_silex(flags=["--apiserver-host", api.url, "--disable-leader-election"])
    silex.manifests.put("file", ingress("file", {"file.test": "base"}),
                        ingress("both", {"of-file.test": "base"}))
    silex.start()
    silex.wait_status(200, host="api.test")
    silex.wait_status(200, host="file.test")
    api.put(ingress("both", {"of-api.test": "base"}))
    api.put(ingress("last", {"last.test": "base"}))
    silex.wait_status(200, host="last.test")
    assert silex.get(host="of-file.test").status == 200
    assert silex.get(host="of-api.test").status == 404
    api.lose_history()
    api.watch("ingresses").end()
    api.put(ingress("later", {"later.test": "base"}))
    silex.wait_status(200, host="later.test")
    assert silex.get(host="file.test").status == 200


# -- status -----------------------------------------------------------------------------------


def test_status_fixed_addresses(follow, api):
    """Written once, never again while it says so; cleared at the end."""
    silex = follow("--publish-status-address", "192.0.2.7,lb.example.com", env=POD)
    wait_until(lambda: shown(api) == ["lb.example.com", "192.0.2.7"] or
               shown(api) == ["192.0.2.7", "lb.example.com"], what="the status")
    api.put(ingress("more", {"more.test": "base"}))
    wait_until(lambda: shown(api, "more"), what="the status of a new Ingress")
    assert len([r for r in api.asked("patch", "ingresses")]) == 2
    lease = api.get("Lease", "ingress-controller-leader", "infra")
    assert lease["spec"]["holderIdentity"] == "silex-0"
    assert lease["spec"]["renewTime"].endswith("Z") and len(lease["spec"]["renewTime"]) == 27
    silex.stop()
    assert not shown(api) and not shown(api, "more")
    lease = api.get("Lease", "ingress-controller-leader", "infra")
    assert lease["spec"]["holderIdentity"] == ""


def test_status_of_a_service(follow, api):
    """LoadBalancer: what its status says, and it may say it later."""
    api.put(service("front", ns="infra", kind="LoadBalancer", externalIPs=["192.0.2.9"]))
    follow("--publish-service", "infra/front", env=POD)
    wait_until(lambda: shown(api) == ["192.0.2.9"], what="externalIPs")


def pod(name, node, ready=True, **labels):
    return {"apiVersion": "v1", "kind": "Pod",
            "metadata": {"name": name, "namespace": "infra", "labels": labels},
            "spec": {"nodeName": node},
            "status": {"phase": "Running",
                       "conditions": [{"type": "Ready", "status": str(ready)}]}}


def node(name, **addresses):
    return {"apiVersion": "v1", "kind": "Node", "metadata": {"name": name},
            "status": {"addresses": [{"type": t, "address": a} for t, a in addresses.items()]}}


def test_status_of_nodes(follow, api):
    """Neither address nor Service given: the nodes of our ready pods."""
    labels = {"app": "silex", "pod-template-hash": "abc"}
    api.put(pod("silex-0", "n1", **labels), pod("silex-1", "n2", **labels),
            pod("silex-2", "n3", ready=False, **labels))
    api.put(node("n1", ExternalIP="192.0.2.1", InternalIP="10.0.0.1"),
            node("n2", InternalIP="10.0.0.2"), node("n3", ExternalIP="192.0.2.3"))
    silex = follow(env=POD)
    wait_until(lambda: sorted(shown(api)) == ["10.0.0.2", "192.0.2.1"], what="two nodes")
    asked = [r for r in api.asked("list", "pods")]
    assert asked[0].query["labelSelector"] == "app=silex"
    silex.stop()
    assert shown(api), "another replica serves on"


def test_two_replicas(make_silex, api, origin):
    """One writes; when it is killed the other takes over, within the lease, and never both."""
    api.put(ingress_class(), backends("base", origin.port), ingress("base", {"silex.test": "base"}))
    made = []
    for n in range(2):
        made.append(make_silex(
            source=["--apiserver-host", api.url],
            flags=["--publish-status-address", f"192.0.2.{n}", "--election-ttl", "4s"],
            env={"POD_NAME": f"silex-{n}", "POD_NAMESPACE": "infra"}).start())
        wait_until(lambda: shown(api), what="the status")

    def leaders():
        return [s.metrics()["silex_leader"] for s in made]
    assert shown(api) == ["192.0.2.0"]
    wait_until(lambda: leaders() == [1, 0], what="one leader")
    first, second = made
    load = Load(second, 2, pause=GENTLE)
    first.expect_deaths = True
    first.kill(signal.SIGKILL)
    first.process.wait()
    wait_until(lambda: shown(api) == ["192.0.2.1"], what="the other one's status")
    lease = api.get("Lease", "ingress-controller-leader", "infra")
    assert lease["spec"]["holderIdentity"] == "silex-1"
    assert lease["spec"]["leaseTransitions"] == 1
    assert_clean(load.stop())
    first.process = None
    first.abandon()


def test_no_status(follow, api):
    silex = follow("--update-status=false", env=POD)
    api.put(ingress("more", {"more.test": "base"}))
    silex.wait_status(200, host="more.test")
    assert not api.asked("patch", "ingresses") and not api.asked("get", "leases")


def test_sync_events(follow, api):
    """One for each change of an Ingress of ours, none for what was there, none for our status."""
    silex = follow("--publish-status-address", "192.0.2.1", env=POD)
    wait_until(lambda: shown(api), what="the status")
    assert not [e for e in api.all("Event") if e["reason"] == "Sync"]
    api.put(ingress("more", {"more.test": "base"}), ingress("other", {"x.test": "base"},
                                                              cls="nobody"))
    silex.wait_status(200, host="more.test")
    wait_until(lambda: [e for e in api.all("Event") if e["reason"] == "Sync"], what="the Event")
    names = [e["involvedObject"]["name"] for e in api.all("Event") if e["reason"] == "Sync"]
    assert names == ["more"]
    wait_until(lambda: [e for e in api.all("Event") if e["reason"] == "NoIngressClass"],
               what="the other one's Event")
