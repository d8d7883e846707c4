"""Routing end to end, as ingress-nginx does it: hosts, paths, ports, classes, order."""

import pytest

from harness import (backends, endpoint, ingress, ingress_class, path, service, slice_,
                     wait_until)


@pytest.fixture
def world(make_silex, make_origin):
    """A Silex and origins a, b, c behind Services of the same names."""
    s = make_silex()
    for name in "abc":
        s.manifests.put(f"svc-{name}", backends(name, make_origin(name).port))
    s.manifests.put("probe", ingress("probe", {"probe.test": "a"}))
    return s.start()


def put(silex, name, *objects):
    """Publish and wait until it is live: a probe host in the same file says so."""
    put.count += 1
    probe = f"p{put.count}.probe.test"
    silex.manifests.put(name, *objects, ingress(f"probe-{name}", {probe: "a"}))
    silex.wait_status(200, host=probe)


put.count = 0


def who(silex, target, host):
    """Which origin answered, or the status when none did."""
    answer = silex.get(target, host)
    return answer.get("x-origin") or answer.status


def check(silex, host, expected):
    assert {t: who(silex, t, host) for t in expected} == expected


def test_hosts(world):
    put(world, "hosts", ingress("hosts", {"x.test": "a", "*.w.test": "b"}),
        ingress("exact-under-wildcard", {"one.w.test": "c"}))
    for host, expected in {"x.test": "a", "X.TEST": "a", "x.test:8080": "a", "y.test": 404,
                           "any.w.test": "b", "one.w.test": "c", "w.test": 404,
                           "two.labels.w.test": 404}.items():
        assert who(world, "/", host) == expected, host


def test_host_without_rules_is_catch_all(world):
    put(world, "all", ingress("all", {"": "b", "x.test": [path("/only", "a")]}))
    check(world, "nobody.test", {"/": "b", "/z": "b"})
    check(world, "x.test", {"/only": "a", "/else": 404})


def test_default_backend_of_an_ingress(world):
    put(world, "own", ingress("own", {"x.test": [path("/a", "a")]}, default="c"))
    check(world, "x.test", {"/a": "a", "/other": "c", "/": "c"})


def test_default_backend_service_flag(make_silex, make_origin):
    s = make_silex(flags=["--default-backend-service", "default/last"])
    s.manifests.put("last", backends("last", make_origin("last").port))
    s.manifests.put("x", ingress("x", {"x.test": [path("/a", "last")]}))
    s.start()
    wait_until(lambda: who(s, "/", "unknown.test") == "last")
    check(s, "x.test", {"/none": "last"})


def test_prefix_by_element_exact_and_longest(world):
    put(world, "paths", ingress("paths", {"x.test": [
        path("/foo", "a"), path("/foo/bar", "b"), path("/foo/bar", "c", kind="Exact"),
        path("/impl", "b", kind="ImplementationSpecific")]}))
    check(world, "x.test", {
        "/foo": "a", "/foo/": "a", "/foobar": 404, "/foo/x": "a", "/foo/bar": "c",
        "/foo/bar/": "b", "/foo/bar/x": "b", "/foo/barx": "a", "/Foo": 404, "/": 404,
        "/impl/x": "b", "/implx": 404, "/foo?x=/foo/bar": "a"})


def test_order_in_the_manifest_does_not_matter(world):
    put(world, "order", ingress("order", {"x.test": [
        path("/", "a"), path("/long/er", "c"), path("/long", "b")]}))
    check(world, "x.test", {"/long/er/x": "c", "/long/x": "b", "/l": "a"})


def test_path_is_normalised_for_matching_and_forwarded_as_it_came(world):
    put(world, "norm", ingress("norm", {"x.test": [path("/a", "a"), path("/b", "b")]}))
    check(world, "x.test", {"//a//": "a", "/a/../b": "b", "/%61/x": "a", "/./b": "b",
                            "/a/%2e%2e/b": "b"})
    assert world.get("/%61/./x//echo?q=%41", "x.test").json()["target"] == "/%61/./x//echo?q=%41"
    assert world.get("/../a", "x.test").status == 400


def test_missing_trailing_slash_redirects(world):
    put(world, "slash", ingress("slash", {"x.test": [path("/dir/", "a")]}))
    answer = world.get("/dir?q=1", "x.test")
    assert answer.status == 301 and answer.get("location").endswith("/dir/?q=1")
    assert who(world, "/dir/x", "x.test") == "a"


def test_oldest_ingress_wins_whatever_the_file_order(world):
    put(world, "1-young", ingress("young", {"x.test": "b"}, created="2026-05-01T00:00:00Z"))
    assert who(world, "/", "x.test") == "b"
    put(world, "2-old", ingress("old", {"x.test": "a"}, created="2025-05-01T00:00:00Z"))
    assert who(world, "/", "x.test") == "a"
    world.manifests.delete("2-old")
    wait_until(lambda: who(world, "/", "x.test") == "b", what="the younger one to step in")


def test_hosts_are_merged_from_several_ingresses(world):
    put(world, "merge", ingress("m1", {"x.test": [path("/a", "a")]}),
        ingress("m2", {"x.test": [path("/b", "b")]}, ns="default"))
    check(world, "x.test", {"/a": "a", "/b": "b"})


def test_classes(world):
    put(world, "classes", ingress_class("other", "example.com/other"),
        ingress_class("alias"),
        ingress("by-other", {"other.test": "a"}, cls="other"),
        ingress("by-alias", {"alias.test": "a"}, cls="alias"),
        ingress("by-missing", {"missing.test": "a"}, cls="nowhere"),
        ingress("by-none", {"none.test": "a"}, cls=None),
        ingress("by-annotation", {"annotation.test": "a"}, cls=None,
                annotations={"kubernetes.io/ingress.class": "nginx"}))
    assert {h: who(world, "/", f"{h}.test") for h in (
        "other", "alias", "missing", "none", "annotation")} == {
            "other": 404, "alias": "a", "missing": 404, "none": 404, "annotation": "a"}


def test_without_class_when_asked_for(make_silex, origin):
    s = make_silex(flags=["--watch-ingress-without-class"])
    s.manifests.put("x", backends("a", origin.port), ingress("x", {"x.test": "a"}, cls=None))
    s.start()
    s.wait_status(200, host="x.test")


def test_named_and_numbered_ports(world, make_origin):
    web, admin = make_origin("web"), make_origin("admin")
    put(world, "ports",
        service("multi", [{"name": "web", "port": 80, "targetPort": "w"},
                          {"name": "admin", "port": 8080, "targetPort": 9}]),
        slice_("multi", ["127.0.0.1"], web.port, port_name="web"),
        slice_("multi", ["127.0.0.1"], admin.port, port_name="admin"),
        ingress("ports", {"x.test": [path("/number", "multi", 80), path("/name", "multi", "admin"),
                                     path("/none", "multi", 81)]}))
    check(world, "x.test", {"/number": "web", "/name": "admin", "/none": 503})


def test_readiness_of_endpoints(world, make_origin):
    up, other = make_origin("up"), make_origin("other")
    put(world, "ready", service("svc"),
        slice_("svc", [endpoint("127.0.0.1", ready=False)], other.port, name="s-not"),
        slice_("svc", [endpoint("127.0.0.1", ready=None)], up.port, name="s-nil"),
        slice_("svc", [endpoint("127.0.0.1", False, serving=True, terminating=True)], other.port,
               name="s-terminating"),
        ingress("ready", {"x.test": "svc"}))
    assert {who(world, "/", "x.test") for _ in range(6)} == {"up"}


def test_no_endpoint_and_no_service(world):
    put(world, "none", service("empty"),
        ingress("none", {"empty.test": "empty", "missing.test": "nowhere"}))
    assert who(world, "/", "empty.test") == 503
    assert who(world, "/", "missing.test") == 503


def test_round_robin_is_even(world, make_origin):
    put(world, "rr", backends("rr", *(make_origin(f"o{i}").port for i in range(3))),
        ingress("rr", {"x.test": "rr"}))
    seen = [who(world, "/", "x.test") for _ in range(30)]
    assert sorted(seen.count(f"o{i}") for i in range(3)) == [10, 10, 10]


def test_services_of_other_namespaces_do_not_mix(world, make_origin):
    put(world, "ns", backends("same", make_origin("n1").port, ns="n1"),
        backends("same", make_origin("n2").port, ns="n2"),
        ingress("i1", {"n1.test": "same"}, ns="n1"), ingress("i2", {"n2.test": "same"}, ns="n2"))
    assert (who(world, "/", "n1.test"), who(world, "/", "n2.test")) == ("n1", "n2")


@pytest.mark.ipv6
def test_ipv6_endpoint(world, make_origin):
    six = make_origin("six", bind="::1")
    put(world, "six", service("six"), slice_("six", ["::1"], six.port, family="IPv6"),
        ingress("six", {"x.test": "six"}))
    assert who(world, "/", "x.test") == "six"


@pytest.mark.ipv6
def test_ipv6_listener(make_silex, origin):
    s = make_silex(bind="::1")
    s.manifests.put("x", backends("a", origin.port), ingress("x", {"x.test": "a"}))
    s.start()
    s.wait_status(200, host="x.test")
    echo = s.get("/echo", "x.test").json()
    assert ["X-Forwarded-For", "::1"] in echo["headers"] or ["X-Real-IP", "::1"] in echo["headers"]


def test_annotation_timeout_and_body_size(world, make_scripted):
    silent = make_scripted(lambda peer: (peer.read_head(), peer.fill()))
    put(world, "annot", backends("silent", silent.port),
        ingress("slow", {"slow.test": "silent"}, annotations={"proxy-read-timeout": 1}),
        ingress("small", {"small.test": "a"}, annotations={"proxy-body-size": "1k"}),
        ingress("any", {"any.test": "a"}, annotations={"proxy-body-size": "0"}))
    assert world.get("/", "slow.test").status == 504
    assert world.get("/sink", "small.test", method="POST", body=b"x" * 1024).status == 200
    assert world.get("/sink", "small.test", method="POST", body=b"x" * 1025).status == 413
    assert world.get("/sink", "any.test", method="POST", body=b"x" * 3_000_000).status == 200


def test_bad_annotation_denies_its_location_only(world):
    put(world, "bad", ingress("bad", {"bad.test": "a"}, annotations={"proxy-body-size": "lots"}),
        ingress("good", {"good.test": "a"}))
    assert who(world, "/", "good.test") == "a"
    answer = world.get("/", "bad.test")
    assert answer.status in (200, 503)
    world.wait_log("proxy-body-size")
