"""Canaries: header, cookie, weight and affinity, in this order; which path has which canary."""

import pytest

from harness import backends, ingress, path, wait_until
from test_affinity import pair_of


def annotations(**given):
    return {k.replace("_", "-"): v for k, v in given.items()}


def canary(silex, rules=None, **given):
    silex.manifests.put("canary", ingress("canary", rules or {"silex.test": "new"},
                                          annotations=annotations(canary="true", **given)))


@pytest.fixture
def both(make_silex, make_origin):
    """both(primary annotations, **canary's): Silex before "old", and its canary "new"."""
    def make(of_primary=None, workers=1, **given):
        s = make_silex(workers=workers)
        s.manifests.put("primary", ingress("primary", {"silex.test": "old"},
                                           annotations=annotations(**(of_primary or {}))))
        s.manifests.put("services", backends("old", make_origin("old").port),
                        backends("new", make_origin("new").port))
        canary(s, **given)
        return s.start()
    return make


def who(silex, target="/name", host="silex.test", cookie=None, **fields):
    fields = {k.replace("_", "-"): v for k, v in fields.items()}
    if cookie:
        fields["Cookie"] = cookie
    return silex.get(target, host, fields=fields).get("X-Origin")


def test_by_header(both):
    silex = both(canary_by_header="X-Canary")
    assert who(silex) == "old"
    assert who(silex, x_canary="always") == "new"
    assert who(silex, X_CANARY="always") == "new"
    assert who(silex, x_canary="never") == who(silex, x_canary="Always") == "old"


def test_by_header_value(both):
    """always and never mean nothing then; another value is for the next rule."""
    silex = both(canary_by_header="X-Canary", canary_by_header_value="blue",
                 canary_by_cookie="kind")
    assert who(silex, x_canary="blue") == "new"
    assert who(silex, x_canary="always") == who(silex, x_canary="Blue") == "old"
    assert who(silex, x_canary="never", cookie="kind=always") == "new"


def test_by_header_pattern(both):
    silex = both(canary_by_header="X-Canary", canary_by_header_pattern="^v[0-9]+|beta")
    assert who(silex, x_canary="v12") == who(silex, x_canary="the beta") == "new"
    assert who(silex, x_canary="V12") == who(silex, x_canary="always") == "old"


def test_a_value_beats_a_pattern(both):
    silex = both(canary_by_header="X-Canary", canary_by_header_value="a",
                 canary_by_header_pattern="b")
    assert who(silex, x_canary="a") == "new" and who(silex, x_canary="b") == "old"


def test_a_pattern_that_is_none(both):
    silex = both(canary_by_header="X-Canary", canary_by_header_pattern="(", canary_weight=100)
    silex.wait_log("canary-by-header-pattern is no regular expression")
    assert who(silex, x_canary="(") == "old", "an error means the primary"
    assert who(silex) == "new"


def test_by_cookie(both):
    silex = both(canary_by_cookie="kind", canary_weight=100)
    assert who(silex) == "new"
    assert who(silex, cookie="kind=never") == "old"
    assert who(silex, cookie="a=b; kind=never; c=d") == "old"
    assert who(silex, cookie="kind=maybe") == "new"


def test_header_before_cookie_before_weight(both):
    silex = both(canary_by_header="X-Canary", canary_by_cookie="kind", canary_weight=100)
    assert who(silex, x_canary="never", cookie="kind=always") == "old"
    assert who(silex, x_canary="perhaps", cookie="kind=never") == "old"
    assert who(silex, x_canary="perhaps", cookie="kind=perhaps") == "new"


def share(silex, n=600):
    with silex.client() as c:
        return sum(c.get("/name").get("X-Origin") == "new" for _ in range(n)) / n


def test_weight(both):
    silex = both(canary_weight=30, workers=2)
    assert 0.2 < share(silex) < 0.4
    canary(silex, canary_weight=0)
    wait_until(lambda: share(silex, 60) == 0, what="nothing for the canary")
    canary(silex, canary_weight=100)
    wait_until(lambda: share(silex, 60) == 1, what="everything for the canary")
    canary(silex, canary_weight=100, canary_weight_total=1000)
    wait_until(lambda: 0.05 < share(silex) < 0.15, what="a tenth")
    canary(silex, canary_weight=5, canary_weight_total=10)  # counts as 100
    wait_until(lambda: share(silex) < 0.12, what="a twentieth")


def test_only_the_same_path(both):
    """Host, path and pathType must be the same; other paths of the same Service stay."""
    silex = both(canary_weight=100)
    assert who(silex) == "new"
    silex.manifests.put("primary", ingress("primary", {
        "silex.test": [path("/", "old"), path("/a", "old")], "other.test": "old"}))
    silex.wait_status(200, "/name", "other.test")
    assert who(silex) == "new"
    assert who(silex, "/a") == who(silex, host="other.test") == "old"
    canary(silex, {"silex.test": [path("/", "new", kind="Exact")]}, canary_weight=100)
    wait_until(lambda: who(silex, "/name") == "old", what="no canary of another pathType")
    silex.wait_log("CanaryAlone.*canary without effect on host silex.test")


def test_a_canary_alone_serves_nothing(make_silex, origin):
    s = make_silex()
    s.manifests.put("services", backends("new", origin.port))
    canary(s, {"silex.test": "new"}, canary_weight=100)
    s.start()
    s.wait_log("CanaryAlone")
    assert s.get("/name").status == 404
    s.manifests.put("primary", ingress("primary", {"silex.test": "missing"}))
    s.wait_status(200, "/name")
    s.manifests.delete("primary")
    s.wait_status(404, "/name")


def test_a_canary_without_endpoints(both):
    """As in ingress-nginx its requests go to the primary."""
    silex = both(canary_weight=100)
    assert who(silex) == "new"
    canary(silex, {"silex.test": "nowhere"}, canary_weight=100)
    wait_until(lambda: who(silex) == "old", what="the primary")


def test_the_oldest_canary(both, make_origin):
    silex = both(canary_weight=100)
    silex.manifests.put("more", ingress("more", {"silex.test": "newer"}, annotations=annotations(
        canary="true", canary_weight=100)), backends("newer", make_origin("newer").port))
    silex.wait_log("CanaryAlone.*older canary")
    assert who(silex) == "new"
    silex.manifests.delete("canary")
    wait_until(lambda: who(silex) == "newer", what="the one that is left")


def test_other_annotations_of_a_canary_mean_nothing(both):
    silex = both(canary_weight=100, rewrite_target="/other", permanent_redirect="http://x.test",
                 use_regex="true")
    answer = silex.get("/name")
    assert answer.status == 200 and answer.get("X-Origin") == "new"
    assert silex.get("/NAME").get("X-Target", "/NAME") != "/other"


def test_the_log_names_the_canary(both):
    silex = both(canary_weight=100)
    assert who(silex) == "new"
    silex.wait_access(lambda line: "[default-old-80] [default-new-80]" in line)


def requests_of(silex):
    """{canary: requests} by the metric."""
    found = {}
    for name, value in silex.metrics().items():
        if name.startswith("nginx_ingress_controller_requests{"):
            found[name.split('canary="')[1].split('"')[0]] = value
    return found


def test_the_metric_names_the_canary(both):
    """A series of its own, with everything else as the primary's; the primary's goes on when the
    canary is taken away."""
    silex = both(canary_by_header="X-Canary")
    for i in range(10):
        assert who(silex, x_canary="always" if i < 3 else "never") == ("new" if i < 3 else "old")
    wait_until(lambda: requests_of(silex) == {"": 7, "default-new-80": 3}, what="both series")
    silex.manifests.delete("canary")
    wait_until(lambda: who(silex, x_canary="always") == "old", what="no canary")
    wait_until(lambda: set(requests_of(silex)) == {""}, what="the primary's series alone")
    assert requests_of(silex)[""] >= 8


# --- affinity --------------------------------------------------------------------------------------

STICKY = {"affinity": "cookie"}


def visit(silex, cookie=None):
    a = silex.get("/name", fields={"Cookie": cookie} if cookie else {})
    return a.get("X-Origin"), pair_of(a) or cookie


@pytest.mark.parametrize("mode", ["balanced", "persistent"])
def test_sticky_across_the_canary(both, mode):
    """Who was served by the canary stays there, who was by the primary, too: cookie before weight,
    cookie before header."""
    silex = both({**STICKY, "affinity_mode": mode}, canary_weight=50, canary_by_header="X-Canary")
    clients = {}
    wait_until(lambda: clients.update([visit(silex)]) or len(clients) == 2, what="one of each")
    for name, cookie in clients.items():
        assert all(visit(silex, cookie) == (name, cookie) for _ in range(20))
        assert who(silex, cookie=cookie, x_canary="always") == name
        assert who(silex, cookie=cookie, x_canary="never") == name
    canary(silex, canary_weight=0)
    wait_until(lambda: {visit(silex)[0] for _ in range(20)} == {"old"}, what="no new ones")
    assert visit(silex, clients["new"])[0] == "new"


def test_legacy(both):
    """The canary gives no cookie; who is the primary's stays with it."""
    silex = both(STICKY, canary_weight=50, affinity_canary_behavior="legacy")
    seen = set()
    for _ in range(60):
        a = silex.get("/name")
        seen.add((a.get("X-Origin"), a.get("set-cookie") is not None))
    assert seen == {("old", True), ("new", False)}
    cookie = next(c for o, c in (visit(silex) for _ in range(60)) if o == "old")
    assert {visit(silex, cookie)[0] for _ in range(20)} == {"old"}
