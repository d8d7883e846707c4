"""Active health checks: asked once a node, dead endpoints leave the table and come back."""

import threading

import pytest

from harness import PATIENCE, backends, free_port, ingress, wait_until
from test_endpoints import names

FAST = "upstream-check-interval = 100ms\nupstream-check-timeout = 500ms\n"


class Patient:
    """An origin whose /health answers .status; traffic is always answered by its name."""

    def __init__(self, make_scripted, name):
        self.name, self.status, self.checks = name, 200, 0
        self.heads = []
        self.origin = make_scripted(self.script)
        self.port = self.origin.port

    def script(self, peer):
        while (request := peer.read_request()) is not None:
            if b"silex-health" in request[0]:
                self.checks += 1
                self.heads.append(request[0])
                if self.status is None:
                    threading.Event().wait(1)
                    return
                peer.answer(self.status)
                return
            peer.answer(fields=f"X-Origin: {self.name}\r\n")


def checked(name, *ports, **annotations):
    made = backends(name, *ports)
    made[0]["metadata"]["annotations"] = {
        f"silex.dev/health-check{k and '-' + k.replace('_', '-')}": str(v)
        for k, v in annotations.items()}
    return made


HTTP = {"": "http", "path": "/health", "interval": "100ms", "unhealthy_threshold": 2}


@pytest.fixture
def ward(make_silex, make_scripted):
    """Two workers before two patients, checked at /health: (silex, first, second)."""
    first, second = Patient(make_scripted, "first"), Patient(make_scripted, "second")
    s = make_silex(workers=2)
    s.manifests.put("ingress", ingress("base", {"silex.test": "base"}))
    s.manifests.put("base", checked("base", first.port, second.port, **HTTP))
    return s.start(), first, second


def wait_all(silex, expected):
    """Every worker picks these and no others."""
    def seen():
        return all(names(silex) == expected for _ in range(6))
    wait_until(seen, what=f"answers of {expected} only; log:\n{silex.log()}")


@pytest.mark.parametrize("illness", [500, 404, None])
def test_down_and_up_again(ward, illness):
    silex, first, second = ward
    wait_all(silex, {"first", "second"})
    first.status = illness
    silex.wait_log(f"endpoint down.*127.0.0.1:{first.port}")
    wait_all(silex, {"second"})
    assert silex.metrics()["silex_endpoints_down"] == 1
    first.status = 200
    silex.wait_log(f"endpoint up again.*127.0.0.1:{first.port}")
    wait_all(silex, {"first", "second"})
    m = silex.metrics()
    assert m["silex_endpoints_down"] == 0
    assert m["silex_health_checks_total"] > m["silex_health_check_failures_total"] > 0
    assert first.heads[0].startswith(b"GET /health HTTP/1.1\r\nHost: localhost\r\n")


def test_all_down_all_are_tried(ward):
    silex, first, second = ward
    first.status = second.status = 503
    wait_until(lambda: silex.log().count("endpoint down") == 2, what="both down")
    wait_until(lambda: silex.metrics()["silex_endpoints_down"] == 2)
    wait_all(silex, {"first", "second"})


def test_traffic_in_flight_is_not_touched(make_silex, make_origin):
    """The origin's /status/500 is never good: it goes down while a request runs, which ends well."""
    ill, well = make_origin("ill"), make_origin("well")
    s = make_silex()
    s.manifests.put("ingress", ingress("base", {"silex.test": "base"}))
    s.manifests.put("base", backends("base", ill.port))
    s.start()
    slow = s.client().request("/slow/1500")
    # /metrics itself is one
    wait_until(lambda: s.metrics()["silex_requests_active"] >= 2, what="the slow request")
    s.manifests.put("base", checked("base", ill.port, well.port, **{
        **HTTP, "path": "/status/500"}))
    wait_until(lambda: s.log().count("endpoint down") == 2, what="both down")
    assert slow.read().status == 200


def test_tcp(make_silex, origin):
    """Nobody listens on the port: down. The configuration's default, without annotations."""
    closed = free_port()
    s = make_silex(conf=FAST + "upstream-check = tcp\n")
    s.manifests.put("base", backends("base", origin.port, closed),
                    ingress("base", {"silex.test": "base"}))
    s.start()
    s.wait_log(f"endpoint down.*127.0.0.1:{closed}.*refused")
    before = s.metrics()["silex_upstream_connect_failures_total"]
    assert all(s.get().status == 200 for _ in range(20))
    assert s.metrics()["silex_upstream_connect_failures_total"] == before


@pytest.mark.parametrize("answer", ["nonsense, and not little of it\r\n\r\n", "HTTP/1.1 2", ""])
def test_answers_that_are_none(make_silex, origin, make_scripted, answer):
    def script(peer):
        peer.read_request()
        if answer:
            peer.send(answer)
    o = make_scripted(script)
    s = make_silex()
    s.manifests.put("base", checked("base", origin.port, o.port, **{**HTTP, "path": "/name"}),
                    ingress("base", {"silex.test": "base"}))
    s.start()
    s.wait_log(f"endpoint down.*127.0.0.1:{o.port}")
    assert names(s) == {origin.name}


def test_a_large_good_answer_is_good(make_silex, origin):
    s = make_silex()
    s.manifests.put("base", checked("base", origin.port, **{**HTTP, "path": "/bytes/1000000"}),
                    ingress("base", {"silex.test": "base"}))
    s.start()
    wait_until(lambda: s.metrics()["silex_health_checks_total"] > 5, what="some checks")
    assert s.metrics()["silex_health_check_failures_total"] == 0


def test_nonsense_is_told_and_the_default_used(make_silex, origin):
    s = make_silex()
    s.manifests.put("base", checked("base", origin.port, **{
        "": "icmp", "path": "health", "interval": "1d", "status": "9-8", "port": 0}),
        ingress("base", {"silex.test": "base"}))
    s.start()
    for name in ("health-check ", "health-check-path", "health-check-interval",
                 "health-check-status", "health-check-port"):
        s.wait_log(f"annotation silex.dev/{name}.*must be")
    assert s.get().status == 200


def test_an_endpoint_that_left_is_not_asked(ward):
    silex, first, second = ward
    wait_until(lambda: first.checks > 2 and second.checks > 2, what="checks")
    silex.manifests.put("base", checked("base", second.port, **HTTP))
    wait_all(silex, {"second"})
    asked, then = first.checks, second.checks
    wait_until(lambda: second.checks > then + 3, PATIENCE, "further checks of the other")
    assert first.checks <= asked + 1  # one may have been under way
