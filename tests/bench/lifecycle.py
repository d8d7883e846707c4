#!/usr/bin/python3
"""What processes that come and go, and scrapes, cost the traffic: figures, no assertions.

    tests/bench/lifecycle.py [--build build] [--rounds N]      (make bench runs it, too)

respawn  from SIGKILL of the only worker to the answer of a request that is sent right then
hup      the latency of an open loop (tests/load/open.c) while 4 workers are replaced once a second, beside the same
         undisturbed; the two take turns
scrape   10,000 Ingresses that all have had requests: how long /metrics takes, and the latency of an open loop while it is
         scraped once a second, beside the same without

Nothing is pinned: on two CPUs the load generator, the origin and four new workers share them.
"""

import argparse
import contextlib
import json
import os
import pathlib
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import threading
import time

import proxies

RATE, CONNECTIONS, SECONDS = 2000, 64, 4
MANY = 10_000


class Silex(proxies.Silex):
    """On all CPUs, with so many workers."""

    def __init__(self, directory, port, nhosts, workers):
        self.workers = str(workers)
        super().__init__(directory, port, nhosts, ",".join(map(str, sorted(os.sched_getaffinity(0)))))

    def argv(self):
        argv = super().argv()
        argv[argv.index("--workers") + 1] = self.workers
        return argv


@contextlib.contextmanager
def running(*how):
    s = Silex(*how).start()
    try:
        yield s
    finally:
        s.stop()


def respawn(directory, port, rounds):
    """Milliseconds. Each of another Silex: one whose workers die young is slow to start more."""
    times = []
    for _ in range(rounds):
        with running(directory / "respawn", port, 1, 1) as s:
            victim, began = s.worker(), time.monotonic()
            os.kill(victim, signal.SIGKILL)
            if proxies.first_answer(s.process, s.port, proxies.hosts(1)[0], 10) is None:
                raise RuntimeError("no worker came back")
            times.append((time.monotonic() - began) * 1000)
    return times


def open_loop(build, s):
    out = subprocess.run([build / "tests/load/open", "--port", str(s.port), "--host", proxies.hosts(1)[0], "--rate",
                          str(RATE), "--seconds", str(SECONDS), "--connections", str(CONNECTIONS)],
                         capture_output=True, text=True, check=True).stdout
    return json.loads(out)


def step_back():
    """This thread is Prometheus, which would be elsewhere: the others' CPU comes first."""
    me, policy = threading.get_native_id(), os.sched_getscheduler(0)
    if policy in (os.SCHED_FIFO, os.SCHED_RR):
        os.sched_setscheduler(me, policy, os.sched_param(1))
    else:
        os.setpriority(os.PRIO_PROCESS, me, 19)


def each_second(act):
    """act() now and once a second, in a thread; the value ends it."""
    over = threading.Event()

    def run():
        step_back()
        while True:
            act()
            if over.wait(1):
                return
    thread = threading.Thread(target=run)
    thread.start()

    def end():
        over.set()
        thread.join()
    return end


def beside(build, s, rounds, act):
    """Medians of the rounds: {p50_us, p99_us, ...} undisturbed and disturbed, and the median of the ratios of p99."""
    quiet, busy = [], []
    for _ in range(rounds):
        quiet.append(open_loop(build, s))
        end = each_second(act)
        busy.append(open_loop(build, s))
        end()
    ratios = [b["p99_us"] / q["p99_us"] for q, b in zip(quiet, busy)]
    return {"quiet_p99_ms": statistics.median(q["p99_us"] for q in quiet) / 1000,
            "busy_p99_ms": statistics.median(b["p99_us"] for b in busy) / 1000,
            "ratio": statistics.median(ratios), "ratios": [round(r, 2) for r in sorted(ratios)],
            "failed": sum(r["bad"] + r["timeouts"] for r in quiet + busy)}


def hup(build, directory, port, rounds):
    with running(directory / "hup", port, 1, 4) as s:
        return beside(build, s, rounds, lambda: s.process.send_signal(signal.SIGHUP))


def scrape_once(s):
    """(milliseconds, bytes)"""
    began, size, buffer = time.monotonic(), 0, bytearray(1 << 18)
    with socket.create_connection(("127.0.0.1", s.healthz), 10) as c:
        c.sendall(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        while n := c.recv_into(buffer):
            size += n
    return (time.monotonic() - began) * 1000, size


def touch(s):
    """Requests to every host, until /metrics is as long as it gets: what has had none has no series, and room for them is
    made as they come."""
    size = 0
    while (now := scrape_once(s)[1]) > size * 1.01:
        size = now
        touch_once(s)


def touch_once(s):
    with socket.create_connection(("127.0.0.1", s.port), 10) as c:
        reader = c.makefile("rb")
        for host in proxies.hosts(s.nhosts):
            c.sendall(f"GET / HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
            status = int(reader.readline().split()[1])
            length = 0
            while (line := reader.readline()) != b"\r\n":
                if line.lower().startswith(b"content-length:"):
                    length = int(line.split(b":")[1])
            reader.read(length)
            if status != 200:
                raise RuntimeError(f"{host}: {status}")


def scrape(build, directory, port, rounds):
    with running(directory / "scrape", port, MANY, 2) as s:
        touch(s)
        times = []
        result = beside(build, s, rounds, lambda: times.append(scrape_once(s)))
        return result | {"scrape_ms": statistics.median(t for t, _ in times), "scrape_max_ms": max(t for t, _ in times),
                         "megabytes": times[-1][1] / 1e6}


def measure(build, directory, rounds):
    proxies.Proxy.build = build
    shutil.rmtree(directory, ignore_errors=True)
    port = proxies.free_port()
    origin = subprocess.Popen([build / "tests/origin/origin", "--port", str(port)], stdout=subprocess.PIPE)
    try:
        origin.stdout.readline()
        times = respawn(directory, port, 3 * rounds)
        return {"respawn_ms": statistics.median(times), "respawn_max_ms": max(times), "respawns": len(times),
                "hup": hup(build, directory, port, rounds), "scrape": scrape(build, directory, port, rounds)}
    finally:
        origin.terminate()
        origin.wait()


def markdown(r):
    h, s = r["hup"], r["scrape"]
    return [
        "| processes that come and go, and scrapes | measured | goal |", "|---|---:|---:|",
        f"| a worker killed (SIGKILL) to the next answer, ms: median (max of {r['respawns']}) | "
        f"{r['respawn_ms']:.1f} ({r['respawn_max_ms']:.1f}) | 10 |",
        f"| p99 while 4 workers are replaced every second, ms (undisturbed: {h['quiet_p99_ms']:.2f}), {RATE} requests/s | "
        f"{h['busy_p99_ms']:.2f} (×{h['ratio']:.2f}) | ×2 |",
        f"| /metrics of {MANY:,} Ingresses ({s['megabytes']:.0f} MB), ms: median (max) | "
        f"{s['scrape_ms']:.0f} ({s['scrape_max_ms']:.0f}) | 200 |",
        f"| p99 while that is scraped every second (at nice 19), ms (undisturbed: {s['quiet_p99_ms']:.2f}), {RATE} requests/s | "
        f"{s['busy_p99_ms']:.2f} (×{s['ratio']:.2f}) | ×1.1 |",
        f"| requests that failed meanwhile | {h['failed'] + s['failed']} | 0 |"]


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--build", type=pathlib.Path, default=proxies.HERE.parents[1] / "build")
    p.add_argument("--rounds", type=int, default=5)
    args = p.parse_args()
    build = args.build.resolve()
    r = measure(build, build / "bench" / "lifecycle", args.rounds)
    print(json.dumps(r, indent=1), *markdown(r), sep="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
