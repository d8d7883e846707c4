#!/usr/bin/python3
"""`make bench`: Silex beside nginx, haproxy and a bare forwarder, all in one run.

    tests/bench/bench.py --build DIR [--seconds S] [--rounds N] [--only NAME,...]

Load generator (wrk, one thread) and origin share CPU 0; the proxy, one worker, has CPU 1. What
is compared is the proxy's own CPU time per request, from the scheduler's count of all its
processes: it does not depend on how fast the load comes. The proxies take turns (A B C A B C …),
each figure is the median of the rounds. Writes DIR/bench/bench.md and bench.json.
What cannot be measured (a tool missing, a proxy that does not start) is said in the result.
"""

import argparse
import datetime
import os
import pathlib
import platform
import re
import resource
import shutil
import socket
import statistics
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import grpc_calls  # noqa: E402
import lifecycle  # noqa: E402
import many_certs  # noqa: E402
import proxies  # noqa: E402
import tls  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parents[2]
LOAD_CPU, PROXY_CPU = 0, 1
MANY = 10_000
MARK_BEGIN, MARK_END = "<!-- bench: make bench BENCH_ARGS=--readme -->", "<!-- /bench -->"
# name, connections, hosts, extra wrk arguments, what it is
SCENARIOS = [
    ("keepalive-64", 64, 1, [], "64 keep-alive connections"),
    ("keepalive-400", 400, 1, [], "400 keep-alive connections"),
    ("close", 64, 1, ["-H", "Connection: close"], "a new client connection per request"),
    ("h2-16x16", 16, 1, ["-m16"], "HTTP/2, 16 connections of 16 streams"),
    ("hosts-10000", 64, MANY, [], "10,000 hosts, 64 keep-alive connections"),
]
WRK_HOSTS = """
local hosts, n = {{}}, 0
for i = 0, {count} - 1 do
	hosts[i] = wrk.format("GET", "/", {{["Host"] = string.format("h%05d.bench.test", i)}})
end
function request()
	n = (n + 7919) % {count}
	return hosts[n]
end
"""


def wrk(proxy, scenario, seconds):
    """One run: requests, errors, latencies, and the proxy's CPU nanoseconds for it."""
    _, connections, nhosts, extra, _ = scenario
    argv = ["taskset", "-c", str(LOAD_CPU), "wrk", "-t1", f"-c{connections}", f"-d{seconds}s",
            "--latency", *extra]
    if nhosts > 1 and proxy.name != "forwarder":
        script = proxy.dir / "hosts.lua"
        script.write_text(WRK_HOSTS.format(count=nhosts))
        argv += ["-s", str(script)]
    else:
        argv += ["-H", f"Host: {proxies.hosts(1)[0]}"]
    pids = proxy.pids()
    before = proxies.cpu_ns(pids)
    out = subprocess.run([*argv, f"http://127.0.0.1:{proxy.port}/"], capture_output=True,
                         text=True, timeout=seconds + 60, check=True).stdout
    used = proxies.cpu_ns(pids) - before
    requests = int(re.search(r"(\d+) requests in", out)[1])
    errors = re.search(r"Non-2xx or 3xx responses: (\d+)", out)
    sockets = re.search(r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)", out)
    if requests == 0:
        raise RuntimeError(f"{proxy.name}: no request was answered")
    return {"requests": requests, "rate": requests / seconds, "us": used / requests / 1000,
            "p99_ms": latency(out, "99%"), "errors": (int(errors[1]) if errors else 0)
            + (sum(map(int, sockets.groups())) if sockets else 0)}


def h2load(proxy, scenario, seconds):
    """The same for HTTP/2 by prior knowledge."""
    _, connections, _, extra, _ = scenario
    pids = proxy.pids()
    before = proxies.cpu_ns(pids)
    out = subprocess.run(["taskset", "-c", str(LOAD_CPU), "h2load", "-t1", f"-c{connections}",
                          f"-D{seconds}", *extra, "-H", f":authority: {proxies.hosts(1)[0]}",
                          f"http://127.0.0.1:{proxy.h2_port}/"],
                         capture_output=True, text=True, timeout=seconds + 60, check=True).stdout
    used = proxies.cpu_ns(pids) - before
    done, failed, errored = (int(re.search(rf"requests: .*?(\d+) {what}", out)[1])
                             for what in ("succeeded", "failed", "errored"))
    if done == 0:
        raise RuntimeError(f"{proxy.name}: no request was answered")
    return {"requests": done, "rate": done / seconds, "us": used / done / 1000,
            "p99_ms": 0.0, "errors": failed + errored}


def measure(proxy, scenario, seconds):
    return (h2load if scenario[0].startswith("h2-") else wrk)(proxy, scenario, seconds)


def latency(out, which):
    m = re.search(rf"{which}\s+([\d.]+)(us|ms|s)", out)
    return float(m[1]) * {"us": 0.001, "ms": 1, "s": 1000}[m[2]]


def measure_speed(running, scenarios, seconds, rounds):
    """{scenario: {proxy: medians}}; in each round every proxy has its turn."""
    result = {}
    for scenario in scenarios:
        able = [p for p in running if p.h2_port or not scenario[0].startswith("h2-")]
        runs = {p.name: [] for p in able}
        for p in able:
            measure(p, scenario, 1)
        for _ in range(rounds):
            for p in able:
                runs[p.name].append(measure(p, scenario, seconds))
        result[scenario[0]] = {name: {k: statistics.median(r[k] for r in rs) if k != "errors"
                                      else sum(r[k] for r in rs) for k in rs[0]}
                               | {"us_all": [round(r["us"], 3) for r in rs]}
                               for name, rs in runs.items()}
        say(scenario[0] + ": " + ", ".join(
            f"{n} {m['us']:.2f} µs" for n, m in result[scenario[0]].items()))
    return result


def measure_idle(proxy, count):
    """Bytes of the serving process for each of `count` connections that made one request."""
    host = proxies.hosts(1)[0]
    request = f"GET / HTTP/1.1\r\nHost: {host}\r\n\r\n".encode()
    worker = proxy.worker()
    for _ in range(50):  # what is allocated once, however many connections there are
        with socket.create_connection(("127.0.0.1", proxy.port), 5) as s:
            s.sendall(request)
            read_answer(s)
    pss, rss = proxies.pss_bytes(worker), proxies.rss_bytes(worker)
    held = []
    try:
        for _ in range(count):
            s = socket.create_connection(("127.0.0.1", proxy.port), 5)
            held.append(s)
            s.sendall(request)
            read_answer(s)
        return {"connections": count, "bytes": (proxies.pss_bytes(worker) - pss) / count,
                "rss_bytes": (proxies.rss_bytes(worker) - rss) / count}
    finally:
        for s in held:
            s.close()


UPGRADE = ("GET /ws?stream=notifications&token=abcdef0123456789 HTTP/1.1\r\nHost: {host}\r\n"
           "Connection: Upgrade\r\nPragma: no-cache\r\nCache-Control: no-cache\r\n"
           "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) "
           "Chrome/131.0.0.0 Safari/537.36\r\nUpgrade: websocket\r\nOrigin: https://{host}\r\n"
           "Sec-WebSocket-Version: 13\r\nAccept-Encoding: gzip, deflate, br\r\nAccept-Language: "
           "en-US,en;q=0.9\r\nCookie: session=0123456789abcdef0123456789abcdef; theme=dark\r\n"
           "Sec-WebSocket-Key: c2lsZXggc2lsZXggc2lsZQ==\r\n\r\n")


def measure_websockets(proxy, count):
    """Bytes of the serving process for each of `count` idle WebSockets, as a browser asks for one,
    both its connections included."""
    request = UPGRADE.format(host=proxies.hosts(1)[0]).encode()
    worker, held = proxy.worker(), []

    def open_one():
        s = socket.create_connection(("127.0.0.1", proxy.port), 5)
        s.sendall(request)
        data = b""
        while b"comes back\n" not in data:
            piece = s.recv(4096)
            if not piece:
                raise RuntimeError(f"no WebSocket: {data!r}")
            data += piece
        return s
    for _ in range(50):
        open_one().close()
    pss = proxies.pss_bytes(worker)
    try:
        held.extend(open_one() for _ in range(count))
        return (proxies.pss_bytes(worker) - pss) / count
    finally:
        for s in held:
            s.close()


def read_answer(s):
    data = b""
    while b"\r\n\r\n" not in data or len(data.split(b"\r\n\r\n", 1)[1]) < 128:
        piece = s.recv(4096)
        if not piece:
            raise RuntimeError("connection closed instead of an answer")
        data += piece


def start_all(classes, directory, origin, nhosts, notes):
    running = []
    for cls in classes:
        if cls is proxies.Forward and nhosts > 1:
            continue
        try:
            running.append(cls(directory, origin, nhosts, PROXY_CPU).start())
        except (RuntimeError, OSError) as e:
            notes.append(f"{cls.name} with {nhosts} hosts: {e}")
            say(notes[-1])
    return running


def start_times(cls, directory, origin, nhosts, rounds):
    """Median seconds from exec to the first 200."""
    taken = []
    for _ in range(rounds):
        p = cls(directory, origin, nhosts, PROXY_CPU).start()
        taken.append(p.started_in)
        p.stop()
    return statistics.median(taken)


def say(text):
    print(text, flush=True)


def machine():
    model = re.search(r"model name\s*: (.*)", pathlib.Path("/proc/cpuinfo").read_text())
    return f"{model[1] if model else platform.machine()}, {os.cpu_count()} CPUs, " \
           f"Linux {platform.release()}"


def cell(value, nginx, form="{:.2f}"):
    if value is None:
        return "–"
    text = form.format(value)
    return f"{text} (×{value / nginx:.2f})" if nginx else text


def markdown(r):
    names = r["proxies"]
    lines = [f"Measured {r['date']} on {r['machine']}; {r['rounds']} rounds of {r['seconds']} s, "
             "medians; in brackets the ratio to nginx.", ""]
    lines += ["| CPU time per request, µs | " + " | ".join(names) + " |",
              "|---|" + "---:|" * len(names)]
    for name, _, _, _, what in SCENARIOS:
        row = r["speed"].get(name, {})
        nginx = row.get("nginx", {}).get("us")
        cells = []
        for n in names:
            m = row.get(n)
            text = cell(m and m["us"], nginx)
            cells.append(text + (f" **{m['errors']} errors**" if m and m["errors"] else ""))
        lines.append(f"| {what} | " + " | ".join(cells) + " |")
    lines += ["", "| | " + " | ".join(names) + " |", "|---|" + "---:|" * len(names)]
    for key, what, form in (
            ("idle_bytes", "idle keep-alive connection, bytes", "{:.0f}"),
            ("websocket_bytes", "idle WebSocket, bytes", "{:.0f}"),
            ("worker_rss_mb", "worker at rest, MB resident", "{:.1f}"),
            ("start_ms", "start to first answer, ms", "{:.1f}"),
            ("start_many_ms", f"the same with {MANY:,} hosts, ms", "{:.0f}")):
        lines.append(f"| {what} | " + " | ".join(
            cell(r[key].get(n), None, form) for n in names) + " |")
    row = r["speed"].get(SCENARIOS[0][0], {})
    lines.append("| 99 % of answers within, ms (64 connections) | " + " | ".join(
        cell(row[n]["p99_ms"] if n in row else None, None) for n in names) + " |")
    if r["tls"]:
        lines += ["", *tls.markdown(r["tls"])]
    if r["life"]:
        lines += ["", *lifecycle.markdown(r["life"])]
    if r["grpc"]:
        lines += ["", *grpc_calls.markdown(r["grpc"])]
    if r["certs"]:
        lines += ["", *many_certs.markdown(r["certs"])]
    lines += ["", *r["table"], "", *r["http1"]]
    missing = r["notes"] + r["left_out"]
    lines += ["", *(f"Not measured: {n}" for n in missing)] if missing else []
    return "\n".join(lines) + "\n"


def into_readme(text):
    """Replace what stands between the two marks of README.md."""
    readme = ROOT / "README.md"
    before, rest = readme.read_text().split(MARK_BEGIN)
    readme.write_text(before + MARK_BEGIN + "\n" + text + MARK_END + rest.split(MARK_END)[1])


def micro(build, notes, name, what):
    """The lines of one of the small benchmarks beside this file."""
    program = build / "tests/bench" / name
    if not program.exists():
        notes.append(f"{what} (tests/bench/{name} not built)")
        return []
    p = subprocess.run(["taskset", "-c", str(PROXY_CPU), str(program)], capture_output=True,
                       text=True, timeout=300, check=False)
    if p.returncode and "MISSED" not in p.stdout:
        notes.append(f"{what}: {p.stderr[-300:]}")
    return ["```", *p.stdout.splitlines(), "```"]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build")
    parser.add_argument("--seconds", type=int, default=int(os.environ.get("BENCH_SECONDS", "3")))
    parser.add_argument("--rounds", type=int, default=int(os.environ.get("BENCH_ROUNDS", "5")))
    parser.add_argument("--idle", type=int, default=10_000)
    parser.add_argument("--only", default="", help="proxies, by name")
    parser.add_argument("--readme", action="store_true", help="put the tables into README.md")
    args = parser.parse_args()
    build = args.build.resolve()
    directory = build / "bench"
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    for tool in ("wrk", "taskset", "h2load"):
        if not shutil.which(tool):
            say(f"bench: {tool} is missing; deploy/deps.sh bench installs it")
            return 1
    if len(os.sched_getaffinity(0)) < 2:
        say("bench: needs two CPUs, one for load and origin, one for the proxy")
        return 1
    result = run(args, build, directory)
    (directory / "bench.json").write_text(proxies.as_json(result))
    (directory / "bench.md").write_text(markdown(result))
    say("\n" + markdown(result))
    if args.readme:
        into_readme(markdown(result))
    say(f"written: {directory}/bench.md and bench.json")
    return 1 if result["notes"] else 0


def run(args, build, directory):
    notes, classes = [], []
    for cls in proxies.ALL:
        cls.build = build
        why = cls.missing(build)
        if why:
            notes.append(f"{cls.name}: {why}")
            say(notes[-1])
        elif not args.only or cls.name in args.only.split(","):
            classes.append(cls)
    port = proxies.free_port()
    origin = subprocess.Popen(["taskset", "-c", str(LOAD_CPU), str(build / "tests/origin/origin"),
                               "--port", str(port)], stdout=subprocess.PIPE)
    origin.stdout.readline()
    result = {"date": datetime.date.today().isoformat(), "machine": machine(), "notes": notes,
              "rounds": args.rounds, "seconds": args.seconds, "speed": {}, "idle_bytes": {},
              "websocket_bytes": {},
              "worker_rss_mb": {}, "tls": {}, "life": {}, "certs": {}, "grpc": {},
              "left_out": [],  # for want of the network, say: no failure of the run
              "start_ms": {}, "start_many_ms": {},
              "proxies": [c.name for c in classes]}
    try:
        one_host(args, classes, directory, port, result)
        many_hosts(args, classes, directory, port, result)
        secured(args, build, directory, port, result)
        if any(c is proxies.Silex for c in classes):
            result["life"] = lifecycle.measure(build, directory / "lifecycle", args.rounds)
            say("\n".join(lifecycle.markdown(result["life"])))
        certificates(args, build, directory, port, result)
        grpc(args, build, directory, result)
        result["table"] = micro(build, notes, "table_bench", "the shared table")
        result["http1"] = micro(build, notes, "http1_bench", "HTTP/1 heads")
    finally:
        origin.terminate()
        origin.wait()
    return result


def one_host(args, classes, directory, port, result):
    for cls in classes:
        if cls is not proxies.Forward:
            result["start_ms"][cls.name] = 1000 * start_times(cls, directory, port, 1, args.rounds)
    running = start_all(classes, directory, port, 1, result["notes"])
    try:
        time.sleep(0.5)  # let start-up work end before memory is read
        for p in running:
            result["worker_rss_mb"][p.name] = proxies.rss_bytes(p.worker()) / 1e6
        one = [s for s in SCENARIOS if s[2] == 1]
        result["speed"].update(measure_speed(running, one, args.seconds, args.rounds))
    finally:
        for p in running:
            p.stop()
    # Memory of connections is taken from fresh processes, before load has warmed any cache.
    for cls in classes:
        if cls is proxies.Forward:
            continue
        p = cls(directory, port, 1, PROXY_CPU).start()
        try:
            result["idle_bytes"][cls.name] = measure_idle(p, args.idle)["bytes"]
        finally:
            p.stop()
        p = cls(directory, port, 1, PROXY_CPU).start()
        try:
            result["websocket_bytes"][cls.name] = measure_websockets(p, args.idle // 2)
        finally:
            p.stop()
    for key, what in (("idle_bytes", "connection"), ("websocket_bytes", "WebSocket")):
        say(f"idle {what}, bytes: " + ", ".join(f"{n} {b:.0f}" for n, b in result[key].items()))


def many_hosts(args, classes, directory, port, result):
    running = start_all(classes, directory, port, MANY, result["notes"])
    try:
        for p in running:
            result["start_many_ms"][p.name] = 1000 * p.started_in
        many = [s for s in SCENARIOS if s[2] > 1]
        result["speed"].update(measure_speed(running, many, args.seconds, args.rounds))
    finally:
        for p in running:
            p.stop()


def secured(args, build, directory, port, result):
    wanted = args.only.split(",") if args.only else ["nginx", "silex"]
    if not {"nginx", "silex"} <= set(wanted) or not shutil.which("openssl"):
        result["notes"].append("TLS (needs openssl, nginx and silex)")
        return
    tls.Silex.build = build
    result["tls"] = tls.measure(directory, port, (LOAD_CPU, PROXY_CPU), args.seconds, args.rounds)
    say("TLS: " + ", ".join(f"{key} nginx {row['nginx']:.1f} silex {row['silex']:.1f}"
                            for key, row in result["tls"].items()))


def grpc(args, build, directory, result):
    wanted = args.only.split(",") if args.only else ["envoy", "silex"]
    if not {"envoy", "silex"} <= set(wanted):
        result["left_out"].append("gRPC calls (envoy and silex were not both asked for)")
        return
    if not shutil.which("curl"):
        result["left_out"].append("gRPC calls (needs curl)")
        return
    figures, why = grpc_calls.measure(build, directory, (LOAD_CPU, PROXY_CPU), args.seconds, args.rounds)
    if figures is None:
        result["left_out"].append(f"gRPC calls beside Envoy: {why}")
        say(result["left_out"][-1])
        return
    result["grpc"] = figures
    say("\n".join(grpc_calls.markdown(figures)))


def certificates(args, build, directory, port, result):
    if args.only and "silex" not in args.only.split(","):
        return
    many_certs.Silex.build = build
    result["certs"] = many_certs.measure(build, directory, port, (LOAD_CPU, PROXY_CPU),
                                         args.seconds, args.rounds)
    say("\n".join(many_certs.markdown(result["certs"])))


if __name__ == "__main__":
    sys.exit(main())
