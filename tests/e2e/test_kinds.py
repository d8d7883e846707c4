"""Every kind of object, by kubectl apply: made, changed, deleted, each time live in the workers."""

import socket
import ssl

import certs
import harness
from harness import backends, ingress, path, service, slice_
from replica import NS

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


def certificate(silex, host):
    """DER of what is shown to who asks for that name."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with socket.create_connection((silex.host, silex.https_port), 10) as plain, \
            context.wrap_socket(plain, server_hostname=host) as s:
        return s.getpeercert(True)


def test_secret(cluster, ns, make_silex, make_origin, tmp_path):
    """Its certificate is served, is exchanged without a connection lost, and goes with it."""
    make_origin("a", HOST_A)
    host = f"{ns}.example.test"
    first, second = (certs.Pair(tmp_path / n, host) for n in ("first", "second"))
    silex = make_silex(workers=2, https=True).start()
    cluster.apply(certs.secret("cert", first.crt, first.key, ns=ns), service("web", ns=ns),
                  slice_("web", [HOST_A], 8080, ns=ns, name="web-1"),
                  ingress("web", {host: "web"}, ns=ns, tls=[certs.tls("cert", host)]))

    def shows(der):
        return lambda: all(certificate(silex, host) == der for _ in range(6))
    harness.wait_until(shows(first.der()), what=f"the first certificate; {silex.log()}")
    cluster.apply(certs.secret("cert", second.crt, second.key, ns=ns))
    harness.wait_until(shows(second.der()), what="the second certificate")
    cluster.delete("secret", "cert", ns)
    harness.wait_until(lambda: certificate(silex, host) != second.der(), what="the default one")


def test_configmap(cluster, ns, make_silex, make_origin):
    """Settings change while it serves, and are the defaults again without it."""
    make_origin("a", HOST_A)
    host, name = f"{ns}.example.test", "silex"  # the one that rbac.yaml names
    silex = make_silex(workers=2, flags=["--configmap", f"{NS}/{name}"]).start()
    serve(cluster, ns, host)
    wait_who(silex, host, "a")

    def posts(status):
        def post():
            return silex.get("/", host, method="POST", body=b"x" * 100).status == status
        return lambda: all(post() for _ in range(6))
    cluster.apply({"apiVersion": "v1", "kind": "ConfigMap",
                   "metadata": {"name": name, "namespace": NS},
                   "data": {"proxy-body-size": "10"}})
    harness.wait_until(posts(413), what=f"413; {silex.log()}")
    cluster.delete("configmap", name, NS)
    harness.wait_until(posts(200), what="the default")
