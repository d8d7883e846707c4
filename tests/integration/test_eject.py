"""Passive ejection and slow start: off unless asked for, by silex.conf or by the Service."""

import threading

import pytest

from harness import backends, endpoint, free_port, ingress, service, slice_, wait_until
from test_endpoints import names


def put(silex, *ports, **annotations):
    """annotations: eject_after=3 is silex.dev/eject-after: "3"."""
    made = backends("base", *ports)
    made[0]["metadata"]["annotations"] = {
        f"silex.dev/{k.replace('_', '-')}": str(v) for k, v in annotations.items()}
    silex.manifests.put("base", made)


@pytest.fixture
def before(make_silex, origin):
    """before(*ports, conf="", **annotations): one worker before a good origin and these ports."""
    def make(*ports, conf="", **annotations):
        s = make_silex(conf=conf)
        s.manifests.put("ingress", ingress("base", {"silex.test": "base"}, annotations={
            "proxy-next-upstream": "error timeout http_500"}))
        put(s, origin.port, *ports, **annotations)
        return s.start()
    return make


def ejections(silex):
    return silex.metrics()["silex_ejections_total"]


def test_off_by_default(before):
    closed = free_port()
    silex = before(closed)
    assert all(silex.get().status == 200 for _ in range(40))
    m = silex.metrics()
    assert m["silex_upstream_connect_failures_total"] >= 19
    assert m["silex_ejections_total"] == m["silex_endpoints_ejected"] == 0


@pytest.mark.parametrize("by", ["conf", "annotation"])
def test_refused_connections(before, by):
    """Out after three in a row: no fourth, however many requests come. And seen in every place."""
    closed = free_port()
    silex = (before(closed, conf="upstream-eject-after = 3\nupstream-eject-time = 60m\n"
                    "upstream-eject-max-time = 60m\n") if by == "conf" else
             before(closed, eject_after=3, eject_time="60m", eject_max_time="60m"))
    assert all(silex.get().status == 200 for _ in range(100))
    m = silex.metrics()
    assert m["silex_upstream_connect_failures_total"] == 3
    assert m["silex_ejections_total"] == m["silex_endpoints_ejected"] == 1
    silex.wait_log(f"endpoint ejected.*127.0.0.1:{closed} failures=3")
    head, row = silex.show("workers").stdout.splitlines()[:2]
    assert head.split()[-1] == "ejected" and row.split()[-1] == "1"


def test_it_comes_back_by_itself(before, make_scripted):
    """Broken for a while, then well again: it is asked again, and its answers are taken."""
    well = threading.Event()

    def script(peer):
        while peer.read_request() is not None:
            if not well.is_set():
                peer.reset()
                return
            peer.answer(fields="X-Origin: healed\r\n")
    o = make_scripted(script)
    silex = before(o.port, eject_after=2, eject_time="100ms", eject_max_time="200ms")
    wait_until(lambda: silex.get("/name").status == 200 and ejections(silex) >= 3,
               what="several ejections")
    silex.wait_log("(?s)for_ms=100.*for_ms=200.*for_ms=200")  # the master writes what workers say
    well.set()
    wait_until(lambda: "healed" in names(silex), what="the endpoint back")
    wait_until(lambda: silex.metrics()["silex_endpoints_ejected"] == 0)


@pytest.mark.parametrize("kind", ["reset", "timeout", "nonsense", "500"])
def test_kinds_of_failures(make_silex, make_scripted, origin, kind):
    def script(peer):
        while peer.read_request() is not None:
            if kind == "reset":
                peer.reset()
                return
            if kind == "timeout":
                peer.sock.recv(1)
                return
            peer.send("nonsense\r\n\r\n" if kind == "nonsense" else
                      "HTTP/1.1 500 X\r\nContent-Length: 0\r\n\r\n")
    o = make_scripted(script)
    s = make_silex()
    s.manifests.put("ingress", ingress("base", {"silex.test": "base"}, annotations={
        "proxy-next-upstream": "error timeout invalid_header http_500", "proxy-read-timeout": 1}))
    put(s, origin.port, o.port, eject_after=2, eject_time="60m", eject_max_time="60m",
        eject_5xx="true")
    s.start()
    wait_until(lambda: s.get().status == 200 and ejections(s) == 1, what="an ejection")
    asked = len(o.raw)
    assert all(s.get().status == 200 for _ in range(20))
    assert len(o.raw) == asked


def test_answers_of_5xx_only_when_asked_for(before, make_scripted):
    def script(peer):
        while peer.read_request() is not None:
            peer.send("HTTP/1.1 503 X\r\nContent-Length: 0\r\n\r\n")
    o = make_scripted(script)
    silex = before(o.port, eject_after=2, eject_time="60m", eject_max_time="60m")
    assert {silex.get().status for _ in range(40)} == {200, 503}
    assert ejections(silex) == 0


def test_never_all(before, make_silex):
    """Every endpoint fails: one of two is out, and the other goes on being tried."""
    s = make_silex()
    s.manifests.put("ingress", ingress("base", {"silex.test": "base"}))
    first, second = free_port(), free_port()
    put(s, first, second, eject_after=1, eject_share=100, eject_time="60m", eject_max_time="60m")
    s.start()
    assert {s.get().status for _ in range(20)} == {502}
    m = s.metrics()
    assert m["silex_endpoints_ejected"] == 1
    assert m["silex_upstream_connect_failures_total"] > 20


def test_a_client_that_leaves_is_no_failure(make_silex, make_origin):
    s = make_silex()
    s.manifests.put("ingress", ingress("base", {"silex.test": "base"}))
    put(s, make_origin("a").port, make_origin("b").port, eject_after=1)
    s.start()

    def active():  # /metrics itself is one
        return s.metrics()["silex_requests_active"] - 1
    for _ in range(4):
        c = s.client().request("/slow/1500")
        wait_until(lambda: active() == 1, what="the request")
        c.close()
        wait_until(lambda: active() == 0, what="its end")
    assert ejections(s) == 0


def test_values_that_are_none(before):
    silex = before(eject_after="many", eject_time="0", eject_share=101, eject_5xx="yes",
                   slow_start="1d", eject_max_time="61m")
    for name in ("eject-after", "eject-time", "eject-share", "eject-5xx", "slow-start",
                 "eject-max-time"):
        silex.wait_log(f"annotation silex.dev/{name} must be")
    assert silex.get().status == 200


# --- slow start ----------------------------------------------------------------------------------


def share(silex, name, n=600):
    with silex.client() as c:
        return sum(c.get("/name").get("X-Origin") == name for _ in range(n)) / n


def test_slow_start(make_silex, make_origin):
    """The old endpoint keeps its share at first; those that were there from the beginning have
    theirs at once."""
    old, other, new = make_origin("old"), make_origin("other"), make_origin("new")
    s = make_silex()
    s.manifests.put("ingress", ingress("base", {"silex.test": "base"}))
    put(s, old.port, other.port, slow_start="60m")
    s.start()
    assert 0.48 < share(s, "old") < 0.52
    put(s, old.port, other.port, new.port, slow_start="60m")
    wait_until(lambda: "new" in names(s, 60), what="the new endpoint")
    assert share(s, "new") < 0.08
    put(s, old.port, other.port, new.port, slow_start="off")
    wait_until(lambda: share(s, "new", 60) > 0.3, what="an even share")


def test_slow_start_ends(make_silex, make_origin):
    old, new = make_origin("old"), make_origin("new")
    s = make_silex(conf="upstream-slow-start = 3\n")
    s.manifests.put("ingress", ingress("base", {"silex.test": "base"}))
    put(s, old.port)
    s.start()
    put(s, old.port, new.port)
    wait_until(lambda: 0.49 < share(s, "new", 200) < 0.51, what="an even share in the end")


def test_back_from_terminating_starts_slowly(make_silex, make_origin):
    """Becoming ready is what counts, not being new; who stays ready keeps his time."""
    old, new = make_origin("old"), make_origin("new")
    s = make_silex(conf="upstream-slow-start = 60m\n")
    s.manifests.put("ingress", ingress("base", {"silex.test": "base"}))

    def both(**of_new):
        s.manifests.put("base", service("base"), slice_("base", ["127.0.0.1"], old.port),
                        slice_("base", [endpoint("127.0.0.1", **of_new)], new.port))
    both()
    s.start()
    assert 0.48 < share(s, "new") < 0.52
    both(ready=False, serving=True, terminating=True)
    wait_until(lambda: names(s) == {"old"}, what="the old one alone")
    both()
    wait_until(lambda: "new" in names(s, 60), what="both again")
    assert share(s, "new") < 0.2
