"""The network between Silex and the API server: cut in the middle, standing still, in crumbs; and
an API server without WatchList. Nothing that was written is lost, nothing served is dropped."""

import pytest

import harness
from harness import ingress
from load import assert_clean
from relay import Relay
from test_kinds import HOST_A, HOST_B, serve, slice_, wait_who


@pytest.fixture
def relay(cluster):
    r = Relay(cluster.port)
    yield r
    r.stop()


def test_cut_again_and_again(cluster, ns, make_silex, make_origin, make_load, relay):
    make_origin("a", HOST_A)
    host = f"{ns}.example.test"
    serve(cluster, ns, host)
    silex = make_silex(workers=2, port=relay.port).start()
    wait_who(silex, host, "a")
    load = make_load(silex, connections=16, host=host)
    for n in range(4):
        before = relay.connections
        relay.cut()
        cluster.apply(ingress(f"more{n}", {f"more{n}.{host}": "web"}, ns=ns))
        wait_who(silex, f"more{n}.{host}", "a")
        assert relay.connections > before
    assert_clean(load.stop())


def test_standing_still(cluster, ns, make_silex, make_origin, make_load, relay):
    make_origin("a", HOST_A)
    make_origin("b", HOST_B)
    host = f"{ns}.example.test"
    serve(cluster, ns, host)
    silex = make_silex(workers=2, port=relay.port).start()
    wait_who(silex, host, "a")
    load = make_load(silex, connections=16, host=host)
    relay.flowing.clear()
    cluster.apply(slice_("web", [HOST_B], 8080, ns=ns, name="web-1"))
    wait_who(silex, host, "a")  # what is known is served on
    relay.flowing.set()
    wait_who(silex, host, "b")
    assert_clean(load.stop())


def test_crumbs(cluster, ns, make_silex, make_origin, relay):
    """Seven bytes at a time: no boundary of TLS, HTTP/2 or JSON is where a read ends."""
    relay.piece = 7
    make_origin("a", HOST_A)
    host = f"{ns}.example.test"
    serve(cluster, ns, host)
    silex = make_silex(port=relay.port).start()
    wait_who(silex, host, "a")


def test_without_watchlist(cluster, ns, make_silex, make_origin):
    make_origin("a", HOST_A)
    make_origin("b", HOST_B)
    host = f"{ns}.example.test"
    serve(cluster, ns, host)
    cluster.kill("kube-apiserver")
    cluster.start_apiserver("--feature-gates=WatchList=false")
    try:
        silex = make_silex(workers=2).start()
        wait_who(silex, host, "a")
        harness.wait_until(lambda: silex.metric("silex_api_lists_total") > 0, what="lists")
        cluster.apply(slice_("web", [HOST_B], 8080, ns=ns, name="web-1"))
        wait_who(silex, host, "b")
    finally:
        cluster.kill("kube-apiserver")
        cluster.start_apiserver()
