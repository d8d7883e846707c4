"""limit-rps, limit-rpm, limit-connections: what one client may have, on all workers together."""

import os
import signal
import socket
import threading

import pytest

from harness import backends, ingress, path, wait_until

HOST = "silex.test"


@pytest.fixture
def limited(make_silex, make_origin):
    """limited({annotation: value}, workers, flags...): host silex.test, "/" and "/other"."""
    def build(annotations, workers=1, *flags):
        s = make_silex(workers=workers, flags=list(flags))
        s.manifests.put("base", backends("base", make_origin().port), ingress(
            "base", {HOST: [path("/", "base"), path("/other", "base")]}, annotations=annotations))
        return s.start()
    return build


def statuses(silex, n, target="/", **how):
    return [silex.get(target, **how).status for _ in range(n)]


def counted(silex, label, n):
    """A request is counted an instant after its answer, and another worker may be asked for the
    numbers in between; never more than n."""
    def reason():
        now = silex.metrics()[f'silex_requests_ended_total{{reason="{label}"}}']
        assert now <= n
        return now == n
    wait_until(reason, what=f"{n} of {label}")


def test_the_burst_passes_then_no_more(limited):
    s = limited({"limit-rpm": "1"})
    assert statuses(s, 9) == [200] * 6 + [503] * 3
    counted(s, "rate_limited", 3)


def test_the_rate_is_the_nodes_whichever_worker_answers(limited):
    s = limited({"limit-rpm": "2", "limit-burst-multiplier": "10"}, 3)
    got = statuses(s, 60)
    assert got.count(200) == 21 and got == sorted(got), got


def test_paths_of_an_ingress_share_a_limit(limited):
    s = limited({"limit-rpm": "1", "limit-burst-multiplier": "1"})
    assert statuses(s, 1) + statuses(s, 2, "/other") == [200, 200, 503]


def test_another_ingress_has_its_own(limited, make_origin):
    s = limited({"limit-rpm": "1", "limit-burst-multiplier": "1"})
    s.manifests.put("free", backends("free", make_origin("free").port), ingress(
        "free", {"free.test": "free"}, annotations={"limit-rpm": "1"}))
    s.wait_status(200, host="free.test")
    assert statuses(s, 3) == [200, 200, 503]
    assert s.get(host="free.test").status == 200


def test_the_status_is_a_setting(limited):
    s = limited({"limit-rpm": "1", "limit-burst-multiplier": "0"}, 1,
                "--limit-req-status-code=429")
    assert statuses(s, 2) == [200, 429]


def test_a_second_limit_that_refuses_costs_the_first_nothing(limited):
    s = limited({"limit-rps": "1000", "limit-rpm": "1", "limit-burst-multiplier": "3"})
    assert statuses(s, 6) == [200] * 4 + [503] * 2


def test_who_is_on_the_list_has_no_limit(limited):
    s = limited({"limit-rpm": "1", "limit-allowlist": "127.0.0.0/8"})
    assert statuses(s, 12) == [200] * 12
    s = limited({"limit-rpm": "1", "limit-whitelist": "192.0.2.0/24"})
    assert statuses(s, 12).count(503) == 6


def test_clients_are_told_apart(limited):
    s = limited({"limit-rpm": "1", "limit-burst-multiplier": "0"}, 1, "--use-forwarded-headers",
                "--proxy-real-ip-cidr=127.0.0.0/8")
    for ip in ("192.0.2.1", "192.0.2.2", "2001:db8::1"):
        how = {"fields": [("X-Forwarded-For", ip)]}
        assert statuses(s, 2, **how) == [200, 503], ip


def test_a_limit_that_changes_is_live(limited, make_origin):
    s = limited({"limit-rpm": "1", "limit-burst-multiplier": "0"})
    assert statuses(s, 2) == [200, 503]
    s.manifests.put("base", backends("base", make_origin().port),
                    ingress("base", {HOST: [path("/", "base")]}))
    s.wait_status(200)
    assert statuses(s, 5) == [200] * 5


class Held:
    """Requests that the origin answers when it is told to."""

    def __init__(self, silex, n):
        self.clients = [silex.client() for _ in range(n)]
        for c in self.clients:
            c.send(f"GET /held HTTP/1.1\r\nHost: {HOST}\r\n\r\n")


@pytest.mark.parametrize("workers", [1, 3])
def test_requests_under_way(make_silex, make_scripted, workers):
    release, held = threading.Event(), []

    def script(peer):
        while (head := peer.read_head()) is not None:
            if b"/held" in head:
                held.append(peer)
                assert release.wait(60)
            peer.answer()
    o = make_scripted(script)
    s = make_silex(workers=workers, flags=["--limit-conn-status-code=429"])
    s.manifests.put("base", backends("base", o.port), ingress(
        "base", {HOST: "base"}, annotations={"limit-connections": "4"}))
    s.start()
    under_way = Held(s, 4)
    wait_until(lambda: len(held) == 4, what="four requests at the origin")
    assert statuses(s, 5) == [429] * 5
    counted(s, "crowd_limited", 5)
    release.set()
    for c in under_way.clients:
        assert c.read().status == 200
    s.wait_status(200)
    assert statuses(s, 5) == [200] * 5


def test_a_dead_worker_holds_nothing(make_silex, make_scripted):
    """What was under way in it does not count against its client for ever."""
    held = []

    def script(peer):
        while (head := peer.read_head()) is not None:
            if b"/held" in head:
                held.append(peer)
                continue  # never
            peer.answer()
    o = make_scripted(script)
    s = make_silex()
    s.manifests.put("base", backends("base", o.port), ingress(
        "base", {HOST: "base"}, annotations={"limit-connections": "1"}))
    s.start()
    with socket.create_connection(("127.0.0.1", s.http_port)) as c:
        c.sendall(f"GET /held HTTP/1.1\r\nHost: {HOST}\r\n\r\n".encode())
        wait_until(lambda: held, what="the request at the origin")
        assert s.get().status == 503
        s.expect_deaths = True
        os.kill(s.worker(), signal.SIGKILL)
    s.wait_status(200)


def test_values_that_are_none_are_told(limited):
    s = limited({"limit-rps": "many", "limit-allowlist": "everybody"})
    assert statuses(s, 20) == [200] * 20
    wait_until(lambda: "limit-rps" in s.log() and "limit-allowlist" in s.log(),
               what="both findings")
