"""Balancing annotations: load-balance, upstream-hash-by(-subset), service-upstream."""

import threading

import pytest

from harness import backends, ingress, path, service, slice_, wait_until


@pytest.fixture
def farm(make_silex, make_origin):
    """farm(n, conf="", **annotations): one worker before n origins called o0, o1, ..."""
    def make(n, conf="", workers=1, **annotations):
        origins = [make_origin(f"o{i}") for i in range(n)]
        s = make_silex(conf=conf, workers=workers)
        annotate(s, **annotations)
        s.manifests.put("base", backends("base", *(o.port for o in origins)))
        s.origins = origins
        return s.start()
    return make


CREATED = "2026-01-01T00:00:00Z"


def annotate(silex, **annotations):
    silex.manifests.put("ingress", ingress(
        "base", {"silex.test": "base"}, created=CREATED,
        annotations={k.replace("_", "-"): v for k, v in annotations.items()}))


def who(silex, target="/name", **how):
    return silex.get(target, **how).get("X-Origin")


def by_header(silex, keys):
    with silex.client() as c:
        return {k: c.get("/name", fields={"X-Key": k}).get("X-Origin") for k in keys}


KEYS = [f"key{i}" for i in range(120)]


def test_hash_by_header(farm):
    """The same key comes to the same endpoint, on every worker; keys are spread."""
    silex = farm(4, workers=3, upstream_hash_by="$http_x_key")
    first = by_header(silex, KEYS)
    assert all(by_header(silex, KEYS) == first for _ in range(5))
    counts = [sum(v == f"o{i}" for v in first.values()) for i in range(4)]
    assert all(10 <= n <= 55 for n in counts), counts


def test_hash_moves_no_more_than_it_must(farm):
    silex = farm(4, upstream_hash_by="$http_x_key")
    before = by_header(silex, KEYS)
    ports = [o.port for o in silex.origins]
    silex.manifests.put("base", backends("base", *ports[:3]))
    wait_until(lambda: "o3" not in by_header(silex, KEYS).values(), what="o3 gone")
    after = by_header(silex, KEYS)
    assert {k for k in KEYS if after[k] != before[k]} == {k for k in KEYS if before[k] == "o3"}
    silex.manifests.put("base", backends("base", *ports))
    wait_until(lambda: by_header(silex, KEYS) == before, what="everything as before")


def test_hash_of_a_template(farm):
    """More than one variable, and text; the query's order and nothing else does not matter."""
    silex = farm(3, upstream_hash_by="${request_uri}-$http_x_key-x")
    assert len({who(silex, "/name?a=1", fields={"X-Key": "k"}) for _ in range(10)}) == 1
    assert len({who(silex, f"/name?a={i}", fields={"X-Key": "k"}) for i in range(30)}) == 3
    assert len({who(silex, "/name?a=1", fields={"X-Key": f"{i}"}) for i in range(30)}) == 3


def test_hash_goes_on_to_the_next_best(farm):
    """A key whose endpoint fails is tried elsewhere, always at the same other one."""
    silex = farm(3, upstream_hash_by="$http_x_key")
    before = by_header(silex, KEYS)
    silex.origins[0].process.terminate()
    silex.origins[0].process.wait()
    after = by_header(silex, KEYS)
    assert set(after.values()) == {"o1", "o2"}
    assert all(after[k] == before[k] for k in KEYS if before[k] != "o0")
    assert by_header(silex, KEYS) == after


def test_subset(farm):
    """A key is shared by three endpoints (the default), or as many as asked for."""
    silex = farm(8, upstream_hash_by="$http_x_key", upstream_hash_by_subset="true")

    def seen(key, n=80):
        with silex.client() as c:
            return {c.get("/name", fields={"X-Key": key}).get("X-Origin") for _ in range(n)}
    assert len(seen("a")) == 3 and seen("a") == seen("a")
    assert len({frozenset(seen(k)) for k in "abcdefgh"}) > 1
    annotate(silex, upstream_hash_by="$http_x_key", upstream_hash_by_subset="true",
             upstream_hash_by_subset_size=5)
    wait_until(lambda: len(seen("a")) == 5, what="five of them")


def test_hash_by_nonsense(farm):
    """An unknown variable is told, and is empty; a template that is none is told and not used."""
    silex = farm(3, upstream_hash_by="$no_such_variable")
    silex.wait_log("upstream-hash-by.*no_such_variable")
    assert len({who(silex) for _ in range(20)}) == 1
    annotate(silex, upstream_hash_by="${broken")
    wait_until(lambda: len({who(silex) for _ in range(20)}) == 3, what="round robin")
    silex.wait_log("upstream-hash-by.*broken")


def test_settings_of_the_oldest(farm):
    """Two Ingresses, one Service: the older one's balancing holds, for both."""
    silex = farm(3, upstream_hash_by="$http_x_key")
    silex.manifests.put("younger", ingress("younger", {"young.test": "base"},
                                           annotations={"load-balance": "round_robin"}))
    silex.wait_status(200, "/name", "young.test")

    def spread(host):
        return {who(silex, host=host, fields={"X-Key": "k"}) for _ in range(20)}
    assert len(spread("young.test")) == 1 and spread("young.test") == spread("silex.test")
    silex.manifests.delete("ingress")
    wait_until(lambda: len(spread("young.test")) == 3, what="round robin of the only one left")


# --- ewma ----------------------------------------------------------------------------------------


@pytest.fixture
def slow_and_fast(make_silex, make_scripted):
    """(silex, counts): two endpoints that answer at once and one that takes its time."""
    counts = {"fast": 0, "slow": 0}
    speed = threading.Event()

    def script(name):
        def run(peer):
            while peer.read_request() is not None:
                counts[name] += 1
                if name == "slow":
                    speed.wait(0.15)
                peer.answer(fields=f"X-Origin: {name}\r\n")
        return run
    origins = [make_scripted(script(n)) for n in ("fast", "fast", "slow")]

    def make(conf="", **annotations):
        s = make_silex(conf=conf)
        annotate(s, **annotations)
        s.manifests.put("base", backends("base", *(o.port for o in origins)))
        return s.start(), counts
    return make


def test_ewma_spares_the_slow(slow_and_fast):
    silex, counts = slow_and_fast(load_balance="ewma")
    with silex.client() as c:
        for _ in range(90):
            assert c.get("/").status == 200
    assert counts["slow"] < 10 and counts["fast"] > 80, counts


def test_round_robin_does_not(slow_and_fast):
    silex, counts = slow_and_fast(load_balance="round_robin")
    with silex.client() as c:
        for _ in range(30):
            c.get("/")
    assert counts == {"fast": 20, "slow": 10}


def test_load_balance_of_the_configmap(slow_and_fast, make_silex):
    cm = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "silex", "namespace": "x"},
          "data": {"load-balance": "ewma"}}
    silex, counts = slow_and_fast(conf="configmap = x/silex\n")
    silex.manifests.put("configmap", cm)

    def spared():
        counts.update(fast=0, slow=0)
        with silex.client() as c:
            for _ in range(30):
                c.get("/")
        return counts["slow"] <= 5
    wait_until(spared, what="the ConfigMap's balancing")


def test_ewma_tries_others(farm):
    silex = farm(3, load_balance="ewma")
    silex.origins[1].process.terminate()
    silex.origins[1].process.wait()
    assert {silex.get("/name").status for _ in range(60)} == {200}
    m = silex.metrics()
    assert m["silex_upstream_connect_failures_total"] < 15, "a fast refusal is no fast answer"


def test_nonsense_is_told(farm):
    silex = farm(2, load_balance="chash_all", upstream_hash_by_subset_size=-1)
    silex.wait_log("load-balance.*must be .*round_robin.* or .*ewma")
    silex.wait_log("upstream-hash-by-subset-size.*too small")
    assert len({who(silex) for _ in range(10)}) == 2


# --- service-upstream ----------------------------------------------------------------------------


def cluster_ip(silex, origin, pod):
    """The Service's address is where `origin` is, its endpoint is `pod`."""
    silex.manifests.put("base", service("base", [{"port": origin.port, "protocol": "TCP"}],
                                        clusterIP="127.0.0.1"),
                        slice_("base", ["127.0.0.1"], pod.port))


def ported(silex, origin, **annotations):
    silex.manifests.put("ingress", ingress(
        "base", {"silex.test": [path("/", "base", origin.port)]}, created=CREATED,
        annotations={k.replace("_", "-"): v for k, v in annotations.items()}))


def test_service_upstream(make_silex, make_origin):
    proxy, pod = make_origin("service"), make_origin("pod")
    s = make_silex()
    cluster_ip(s, proxy, pod)
    ported(s, proxy)
    s.start()
    assert who(s) == "pod"
    ported(s, proxy, service_upstream="true")
    wait_until(lambda: who(s) == "service", what="the cluster IP")
    ported(s, proxy)
    wait_until(lambda: who(s) == "pod", what="the endpoint again")


def test_service_upstream_of_the_configmap(make_silex, make_origin):
    proxy, pod = make_origin("service"), make_origin("pod")
    s = make_silex(conf="configmap = x/silex\n")
    s.manifests.put("configmap", {
        "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "silex", "namespace": "x"},
        "data": {"service-upstream": "true"}})
    cluster_ip(s, proxy, pod)
    ported(s, proxy)
    s.start()
    wait_until(lambda: who(s) == "service", what="the cluster IP")


def test_service_upstream_of_a_headless_service(make_silex, origin):
    """There is none: told, and the endpoints are used."""
    s = make_silex()
    s.manifests.put("base", service("base", 80, clusterIP="None"),
                    slice_("base", ["127.0.0.1"], origin.port))
    annotate(s, service_upstream="true")
    s.start()
    s.wait_log("ServiceUpstream.*no cluster IP")
    assert who(s) == origin.name
