"""What processes that come and go cost: figures, no assertions.

    python3 tests/bench/lifecycle.py [rounds]

respawn: from SIGKILL of the only worker to the answer of a request sent right then.
hup:     latency of single requests while 4 workers are replaced, beside the same undisturbed.
"""

import os
import pathlib
import signal
import statistics
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/integration"))

import harness  # noqa: E402
from load import Load  # noqa: E402


def started(tmp, origin, workers):
    s = harness.Silex(pathlib.Path(tmp), workers=workers, access_log=False)
    s.manifests.put("base", harness.backends("base", origin.port),
                    harness.ingress("base", {"silex.test": "base"}))
    return s.start()


def respawn(silex, rounds):
    times = []
    for _ in range(rounds):
        victim = silex.worker()
        began = time.monotonic()
        os.kill(victim, signal.SIGKILL)
        assert silex.get().status == 200
        times.append((time.monotonic() - began) * 1000)
        time.sleep(10.2)  # above BACKOFF_YOUNG_MS: dying young would be slowed down
    return times


def latencies(silex, until):
    times = []
    with silex.client() as c:
        while not until():
            began = time.monotonic()
            answer = c.get()
            times.append((time.monotonic() - began) * 1000)
            if "close" in (answer.get("connection") or ""):
                c.close()
                c.__init__(silex.http_port)
            time.sleep(0.0005)
    return times


def for_seconds(n):
    end = time.monotonic() + n
    return lambda: time.monotonic() > end


def p(times, share):
    return sorted(times)[min(len(times) - 1, int(len(times) * share))]


def hup(silex, rounds):
    """While a load of 16 connections runs: undisturbed, then with a HUP a second."""
    load = Load(silex, 16)
    quiet = latencies(silex, for_seconds(rounds))
    busy = []
    for _ in range(rounds):
        silex.kill(signal.SIGHUP)
        busy += latencies(silex, for_seconds(1))
    counts = load.stop()
    return quiet, busy, counts


def main():
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 10
    origin = harness.Origin(harness.BUILD)
    with tempfile.TemporaryDirectory() as a, tempfile.TemporaryDirectory() as b:
        s = started(a, origin, 1)
        s.expect_deaths = True
        times = respawn(s, rounds)
        print(f"respawn to first answer, {rounds} times: median {statistics.median(times):.1f} ms, "
              f"max {max(times):.1f} ms")
        s.stop()
        s = started(b, origin, 4)
        quiet, busy, counts = hup(s, rounds)
        print(f"latency undisturbed: p50 {p(quiet, .5):.2f} p99 {p(quiet, .99):.2f} ms "
              f"({len(quiet)} requests)")
        print(f"latency under HUP:   p50 {p(busy, .5):.2f} p99 {p(busy, .99):.2f} ms "
              f"({len(busy)} requests), load failed {counts['failed']}")
        s.stop()
    origin.stop()


if __name__ == "__main__":
    main()
