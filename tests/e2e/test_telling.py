"""What users see with kubectl: the address of an Ingress, and Events that say what is wrong."""

import json

import harness
from harness import backends, ingress
from test_kinds import HOST_A, serve, wait_who

ADDRESS = "198.51.100.7"


def events(cluster, ns, name):
    """{reason: message} about an Ingress, as kubectl shows them."""
    got = json.loads(cluster.kubectl(
        "get", "events", "-n", ns, "-o", "json", "--field-selector",
        f"involvedObject.kind=Ingress,involvedObject.name={name}"))
    return {e["reason"]: e["message"] for e in got["items"]}


def wait_event(cluster, ns, name, reason, silex):
    return harness.wait_until(lambda: events(cluster, ns, name).get(reason),
                              what=f"Event {reason} of {name}; {silex.log()}")


def test_address_column(cluster, ns, make_silex, make_origin):
    make_origin("a", HOST_A)
    host = f"{ns}.example.test"
    silex = make_silex(flags=["--publish-status-address", f"{ADDRESS},lb.example.test"]).start()
    serve(cluster, ns, host)
    wait_who(silex, host, "a")

    def shown():
        line = cluster.kubectl("get", "ingress", "web", "-n", ns, "--no-headers").split()
        return len(line) >= 4 and set(line[3].split(",")) == {ADDRESS, "lb.example.test"}
    harness.wait_until(shown, what=f"the ADDRESS column; {silex.log()}")
    version = cluster.kubectl("get", "ingress", "web", "-n", ns, "-o",
                              "jsonpath={.metadata.resourceVersion}")
    written = silex.metric("silex_ingress_status_writes_total")
    cluster.apply(*backends("other", ns=ns), ingress("other", {f"other.{host}": "other"}, ns=ns))
    silex.wait_metric("silex_ingress_status_writes_total", lambda v: v > written)
    assert version == cluster.kubectl("get", "ingress", "web", "-n", ns, "-o",
                                      "jsonpath={.metadata.resourceVersion}")
    silex.stop()
    harness.wait_until(
        lambda: "ingress" not in cluster.get(f"/apis/networking.k8s.io/v1/namespaces/{ns}"
                                             "/ingresses/web")["status"]["loadBalancer"],
        what="the status to be cleared by the last replica")


def test_events(cluster, ns, silex):
    host = f"{ns}.example.test"
    cluster.apply(*[o for o in backends("web", ns=ns)],
                  ingress("web", {host: "web"}, ns=ns),
                  ingress("lost", {f"lost.{host}": "no-such-service"}, ns=ns),
                  ingress("typo", {f"typo.{host}": "web"}, ns=ns,
                          annotations={"proxy-body-size": "many"}))
    assert wait_event(cluster, ns, "web", "Sync", silex) == "Scheduled for sync"
    assert "proxy-body-size" in wait_event(cluster, ns, "typo", "AnnotationParsingFailed", silex)
    told = harness.wait_until(
        lambda: next((m for m in events(cluster, ns, "lost").values() if "no-such-service" in m),
                     None), what=f"an Event that names the missing Service; {silex.log()}")
    assert told
    assert "Scheduled for sync" in cluster.kubectl("describe", "ingress", "web", "-n", ns)
