"""The API server dies, etcd forgets, the watch's history is lost: what is served stays served.

All of it under load with no failed request, and what changed meanwhile is caught up with."""

import os
import signal

import harness
from harness import backends, ingress
from load import assert_clean
from test_kinds import HOST_A, HOST_B, serve, wait_who


def start_load(cluster, ns, silex, make_origin, make_load):
    """host, load: traffic flows to an Ingress that nobody touches."""
    make_origin("a", HOST_A)
    make_origin("b", HOST_B)
    host = f"{ns}.example.test"
    serve(cluster, ns, host)
    wait_who(silex, host, "a")
    return host, make_load(silex, connections=16, host=host)


def test_api_server_killed_and_restarted(cluster, ns, silex, make_origin, make_load):
    host, load = start_load(cluster, ns, silex, make_origin, make_load)
    cluster.kill("kube-apiserver")
    silex.wait_metric("silex_api_stale_since_timestamp_seconds", lambda v: v > 0)
    assert silex.healthz("/readyz") == 200
    wait_who(silex, host, "a")
    cluster.start_apiserver()
    cluster.apply(ingress("more", {f"more.{host}": "web"}, ns=ns))
    wait_who(silex, f"more.{host}", "a")
    silex.wait_metric("silex_api_stale_since_timestamp_seconds", lambda v: v == 0)
    counts = load.stop()
    assert_clean(counts)
    assert counts["ok"] > 1000


def test_api_server_ends_in_order(cluster, ns, silex, make_origin, make_load):
    """SIGTERM: GOAWAY on every connection, watches end cleanly, and then nobody listens."""
    host, load = start_load(cluster, ns, silex, make_origin, make_load)
    cluster.kill("kube-apiserver")
    cluster.start_apiserver("--shutdown-watch-termination-grace-period=2s")
    silex.wait_metric("silex_api_stale_since_timestamp_seconds", lambda v: v == 0)
    cluster.apply(ingress("before", {f"before.{host}": "web"}, ns=ns))
    wait_who(silex, f"before.{host}", "a")
    cluster.kill("kube-apiserver", signal.SIGTERM)
    wait_who(silex, host, "a")
    cluster.start_apiserver()
    cluster.apply(ingress("after", {f"after.{host}": "web"}, ns=ns))
    wait_who(silex, f"after.{host}", "a")
    wait_who(silex, f"before.{host}", "a")
    silex.wait_metric("silex_api_stale_since_timestamp_seconds", lambda v: v == 0)
    assert_clean(load.stop())


def test_etcd_killed_and_restarted(cluster, ns, silex, make_origin, make_load):
    host, load = start_load(cluster, ns, silex, make_origin, make_load)
    cluster.kill("etcd")
    cluster.start_etcd()
    harness.wait_until(cluster.ready, 60, "the API server to be ready again")
    cluster.apply(ingress("more", {f"more.{host}": "web"}, ns=ns))
    wait_who(silex, f"more.{host}", "a")
    assert_clean(load.stop())


def test_history_lost(cluster, ns, silex, make_origin, make_load):
    """While Silex stands still objects come, go and change, etcd is compacted and the API server
    starts with an empty cache: the watch cannot resume (410) and nothing of the past is told.
    The new picture takes in what came and lets go of what went, without a gap for the rest."""
    host, load = start_load(cluster, ns, silex, make_origin, make_load)
    cluster.apply(ingress("old", {f"old.{host}": "web"}, ns=ns), *backends("web2", ns=ns))
    wait_who(silex, f"old.{host}", "a")
    before = cluster.revision("networking.k8s.io", "ingresses")
    silex.kill(signal.SIGSTOP)
    try:
        cluster.delete("ingress", "old", ns)
        cluster.apply(ingress("new", {f"new.{host}": "web"}, ns=ns))
        cluster.kill("kube-apiserver")
        cluster.compact()
        cluster.start_apiserver()
        cluster.apply(ingress("newer", {f"newer.{host}": "web"}, ns=ns))
        assert '"code":410' in cluster.watch("networking.k8s.io", "ingresses", before)
    finally:
        os.kill(silex.pid, signal.SIGCONT)
    wait_who(silex, f"new.{host}", "a")
    wait_who(silex, f"newer.{host}", "a")
    wait_who(silex, f"old.{host}", 404)
    silex.wait_metric("silex_api_stale_since_timestamp_seconds", lambda v: v == 0)
    counts = load.stop()
    assert_clean(counts)
    assert counts["ok"] > 1000


def test_start_without_the_api_server(cluster, ns, make_silex, make_origin):
    """It waits, not ready, says so, and serves as soon as the API server is there."""
    make_origin("a", HOST_A)
    host = f"{ns}.example.test"
    serve(cluster, ns, host)
    silex = make_silex()
    cluster.kill("kube-apiserver")
    try:
        silex.start(ready=False)
        harness.wait_until(lambda: silex.healthz("/readyz", quiet=True) not in (0, 200),
                           what="an answer that it is not ready")
    finally:
        cluster.start_apiserver()
    silex.wait_ready()
    wait_who(silex, host, "a")
