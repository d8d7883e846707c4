"""TLS in the benchmark: nginx and Silex with the same certificate (ECDSA P-256), one worker.

New connections with full handshakes come from wrk, which cannot resume; resumed ones from here, one
after the other, since only the proxy's own CPU time counts. What Silex' keys process works is
counted in.
"""

import pathlib
import re
import socket
import ssl
import statistics
import subprocess
import sys
import time

import proxies

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "integration"))

import certs  # noqa: E402

HOST = proxies.hosts(1)[0]
IDLE = 1000
CONTEXT = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
CONTEXT.check_hostname, CONTEXT.verify_mode = False, ssl.CERT_NONE
ROWS = [  # key, what it is
    ("keepalive", "TLS: 64 keep-alive connections, µs"),
    ("full", "TLS: a new connection per request, full handshake, µs"),
    ("resumed", "TLS: a new connection per request, resumed, µs"),
    ("idle", "TLS: idle keep-alive connection, bytes"),
]


class Nginx(proxies.Nginx):
    def configure(self):
        self.tls_port = proxies.free_port()
        pair = certs.Pair(self.dir / "pair", HOST)
        self.template("nginx.conf.in", "nginx.conf", SERVERS=(
            f"\tserver {{ listen 127.0.0.1:{self.port}; listen 127.0.0.1:{self.tls_port} ssl;\n"
            f"\t\tserver_name {HOST}; ssl_certificate {pair.crt}; ssl_certificate_key {pair.key};\n"
            "\t\tssl_protocols TLSv1.2 TLSv1.3; ssl_session_tickets on; ssl_session_timeout 10m;\n"
            "\t\tlocation / { proxy_pass http://origin; } }"))


class Silex(proxies.Silex):
    def configure(self):
        super().configure()
        self.tls_port = proxies.free_port()
        pair = certs.Pair(self.dir / "pair", HOST)
        directory = proxies.k8s.Manifests(self.dir / "manifests")
        name = HOST.split(".")[0]
        directory.put(f"{name[:3]}/{name}",
                      proxies.k8s.ingress(name, {HOST: "origin"}, tls=[certs.tls("cert", HOST)],
                                          annotations={"ssl-redirect": "false"}),
                      certs.secret("cert", pair.crt, pair.key))

    def argv(self):
        argv = super().argv()
        argv[argv.index("--https-port") + 1] = str(self.tls_port)
        return argv


def spent(proxy, run):
    """CPU microseconds of the proxy for each of what run() says it did."""
    pids = proxy.pids()
    before = proxies.cpu_ns(pids)
    n = run()
    return (proxies.cpu_ns(pids) - before) / n / 1000


def wrk(proxy, cpu, seconds, *extra):
    out = subprocess.run(["taskset", "-c", str(cpu), "wrk", "-t1", "-c64", f"-d{seconds}s", "-H",
                          f"Host: {HOST}", *extra, f"https://127.0.0.1:{proxy.tls_port}/"],
                         capture_output=True, text=True, timeout=seconds + 60, check=True).stdout
    return int(re.search(r"(\d+) requests in", out)[1])


def connect(proxy, session=None):
    """A connection that made one request, and its session."""
    s = CONTEXT.wrap_socket(socket.create_connection(("127.0.0.1", proxy.tls_port), 5),
                            server_hostname=HOST, session=session)
    s.sendall(f"GET / HTTP/1.1\r\nHost: {HOST}\r\n\r\n".encode())
    data = b""
    while b"\r\n\r\n" not in data or len(data.split(b"\r\n\r\n", 1)[1]) < 128:
        data += s.recv(4096)
    return s


def resumed(proxy, seconds):
    """New connections one after the other, all of them resumed: their number."""
    with connect(proxy) as s:
        session = s.session
    n, end = 0, time.monotonic() + seconds
    while time.monotonic() < end:
        with connect(proxy, session) as s:
            if not s.session_reused:
                raise RuntimeError(f"{proxy.name} does not resume")
        n += 1
    return n


def idle_bytes(proxy):
    held = []
    for _ in range(50):
        connect(proxy).close()
    before = proxies.pss_bytes(proxy.worker())
    try:
        held = [connect(proxy) for _ in range(IDLE)]
        return (proxies.pss_bytes(proxy.worker()) - before) / IDLE
    finally:
        for s in held:
            s.close()


def measure(directory, origin, cpus, seconds, rounds):
    """{row: {proxy: figure}}; cpus: of the load and of the proxies."""
    load, cpu = cpus
    running = [cls(directory / "tls", origin, 1, cpu).start() for cls in (Nginx, Silex)]
    try:
        runs = {key: {p.name: [] for p in running} for key, _ in ROWS}
        for p in running:
            runs["idle"][p.name].append(idle_bytes(p))
        for _ in range(rounds):
            for p in running:
                runs["keepalive"][p.name].append(spent(p, lambda p=p: wrk(p, load, seconds)))
                runs["full"][p.name].append(spent(
                    p, lambda p=p: wrk(p, load, seconds, "-H", "Connection: close")))
                runs["resumed"][p.name].append(spent(p, lambda p=p: resumed(p, seconds)))
        return {key: {n: statistics.median(v) for n, v in row.items()}
                for key, row in runs.items()}
    finally:
        for p in running:
            p.stop()


def markdown(figures):
    lines = ["| | nginx | silex | ratio |", "|---|---:|---:|---:|"]
    for key, what in ROWS:
        n, s = figures[key]["nginx"], figures[key]["silex"]
        form = "{:.0f}" if key == "idle" else "{:.1f}"
        lines.append(f"| {what} | {form.format(n)} | {form.format(s)} | ×{s / n:.2f} |")
    return lines
