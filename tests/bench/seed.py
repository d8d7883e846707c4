#!/usr/bin/python3
"""The seed's own benchmark: wrk, 4 threads, 400 connections, 30 seconds, an HTTP origin, nginx and
Silex on the same machine, as many workers each as there are CPUs, nothing pinned. Then the same two
at half of nginx's capacity, open loop (tests/load/open.c): latency as clients feel it.

    tests/bench/seed.py --build build [--seconds 30]

Beside them, as the ceiling, a forwarder that moves bytes without looking at them (forward.c): wrk and the origin take their
share of the CPUs whoever is between them, so that no proxy can be faster here than that.

Prints a table and writes build/bench/seed.json. They take turns (--rounds; the seconds are shared
among the rounds), so a slow minute hits all: requests are summed, latencies are the median round's.
"""

import argparse
import datetime
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys

import proxies
from bench import machine, say

UNITS = {"us": 1e-6, "ms": 1e-3, "s": 1.0}


class Nginx(proxies.Nginx):
    def configure(self):
        super().configure()
        conf = self.dir / "nginx.conf"
        conf.write_text(conf.read_text().replace("worker_processes 1;", "worker_processes auto;"))


class Forward(proxies.Forward):
    """The ceiling: moves bytes without looking at them (forward.c)."""

    def argv(self):
        return [*super().argv(), str(os.cpu_count())]


class Silex(proxies.Silex):
    def argv(self):
        argv = super().argv()
        argv[argv.index("--workers") + 1] = "auto"
        return argv


ALL = (Nginx, Silex, Forward)


def seconds_of(text):
    m = re.fullmatch(r"([\d.]+)(us|ms|s)", text)
    return float(m[1]) * UNITS[m[2]]


def closed_loop(proxy, seconds):
    pids = proxy.pids()
    before = proxies.cpu_ns(pids)
    out = subprocess.run(["wrk", "-t4", "-c400", f"-d{seconds}s", "--latency", "-H",
                          f"Host: {proxies.hosts(1)[0]}", f"http://127.0.0.1:{proxy.port}/"],
                         capture_output=True, text=True, check=True).stdout
    used = proxies.cpu_ns(pids) - before
    requests = int(re.search(r"(\d+) requests in", out)[1])
    errors = re.search(r"connect (\d+), read (\d+), write (\d+), timeout (\d+)", out)
    bad = re.search(r"Non-2xx or 3xx responses: (\d+)", out)
    return {"rate": float(re.search(r"Requests/sec:\s+([\d.]+)", out)[1]),
            "requests": requests, "cpu_us": used / requests / 1000,
            "max_s": seconds_of(re.search(r"Latency\s+\S+\s+\S+\s+(\S+)", out)[1]),
            "timeouts": int(errors[4]) if errors else 0,
            "errors": (sum(map(int, errors.groups()[:3])) if errors else 0) + (int(bad[1]) if bad else 0)}


def open_loop(build, proxy, rate, seconds):
    out = subprocess.run([build / "tests/load/open", "--port", str(proxy.port), "--host",
                          proxies.hosts(1)[0], "--rate", f"{rate:.0f}", "--seconds", str(seconds),
                          "--connections", "200"], capture_output=True, text=True, check=True).stdout
    return json.loads(out)


def together(rounds):
    """One figure of several rounds: sums of counts, the largest maximum, the median of the rest."""
    def one(key):
        values = sorted(r[key] for r in rounds)
        if key.startswith("max"):
            return values[-1]
        if key.endswith("_us") or key == "rate":
            return values[len(values) // 2]
        return sum(values)
    return {key: one(key) for key in rounds[0]}


def row(what, form, values):
    """nginx, Silex, the forwarder; in brackets the ratio to nginx."""
    base = values[0]
    ratio = [f" (×{v / base:.2f})" if base else "" for v in values]
    return f"| {what} | " + " | ".join(form.format(v) + x for v, x in zip(values, ratio)) + " |"


def table(r):
    lines = ["| | nginx | Silex | forwarder |", "|---|---|---|---|"]
    for key, form in (("rate", "{:.0f}"), ("requests", "{:.0f}"), ("cpu_us", "{:.2f}"), ("max_s", "{:.3f}"),
                      ("timeouts", "{}"), ("errors", "{}")):
        lines.append(row(f"wrk -t4 -c400: {key}", form, [r["closed"][c.name][key] for c in ALL]))
    for key in ("p50_us", "p99_us", "p999_us", "max_us", "bad", "timeouts"):
        lines.append(row(f"open loop, {r['open_rate']:.0f}/s: {key}", "{:.0f}", [r["open"][c.name][key] for c in ALL]))
    return "\n".join(lines)


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--build", type=pathlib.Path, default=proxies.HERE.parents[1] / "build")
    p.add_argument("--seconds", type=int, default=int(os.environ.get("BENCH_SEED_SECONDS", "30")))
    p.add_argument("--rounds", type=int, default=3)
    args = p.parse_args()
    each = max(1, args.seconds // args.rounds)
    build = args.build.resolve()
    directory = build / "bench" / "seed"
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    port = proxies.free_port()
    cpus = ",".join(map(str, sorted(os.sched_getaffinity(0))))
    origin = subprocess.Popen([build / "tests/origin/origin", "--port", str(port)], stdout=subprocess.PIPE)
    origin.stdout.readline()
    result = {"date": datetime.date.today().isoformat(), "machine": machine(), "seconds": args.seconds,
              "closed": {}, "open": {}}
    running = []
    try:
        for cls in ALL:
            cls.build = build
            running.append(cls(directory, port, 1, cpus).start())
        say(f"bench-seed: wrk, {args.rounds} rounds of {each} s each")
        rounds = [[closed_loop(proxy, each) for proxy in running] for _ in range(args.rounds)]
        for i, proxy in enumerate(running):
            result["closed"][proxy.name] = together([r[i] for r in rounds])
        result["open_rate"] = result["closed"]["nginx"]["rate"] / 2
        say(f"bench-seed: open loop, {args.rounds} rounds of {each} s each")
        rounds = [[open_loop(build, proxy, result["open_rate"], each) for proxy in running]
                  for _ in range(args.rounds)]
        for i, proxy in enumerate(running):
            result["open"][proxy.name] = together([r[i] for r in rounds])
    finally:
        for proxy in running:
            proxy.stop()
        origin.terminate()
        origin.wait()
    (directory.parent / "seed.json").write_text(proxies.as_json(result))
    say(table(result))
    return 0


if __name__ == "__main__":
    sys.exit(main())
