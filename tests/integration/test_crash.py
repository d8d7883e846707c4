"""What may die, and what must not notice: DESIGN §2.4, each row under load."""

import os
import signal
import time

import pytest

from harness import PATIENCE, SANITIZED, alive, backends, ingress, wait_until
from load import Load, assert_clean

REQUESTS = 15_000 if SANITIZED else 100_000
CHANGES = 200 if SANITIZED else 1_000
CONNECTIONS = 32


@pytest.fixture
def trio(make_silex, origin, request):
    """Three workers, all serving silex.test. The watchdog bites early only where it is tested: on a
    busy machine a sanitized worker may well get no CPU for two seconds."""
    s = make_silex(workers=3, flags=["--watchdog-timeout", getattr(request, "param", "60s")])
    s.manifests.put("base", backends("base", origin.port), ingress("base", {"silex.test": "base"}))
    return s.start()


def served(silex):
    """Requests ended so far, of all workers together; 0 when asked at a bad moment."""
    try:
        return silex.metrics().get("silex_requests_total", 0)
    except (OSError, AssertionError):
        return 0


def wait_served(silex, n):
    wait_until(lambda: served(silex) >= n, PATIENCE * 6, f"{n} requests served")


def replaced(silex, old):
    """All workers that stood in `old` are gone and as many new ones serve."""
    now = silex.workers()
    return len(now) == len(old) and not set(now) & set(old) and silex.healthz("/readyz", True) == 200


def ms():
    return time.monotonic() * 1000


def test_every_worker_killed_in_turn(trio):
    """Only requests in flight in the dead worker fail, none is refused, respawn is at once."""
    trio.expect_deaths = True
    load, kills, highest = Load(trio, CONNECTIONS), [], 0
    while served(trio) < REQUESTS or len(kills) < 9:
        victim = min(trio.workers())
        os.kill(victim, signal.SIGKILL)
        kills.append(ms())
        wait_until(lambda v=victim: len(trio.workers()) == 3 and v not in trio.workers(),
                   what=f"a new worker; log:\n{trio.log()}")
        wait_until(lambda: trio.healthz("/readyz", True) == 200, what="readiness")
        total = served(trio)
        assert total == 0 or total >= highest, "a counter fell with a dead worker"
        highest = max(total, highest)
        wait_until(lambda h=highest: served(trio) > h + 1000, what="requests between two deaths")
    counts = load.stop()
    assert counts["ok"] >= REQUESTS * 0.9
    assert counts["refused"] == counts["bad"] == counts["timeout"] == 0, counts
    assert counts["failed"] <= len(kills) * CONNECTIONS, counts
    for kind, at, _ in counts["failures"]:
        assert any(0 <= at - k + 5 < 1000 for k in kills), f"{kind} at {at}, kills {kills}"
    assert trio.log().count("worker died") == len(kills), trio.log()


def test_manifests_change_under_load(trio, make_origin):
    """A thousand changes of routes and endpoints in use: not one request notices."""
    first, second = make_origin("first"), make_origin("second")
    load = Load(trio, CONNECTIONS)
    sets = [(first.port,), (first.port, second.port), (second.port,)]
    for n in range(CHANGES):
        trio.manifests.put("base", backends("base", *sets[n % 3]),
                           ingress("base", {"silex.test": "base"}, annotations={
                               "proxy-read-timeout": 30 + n % 7}))
        trio.manifests.put("extra", ingress("extra", {f"extra{n}.test": "base"}))
    trio.wait_status(200, host=f"extra{CHANGES - 1}.test")
    trio.wait_status(404, host="extra0.test")
    wait_served(trio, REQUESTS)
    assert_clean(load.stop())


def test_hangup_under_load(trio):
    """HUP replaces the workers one after another: none refused, none broken."""
    load = Load(trio, CONNECTIONS)
    for n in range(3):
        wait_served(trio, 2000 * (n + 1))
        old = trio.workers()
        trio.kill(signal.SIGHUP)
        wait_until(lambda o=old: replaced(trio, o), what=f"new workers; log:\n{trio.log()}")
    assert_clean(load.stop())


def test_hangup_under_load_with_new_connections(trio):
    """The same while every request comes on a connection of its own."""
    load = Load(trio, CONNECTIONS, close=True)
    wait_served(trio, 1000)
    old = trio.workers()
    trio.kill(signal.SIGHUP)
    wait_until(lambda: replaced(trio, old), what=f"new workers; log:\n{trio.log()}")
    assert_clean(load.stop())


def test_master_killed(trio):
    """The workers go on serving the last version; nobody notices."""
    workers = trio.workers()
    load = Load(trio, CONNECTIONS)
    wait_served(trio, 1000)
    trio.kill(signal.SIGKILL)
    trio.process.wait(PATIENCE)
    trio.process = None
    before = served(trio)
    wait_until(lambda: served(trio) > before + 5000, what="service without a master")
    assert trio.get().status == 200
    assert_clean(load.stop())
    assert all(alive(p) for p in workers)
    for p in workers:
        os.kill(p, signal.SIGTERM)
    wait_until(lambda: not any(alive(p) for p in workers), what="workers to end on TERM")


@pytest.mark.parametrize("trio", ["2s"], indirect=True)
def test_stopped_worker_is_replaced(trio):
    """A worker that shows no life is killed by the watchdog; the others never stop serving."""
    trio.expect_deaths = trio.expect_defects = True
    load = Load(trio, CONNECTIONS)
    wait_served(trio, 1000)
    victim = trio.worker()
    os.kill(victim, signal.SIGSTOP)
    wait_until(lambda: not alive(victim) and len(trio.workers()) == 3,
               what=f"the stopped worker to be replaced; log:\n{trio.log()}")
    counts = load.stop()
    assert counts["refused"] == counts["bad"] == 0, counts
    assert counts["failed"] <= CONNECTIONS, counts
    assert "worker died" in trio.log()


def test_worker_aborts_with_last_words(trio):
    """An obituary names the signal and quotes the worker's last events."""
    trio.expect_deaths = trio.expect_defects = True
    victim = trio.worker()
    os.kill(victim, signal.SIGABRT)
    trio.wait_log(rf"worker died.*pid={victim}.*ABRT")
    wait_until(lambda: len(trio.workers()) == 3 and victim not in trio.workers())


def test_term_drains(trio):
    """TERM lets what is under way end, then leaves nothing behind."""
    with trio.client() as c:
        c.request("/slow/700")
        wait_until(lambda: trio.metrics()["silex_requests_active"] >= 1, what="the slow request")
        trio.kill(signal.SIGTERM)
        assert c.read().status == 200
        assert c.at_eof()
    assert trio.process.wait(PATIENCE) == 0
