"""Every kind of object, by kubectl apply: made, changed, deleted, each time live in the workers."""

import harness
from harness import backends, ingress, path, service, slice_

HOST_A, HOST_B = "198.18.0.11", "198.18.0.12"


def who(silex, host, target="/"):
    """The name of the origin that answered, or the status."""
    answer = silex.get(target, host)
    return answer.get("x-origin") if answer.status == 200 else answer.status


def wait_who(silex, host, name, target="/"):
    def all_agree():
        return all(who(silex, host, target) == name for _ in range(3 * len(silex.workers())))
    harness.wait_until(all_agree, what=f"{name} for {host}{target}; log:\n{silex.log()}")


def serve(cluster, ns, host, address=HOST_A):
    cluster.apply(service("web", ns=ns), slice_("web", [address], 8080, ns=ns, name="web-1"),
                  ingress("web", {host: "web"}, ns=ns))


def test_ingress(cluster, ns, silex, make_origin):
    make_origin("a", HOST_A)
    make_origin("b", HOST_B)
    host = f"{ns}.example.test"
    serve(cluster, ns, host)
    wait_who(silex, host, "a")
    cluster.apply(service("other", ns=ns), slice_("other", [HOST_B], 8080, ns=ns),
                  ingress("web", {host: [path("/", "web"), path("/b", "other")]}, ns=ns))
    wait_who(silex, host, "b", "/b/x")
    assert who(silex, host) == "a"
    cluster.delete("ingress", "web", ns)
    wait_who(silex, host, 404)


def test_service(cluster, ns, silex, make_origin):
    make_origin("a", HOST_A)
    host = f"{ns}.example.test"
    cluster.apply(slice_("web", [HOST_A], 8080, ns=ns, name="web-1"),
                  ingress("web", {host: "web"}, ns=ns))
    wait_who(silex, host, 503)
    cluster.apply(service("web", ns=ns))
    wait_who(silex, host, "a")
    cluster.apply(service("web", 81, ns=ns))  # the Ingress says 80
    wait_who(silex, host, 503)
    cluster.apply(service("web", ns=ns))
    wait_who(silex, host, "a")
    cluster.delete("service", "web", ns)
    wait_who(silex, host, 503)


def test_endpoint_slice(cluster, ns, silex, make_origin):
    make_origin("a", HOST_A)
    make_origin("b", HOST_B)
    host = f"{ns}.example.test"
    serve(cluster, ns, host)
    wait_who(silex, host, "a")
    cluster.apply(slice_("web", [HOST_B], 8080, ns=ns, name="web-1"))
    wait_who(silex, host, "b")
    cluster.apply(slice_("web", [harness.endpoint(HOST_B, ready=False)], 8080, ns=ns,
                         name="web-1"))
    wait_who(silex, host, 503)
    cluster.apply(slice_("web", [HOST_A], 8080, ns=ns, name="web-2"))
    wait_who(silex, host, "a")
    cluster.delete("endpointslice", "web-2", ns)
    wait_who(silex, host, 503)


def test_ingress_class(cluster, ns, silex, make_origin):
    make_origin("a", HOST_A)
    host, name = f"{ns}.example.test", f"class-{ns}"
    cluster.apply(*backends("web", ns=ns), slice_("web", [HOST_A], 8080, ns=ns),
                  ingress("web", {host: "web"}, ns=ns, cls=name))
    wait_who(silex, host, 404)
    cluster.apply(harness.ingress_class(name))
    wait_who(silex, host, "a")
    cluster.kubectl("delete", "ingressclass", name)
    wait_who(silex, host, 404)
